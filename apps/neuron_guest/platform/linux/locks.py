"""Whether the screen of the person at the seat is locked, as logind knows it (desktops tell it).

``busctl monitor`` reports changes, a line of JSON each (busctl(1)); what is so then, ``loginctl``
tells: the line may be of another person's session. A desktop that never sets the hint counts as unlocked.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from neuron_guest.backend import BackendError
from neuron_guest.platform.linux import link, programs

_log = logging.getLogger("neuron_guest")

_MATCH = (
    "type='signal',sender='org.freedesktop.login1',interface='org.freedesktop.DBus.Properties',"
    "member='PropertiesChanged'"
)
_TELLING = (b"LockedHint", b"ActiveSession")


def active_session(seat: Path = link.SEAT) -> str:
    """The id of the session at the screen, from logind's state; empty for none."""
    try:
        lines = seat.read_text().splitlines()
    except OSError:
        return ""
    found = [line.partition("=")[2] for line in lines if line.startswith("ACTIVE=")]
    return found[0] if found and found[0].isalnum() else ""


def locked(seat: Path = link.SEAT) -> bool:
    """Whether the screen is locked now. Raises: BackendError."""
    session = active_session(seat)
    if not session:
        return False
    words = ["loginctl", "show-session", session, "--property=LockedHint", "--value"]
    return programs.run(words).strip() == b"yes"


def watch(told: Callable[[bool], None], seat: Path = link.SEAT) -> Callable[[], None]:
    """Call ``told`` on a thread of its own: now, and when it may have changed. Raises: BackendError."""
    process = programs.listen(["busctl", "--system", "--json=short", f"--match={_MATCH}", "monitor"])

    def ask() -> None:
        try:
            told(locked(seat))
        except BackendError as error:
            _log.info("whether the screen is locked is not known: %s", error)

    def follow() -> None:
        assert process.stdout is not None
        ask()
        for line in process.stdout:
            if any(word in line for word in _TELLING):
                ask()
        process.wait()
        process.stdout.close()

    threading.Thread(target=follow, name="neuron-locks", daemon=True).start()
    return process.terminate
