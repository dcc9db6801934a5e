"""Keeps a QMenu as described: an entry that stays is the same object, so no click on an open menu misses.

A panel shows the menu from a copy of its own and sends clicks by number over D-Bus; Qt gives each action a
number for its life. An action made anew for the same entry would be another number, and the click on its way
to the old one lost; an open submenu would close.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu

from neuron_guest_bridge.tray_entries import Entry, Wish


@dataclass
class _Held:
    """One entry as it was shown last; ``below`` where it has a menu."""

    entry: Entry
    action: QAction
    below: MenuKeeper | None


class MenuKeeper:
    """``chosen`` gets what the chosen entry wishes. What stands in the menu from ``before`` on stays."""

    def __init__(self, menu: QMenu, chosen: Callable[[Wish], None], *, before: QAction | None = None) -> None:
        self._menu = menu
        self._chosen = chosen
        self._before = before
        self._group = QActionGroup(menu)
        self._held: dict[str, _Held] = {}
        self._order: list[str] = []

    def show(self, entries: Sequence[Entry]) -> None:
        """Make it so; their keys differ."""
        wanted = {entry.key: entry for entry in entries}
        for key in [key for key in self._order if not self._stays(key, wanted.get(key))]:
            self._drop(key)
        for place, entry in enumerate(entries):
            held = self._held.get(entry.key) or self._make(entry)
            self._place(entry.key, place)
            self._update(held, entry)

    def _stays(self, key: str, entry: Entry | None) -> bool:
        held = self._held[key].entry
        return entry is not None and _kind(held) == _kind(entry)

    def _drop(self, key: str) -> None:
        held = self._held.pop(key)
        self._order.remove(key)
        self._menu.removeAction(held.action)
        self._group.removeAction(held.action)
        if held.below is not None:
            held.below._menu.deleteLater()  # and its action with it
        else:
            held.action.deleteLater()

    def _make(self, entry: Entry) -> _Held:
        if entry.below is not None:
            menu = QMenu(self._menu)
            held = _Held(entry, menu.menuAction(), MenuKeeper(menu, self._chosen))
        else:
            held = _Held(entry, QAction(self._menu), None)
            held.action.setSeparator(not entry.text)
            held.action.triggered.connect(partial(self._triggered, entry.key))
            if entry.one_of:
                self._group.addAction(held.action)
        self._held[entry.key] = held
        return held

    def _place(self, key: str, place: int) -> None:
        """Only what stands wrong is moved: Qt numbers an action anew that is taken out and put in again."""
        if self._order[place : place + 1] == [key]:
            return
        if key in self._order:
            self._order.remove(key)
            self._menu.removeAction(self._held[key].action)
        after = self._order[place] if place < len(self._order) else None
        before = self._before if after is None else self._held[after].action
        if before is None:
            self._menu.addAction(self._held[key].action)
        else:
            self._menu.insertAction(before, self._held[key].action)
        self._order.insert(place, key)

    def _update(self, held: _Held, entry: Entry) -> None:
        held.entry = entry
        held.action.setText(entry.text)
        held.action.setEnabled(entry.enabled)
        held.action.setCheckable(entry.checked is not None)
        held.action.setChecked(bool(entry.checked))
        if held.below is not None:
            held.below.show(entry.below or ())

    def _triggered(self, key: str, _checked: bool = False) -> None:  # noqa: FBT001, FBT002 — Qt's signal
        held = self._held.get(key)
        if held is None or held.entry.wish is None:
            return
        for other in self._held.values():  # a mark tells how it is, not what was wished; that may be refused
            other.action.setChecked(bool(other.entry.checked))
        self._chosen(held.entry.wish)


def _kind(entry: Entry) -> tuple[bool, bool, bool]:
    """What an action cannot become later."""
    return entry.below is not None, bool(entry.text), entry.one_of
