"""Whether this desktop has a tray, told when one comes or goes.

Qt looks once, when the first tray icon is made, and remembers the answer for the life of the process. So the
session bus is asked here, and an icon is made only when there is somewhere to show it: the tray may start
after us. Source: freedesktop StatusNotifierItem; KDE's watcher is what every desktop runs.
"""

from __future__ import annotations

import logging

from PySide6.QtCore import QObject, Qt, Signal, Slot

from libneuron.system.bus import Bus, LoopThread
from libneuron.system.bus import Signal as BusSignal
from libneuron.system.errors import SystemAccessError

_WATCHER = "org.kde.StatusNotifierWatcher"
_PATH = "/StatusNotifierWatcher"
_log = logging.getLogger(__name__)


class TrayHost(QObject):
    """Belongs to Qt's thread; ``io`` carries the bus."""

    changed = Signal()
    """:attr:`available` is another one."""
    _told = Signal(bool)

    def __init__(self, io: LoopThread, *, address: str | None = None) -> None:
        super().__init__()
        self.available = False
        self.asked = False
        self._io = io
        self._bus: Bus | None = None
        self._told.connect(self._take, Qt.ConnectionType.QueuedConnection)
        io.submit(self._watch(address))

    @Slot(bool)
    def _take(self, available: bool) -> None:  # noqa: FBT001 — a signal's value
        news = not self.asked or available is not self.available
        self.asked, self.available = True, available
        if news:
            self.changed.emit()

    async def _watch(self, address: str | None) -> None:
        try:
            self._bus = await Bus.open(address=address)
            owner = "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged'"
            await self._bus.subscribe(f"{owner},arg0='{_WATCHER}'", self._news)
            await self._bus.subscribe(f"type='signal',interface='{_WATCHER}'", self._news)
        except SystemAccessError as error:
            _log.info("no session bus, so no tray: %s", error.details or error)
            self._told.emit(False)  # noqa: FBT003 — a signal's value
            return
        await self._ask()

    def _news(self, signal: BusSignal) -> None:
        if signal.interface == _WATCHER or (signal.body and signal.body[0] == _WATCHER):
            self._io.submit(self._ask())

    async def _ask(self) -> None:
        assert self._bus is not None
        try:
            found = await self._bus.get(
                _WATCHER, _PATH, _WATCHER, "IsStatusNotifierHostRegistered", timeout=5
            )
        except SystemAccessError:
            found = False  # nobody owns the name
        self._told.emit(bool(found))

    def close(self) -> None:
        """Leave the bus."""
        if self._bus is not None:
            self._io.wait(self._bus.close(), timeout=5)
            self._bus = None
