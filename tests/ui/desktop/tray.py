"""The tray as its host sees it: the items that are registered, and their menus, over D-Bus."""

from __future__ import annotations

import queue
import time
from dataclasses import dataclass
from typing import Any

from libneuron.system.bus import Bus, LoopThread, Signal
from libneuron.system.errors import SystemAccessError
from tests.ui.desktop.session import Desktop, wait_for

_WATCHER = "org.kde.StatusNotifierWatcher"
_ITEM = "org.kde.StatusNotifierItem"
_MENU = "com.canonical.dbusmenu"


@dataclass(frozen=True)
class Entry:
    """One entry of a menu, with those below it."""

    number: int
    label: str
    enabled: bool
    checked: bool
    below: tuple[Entry, ...]


class TrayClient:
    """Used as a context inside a :class:`Desktop` with a panel."""

    def __init__(self, desktop: Desktop) -> None:
        self._io = LoopThread()
        self._bus = self._io.wait(Bus.open(address=desktop.environment["DBUS_SESSION_BUS_ADDRESS"]))
        self.pid = 0
        """Whose item is meant where there are several."""
        self.arrivals: queue.SimpleQueue[float] = queue.SimpleQueue()
        """When each item was registered, by ``time.perf_counter``."""
        self._io.wait(self._bus.subscribe(f"type='signal',interface='{_WATCHER}'", self._heard))

    def _heard(self, signal: Signal) -> None:
        if signal.member == "StatusNotifierItemRegistered":
            self.arrivals.put(time.perf_counter())

    def __enter__(self) -> TrayClient:
        return self

    def __exit__(self, *_: object) -> None:
        self._io.wait(self._bus.close())
        self._io.close()

    def _get(self, service: str, path: str, interface: str, name: str) -> Any:
        return self._io.wait(self._bus.get(service, path, interface, name, timeout=5))

    def items(self) -> list[tuple[str, str]]:
        """(service, path) of each registered item."""
        try:
            found = self._get(_WATCHER, "/StatusNotifierWatcher", _WATCHER, "RegisteredStatusNotifierItems")
        except SystemAccessError:
            return []
        return [(item.partition("/")[0], "/" + item.partition("/")[2]) for item in found]

    def item(self) -> tuple[str, str]:
        """The item of :attr:`pid`, else the only one, once it is there."""
        if self.pid:
            return self.item_of(self.pid)
        return wait_for(lambda: next(iter(self.items()), None), "an item in the tray")

    def item_of(self, pid: int) -> tuple[str, str]:
        """A process's item, once it is there."""

        def its() -> tuple[str, str] | None:
            return next((item for item in self.items() if self._process(item[0]) == pid), None)

        return wait_for(its, "its item in the tray")

    def _process(self, service: str) -> int:
        bus = "org.freedesktop.DBus"
        asked = self._bus.call(
            bus, "/org/freedesktop/DBus", bus, "GetConnectionUnixProcessID", "s", (service,), timeout=5
        )
        try:
            return int(self._io.wait(asked)[0])
        except SystemAccessError:
            return 0  # it has left

    def tip(self) -> str:
        """What the item says about its state."""
        return str(self._get(*self.item(), _ITEM, "ToolTip")[2])

    def menu(self) -> tuple[Entry, ...]:
        """The item's whole menu."""
        service, path = self.item()
        menu = self._get(service, path, _ITEM, "Menu")
        _, layout = self._io.wait(
            self._bus.call(service, menu, _MENU, "GetLayout", "iias", (0, -1, []), timeout=5)
        )
        return _entry(layout).below

    def open(self) -> None:
        """What a panel says when the person opens the menu."""
        from dbus_fast import Variant

        service, path = self.item()
        menu = self._get(service, path, _ITEM, "Menu")
        self._io.wait(self._bus.call(service, menu, _MENU, "AboutToShow", "i", (0,), timeout=5))
        body = (0, "opened", Variant("i", 0), 0)
        self._io.wait(self._bus.call(service, menu, _MENU, "Event", "isvu", body, timeout=5))

    def click(self, *labels: str) -> None:
        """Press the entry at the end of ``labels``, from the top of the menu down."""
        number = self.number(*labels)
        service, path = self.item()
        menu = self._get(service, path, _ITEM, "Menu")
        from dbus_fast import Variant

        body = (number, "clicked", Variant("i", 0), 0)
        self._io.wait(self._bus.call(service, menu, _MENU, "Event", "isvu", body, timeout=5))

    def number(self, *labels: str) -> int:
        """By which number a panel knows the entry at the end of ``labels``."""
        entries, number = self.menu(), 0
        for label in labels:
            found = next((entry for entry in entries if entry.label == label), None)
            assert found is not None, f"no “{label}” among {[entry.label for entry in entries]}"
            entries, number = found.below, found.number
        return number


def _entry(layout: Any) -> Entry:
    number, properties, below = layout
    return Entry(
        number=number,
        label=str(properties.get("label", "")).replace("_", ""),
        enabled=bool(properties.get("enabled", True)),
        checked=properties.get("toggle-state", 0) == 1,
        below=tuple(_entry(item) for item in below),
    )
