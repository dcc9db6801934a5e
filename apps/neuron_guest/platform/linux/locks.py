"""Whether the screen of the person at the seat is locked, as logind knows it (desktops tell it).

``busctl monitor`` reports changes, a line of JSON each (busctl(1)); what is so then, ``loginctl``
tells: the line may be of another person's session. A desktop that never sets the hint counts as unlocked.
"""

from __future__ import annotations

import logging
import subprocess
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
_MONITOR = ("busctl", "--system", "--json=short", f"--match={_MATCH}", "monitor")
_AGAIN, _SELDOM = 2.0, 60.0  # seconds after which a monitor that ended is started again: first, and at most
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


class Locks:
    """Calls ``told`` now and when it may have changed, until :meth:`stop`."""

    def __init__(self, told: Callable[[bool], None], seat: Path = link.SEAT) -> None:
        self._told = told
        self._seat = seat
        self._stopped = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None

    def run(self) -> None:
        """Blocks until :meth:`stop`, or for good where the tools are missing."""
        delay = _AGAIN
        while not self._stopped.is_set():
            try:
                heard = self._follow()
            except BackendError as error:
                _log.info("whether the screen is locked is not known: %s", error)
                return
            if heard:
                delay = _AGAIN  # the bus was there, and was restarted
            self._stopped.wait(delay)
            delay = min(2 * delay, _SELDOM)  # it is not there yet

    def _follow(self) -> bool:
        """Until the monitor ends; whether it told of anything."""
        self._process = process = programs.listen(_MONITOR)
        assert process.stdout is not None
        if self._stopped.is_set():
            process.terminate()
        self._ask()
        heard = False
        for line in process.stdout:
            heard = True
            if any(word in line for word in _TELLING):
                self._ask()
        process.wait()
        process.stdout.close()
        return heard

    def _ask(self) -> None:
        try:
            self._told(locked(self._seat))
        except BackendError as error:
            _log.info("logind does not say whether the screen is locked: %s", error)

    def stop(self) -> None:
        """End :meth:`run`; from any thread."""
        self._stopped.set()
        if self._process is not None:
            self._process.terminate()
