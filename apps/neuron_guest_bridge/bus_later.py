"""The session bus once there is something to script: until a machine is paired, nothing of it is loaded."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from neuron_guest_bridge.activity import Line
from neuron_guest_bridge.fleet import Fleet
from neuron_guest_bridge.machines import Snapshot

if TYPE_CHECKING:
    from neuron_guest_bridge.on_bus import OnBus


def _version() -> str:
    """Our own version; empty where the package was not installed but copied."""
    from importlib import metadata

    try:
        return metadata.version("neuron-suite")
    except metadata.PackageNotFoundError:
        return ""


class BusLater:
    """Belongs to Qt's thread, which never waits for it: loading and opening have a thread of their own."""

    def __init__(self, fleet: Fleet, *, app_id: str, name: str, show: Callable[[str], None]) -> None:
        """``name`` is the app's, for notifications; ``show`` is called on other threads."""
        self._fleet = fleet
        self._app_id, self._name = app_id, name
        self._show = show
        self._bus: OnBus | None = None
        self._thread: threading.Thread | None = None

    def machines_changed(self, snapshot: Snapshot) -> None:
        """Join once a machine is paired, and tell programs that listen."""
        if self._bus is not None:
            self._bus.machines_changed()
        elif any(machine.paired for machine in snapshot.machines):
            self.join()

    def join(self) -> None:
        """Join now: a program waits for us there, or there is something to script. Returns at once."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._join, name="session-bus", daemon=True)
            self._thread.start()

    def _join(self) -> None:
        from neuron_guest_bridge.bus_interface import interface
        from neuron_guest_bridge.on_bus import OnBus

        served = interface(self._fleet, show=self._show, program=_version())
        self._bus = OnBus(self._fleet.io, served)

    def happened(self, line: Line) -> None:
        """Tell programs that listen."""
        if self._bus is not None:
            self._bus.happened(line)

    def notify(self, title: str, body: str, *, show: str, machine: str) -> None:
        """Show a notification, where the desktop shows some. A click on it or on its button, called ``show``,
        brings the window with ``machine``."""
        if self._bus is None:
            return
        from libneuron.system.notifications import Note

        # "default" is the click on the notification itself (Desktop Notifications Specification 1.2).
        note = Note(self._app_id, self._name, title, body, actions={"default": show, "show": show})
        self._bus.notify(note, lambda: self._show(machine))

    def close(self) -> None:
        """Leave the bus."""
        if self._thread is not None:
            self._thread.join(30)
        if self._bus is not None:
            self._bus.close()
