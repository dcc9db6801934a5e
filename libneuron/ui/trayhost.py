"""Whether this desktop has a tray, told when one comes or goes.

Qt looks once, when the first tray icon is made, and remembers the answer for the life of the process. So the
session bus is asked here, and an icon is made only when there is somewhere to show it: the tray may start
after us. Through Qt's own D-Bus, which the tray icon needs anyway: an icon can be there before any other
library is loaded. Source: freedesktop StatusNotifierItem; KDE's watcher is what every desktop runs.
"""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import SLOT, QObject, Signal, Slot
from PySide6.QtDBus import (
    QDBus,
    QDBusConnection,
    QDBusMessage,
    QDBusPendingCallWatcher,
    QDBusServiceWatcher,
    QDBusVariant,
)

_WATCHER = "org.kde.StatusNotifierWatcher"
_PATH = "/StatusNotifierWatcher"
_FIRST, _LATER = 500, 5000  # milliseconds to wait for an answer: before anything is shown, and afterwards


def _question() -> QDBusMessage:
    properties = "org.freedesktop.DBus.Properties"
    asked = QDBusMessage.createMethodCall(_WATCHER, _PATH, properties, "Get")
    asked.setArguments([_WATCHER, "IsStatusNotifierHostRegistered"])
    return asked


def _answer(reply: QDBusMessage) -> bool:
    """What the watcher said; an error means that nobody owns its name."""
    if reply.type() != QDBusMessage.MessageType.ReplyMessage:
        return False
    value = reply.arguments()[0]
    return bool(value.variant() if isinstance(value, QDBusVariant) else value)


def tray_host_now() -> bool:
    """Whether there is a tray now; waits half a second at most. For the start, when nothing is shown yet."""
    bus = QDBusConnection.sessionBus()
    return bus.isConnected() and _answer(bus.call(_question(), QDBus.CallMode.Block, _FIRST))


class TrayHost(QObject):
    """Belongs to Qt's thread and never waits; it looks for the first time when it is made."""

    changed = Signal()
    """:attr:`available` is another one, or known for the first time."""

    def __init__(self) -> None:
        super().__init__()
        self.available = False
        self.asked = False
        self._bus = QDBusConnection.sessionBus()
        self._owner = QDBusServiceWatcher(
            _WATCHER, self._bus, QDBusServiceWatcher.WatchModeFlag.WatchForOwnerChange, self
        )
        self._owner.serviceOwnerChanged.connect(self.look)
        for member in ("StatusNotifierHostRegistered", "StatusNotifierHostUnregistered"):
            slot: Any = SLOT("look()")  # the stubs ask for bytes, which the binding refuses
            self._bus.connect(_WATCHER, _PATH, _WATCHER, member, self, slot)
        self.look()

    @Slot()
    def look(self) -> None:
        """Ask the watcher."""
        call = QDBusPendingCallWatcher(self._bus.asyncCall(_question(), _LATER), self)
        call.finished.connect(self._answered)

    @Slot(QDBusPendingCallWatcher)
    def _answered(self, call: QDBusPendingCallWatcher) -> None:
        available = _answer(call.reply())
        call.deleteLater()
        news = not self.asked or available is not self.available
        self.asked, self.available = True, available
        if news:
            self.changed.emit()
