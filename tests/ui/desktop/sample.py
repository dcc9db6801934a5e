"""A program that shows one scene: ``python -m tests.ui.desktop.sample library-error``."""

from __future__ import annotations

import sys

from libneuron.ui.app import application, run
from tests.ui.scenes import scenes

if __name__ == "__main__":
    app = application(app_id="org.neuronos.GuestBridge", name="Sample")
    sys.exit(run(app, scenes()[sys.argv[1]]))
