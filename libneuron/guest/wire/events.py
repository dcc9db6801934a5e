"""What the guest tells of its own accord, besides pastes (:mod:`.transfers`). An older host ignores them."""

from __future__ import annotations

CLIPBOARD_OFFERED = "clipboard_offered"
"""``{formats, secret, own}``: somebody copied."""
SESSION_CHANGED = "session_changed"
"""``{session}``, one of :data:`SESSIONS`: the screen was locked or unlocked, somebody signed in or out."""
DISPLAY_CHANGED = "display_changed"
"""``{width, height, refresh}``: the display's mode is another, whoever changed it."""
SESSIONS = ("active", "locked", "none")
