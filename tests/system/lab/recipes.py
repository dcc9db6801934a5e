"""Images that several test files share."""

from __future__ import annotations

from tests.system.lab.image import Recipe

# The Linux guest of the bridge: an X server for the agent's session helper, and its tools.
GUEST = Recipe("guest", packages=("xvfb", "xclip", "x11-xserver-utils"))
