"""Guest Bridge's tray over recorded machines: what it tells, and that no click on its open menu misses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from libneuron.guest.api import GuestApp
from libneuron.guest.clipboard.rules import Direction, Side
from libneuron.guest.errors import GuestError
from libneuron.guest.hypervisor.domains import Power
from libneuron.guest.wire.requests import Permission
from libneuron.ui.dialogs import ErrorDialog
from neuron_guest_bridge.machines import Act, Machine, Snapshot
from neuron_guest_bridge.menu_keeper import MenuKeeper
from neuron_guest_bridge.tray import Tray
from neuron_guest_bridge.tray_entries import MOST_APPS, Entry, What, Wish, entries
from tests.ui.bridge import Shown
from tests.ui.scenes.guest_bridge import APPS, MACHINES, WINDOWS, settle

FOLLOWING = replace(WINDOWS, can_follow=True)


@pytest.fixture
def shown(qtbot: QtBot) -> Shown:
    return Shown(qtbot, FOLLOWING, *MACHINES[1:])


@pytest.fixture
def opened() -> list[str]:
    """The machines whose window the tray asked for."""
    return []


@pytest.fixture
def tray(shown: Shown, opened: list[str]) -> Iterator[Tray]:
    made = Tray(shown.model, "org.neuronos.GuestBridge", open_window=opened.append, leave=lambda: None)
    yield made
    made.close()


def _find(menu: QMenu, *labels: str) -> QAction:
    """The entry at the end of ``labels``; each is the beginning of a text."""
    first, *rest = labels
    found = next(a for a in menu.actions() if a.text().replace("&", "").startswith(first))
    below = found.menu()
    return _find(below, *rest) if rest and isinstance(below, QMenu) else found


def _texts(menu: QMenu) -> list[str]:
    return [action.text() for action in menu.actions()]


def _apps(tray: Tray) -> QMenu:
    menu = _find(tray.menu, "win11", "Applications").menu()
    assert isinstance(menu, QMenu)
    return menu


def _tell(shown: Shown, *machines: Machine) -> None:
    with shown.qtbot.waitSignal(shown.model.changed):
        shown.recorded.tell(Snapshot(machines, looked=True))


def test_the_tray_tells_the_state_in_words_and_in_the_picture(shown: Shown, tray: Tray) -> None:
    seen = [_picture(tray)]
    assert tray.icon.toolTip() == "Guest Bridge: needs attention: debian-12"
    for machine, state in ((WINDOWS, "connected to win11"), (MACHINES[1], "not connected")):
        _tell(shown, machine)
        assert tray.icon.toolTip() == f"Guest Bridge: {state}"
        seen.append(_picture(tray))
    assert len(set(seen)) == 3


def _picture(tray: Tray) -> bytes:
    return bytes(tray.icon.icon().pixmap(32, 32).toImage().constBits())


def test_the_applications_started_last_come_first(shown: Shown, tray: Tray) -> None:
    _tell(shown, replace(WINDOWS, recent=("C:\\Word.exe", "C:\\gone.exe", "C:\\Paint.exe")))
    assert _texts(_apps(tray))[:4] == ["Word", "Paint", "", "Calculator"]
    _apps(tray).actions()[0].trigger()
    shown.asked("launch", "6f1c", "C:\\Word.exe")


def test_favourites_come_first_of_all(shown: Shown, tray: Tray) -> None:
    _tell(shown, replace(WINDOWS, favourites=("C:\\Word.exe",), recent=("C:\\Paint.exe",)))
    assert _texts(_apps(tray))[:4] == ["Word", "Paint", "", "Calculator"]


def test_a_menu_of_machines_that_come_and_go_keeps_those_that_stay(
    shown: Shown, tray: Tray, opened: list[str]
) -> None:
    entry, other = _find(tray.menu, "Open"), _find(tray.menu, "debian-12")
    _tell(shown, replace(WINDOWS, power=Power.OFF), *MACHINES[2:])
    assert [text.partition(" ")[0] for text in _texts(tray.menu)][:3] == ["win11", "debian-12", "fedora"]
    assert other in tray.menu.actions()
    entry.trigger()
    assert opened == [""]


CHANGES: dict[str, Callable[[Machine], Machine]] = {
    "another application was started": lambda machine: replace(machine, recent=("C:\\Word.exe",)),
    "this application was started": lambda machine: replace(machine, recent=("C:\\Paint.exe",)),
    "a favourite": lambda machine: replace(machine, favourites=("C:\\Excel.exe",)),
    "its screen was locked": lambda machine: replace(machine, locked=True),
    "it is being shut down": lambda machine: replace(machine, power=Power.STOPPING),
    "its name": lambda machine: replace(machine, name="windows 11"),
    "the clipboard's direction": lambda machine: replace(
        machine, allowed=machine.allowed - {Permission.CLIPBOARD_OUT}
    ),
    "no clipboard any more": lambda machine: replace(machine, sharing=False),
    "no window to follow any more": lambda machine: replace(machine, can_follow=False),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_the_person_points_at_can_still_be_chosen_after_a_change(
    shown: Shown, tray: Tray, change: Callable[[Machine], Machine]
) -> None:
    paint, window = _find(tray.menu, "win11", "Applications", "Paint"), _find(tray.menu, "win11", "Show in")
    off = _find(tray.menu, "win11", "Clipboard", "Not shared")
    menus = [_find(tray.menu, "win11").menu(), _find(tray.menu, "win11", "Applications").menu()]
    _tell(shown, change(FOLLOWING), *MACHINES[1:])
    shown.model.fetch_apps("6f1c")
    settle()
    name = change(FOLLOWING).name
    assert [_find(tray.menu, name).menu(), _find(tray.menu, name, "Applications").menu()] == menus
    assert _find(tray.menu, name, "Show in") is window
    paint.trigger()
    shown.asked("launch", "6f1c", "C:\\Paint.exe")
    off.trigger()
    shown.asked("direction", "6f1c", Direction.OFF)


def test_an_entry_chosen_late_acts_on_the_machine_as_it_is_now(
    shown: Shown, tray: Tray, opened: list[str]
) -> None:
    follow = _find(tray.menu, "win11", "Match window size")
    fetch = _find(tray.menu, "win11", "Clipboard", "Fetch")
    _tell(shown, replace(FOLLOWING, follows=True, manual=True))
    assert follow.isChecked()
    follow.trigger()
    shown.asked("follow", "6f1c", False)
    fetch.trigger()
    assert opened == ["6f1c"]
    assert not any(what[0] == "send" for what in shown.recorded.asked)


def test_an_entry_of_a_machine_that_has_gone_does_nothing(shown: Shown, tray: Tray) -> None:
    start = _find(tray.menu, "win10-old", "Start")
    with shown.qtbot.waitSignal(shown.model.changed):
        shown.recorded.tell(Snapshot((WINDOWS,), looked=True))
    start.trigger()
    settle()
    assert not any(what[0] == "power" for what in shown.recorded.asked)


def test_a_mark_tells_how_it_is_also_after_a_wish_that_was_refused(shown: Shown, tray: Tray) -> None:
    both, off = (_find(tray.menu, "win11", "Clipboard", text) for text in ("Both", "Not shared"))
    follow = _find(tray.menu, "win11", "Match window size")
    shown.recorded.problem = GuestError("guest.disconnected", vm="win11", verb="clipboard")
    for action in (off, follow):
        action.trigger()
        assert (both.isChecked(), off.isChecked(), follow.isChecked()) == (True, False, False)
    shown.asked("direction", "6f1c", Direction.OFF)
    shown.qtbot.waitUntil(lambda: any(isinstance(w, ErrorDialog) for w in _windows()))


def _windows() -> list[object]:
    from PySide6.QtWidgets import QApplication

    return list(QApplication.topLevelWidgets())


def test_every_wish_reaches_the_machine(shown: Shown, tray: Tray, opened: list[str]) -> None:
    for labels in (("Shut down",), ("Clipboard", "Send"), ("Match",), ("Show in",)):
        _find(tray.menu, "win11", *labels).trigger()
    shown.asked("power", "6f1c", Act.SHUTDOWN)
    shown.asked("send", "6f1c", Side.HOST)
    shown.asked("follow", "6f1c", True)
    assert opened == ["6f1c"]


def test_names_with_an_ampersand_are_shown_whole() -> None:
    machine = replace(WINDOWS, name="R&D", recent=("x",))
    (entry,) = entries(Snapshot((machine,)), {machine.id: (GuestApp("x", "Q&A", "x", (), ""),)})
    assert entry.text.startswith("R&&D (")
    assert any(item.text == "Q&&A" for item in _walk(entry))


def _walk(entry: Entry) -> Iterator[Entry]:
    yield entry
    for item in entry.below or ():
        yield from _walk(item)


def test_many_applications_end_in_the_way_to_the_window() -> None:
    apps = tuple(GuestApp(str(n), str(n), str(n), (), "") for n in range(MOST_APPS + 1))
    (entry,) = entries(Snapshot((WINDOWS,)), {WINDOWS.id: apps})
    (menu,) = (item for item in entry.below or () if item.key == "apps")
    assert menu.below is not None
    assert [item.key for item in menu.below[-2:]] == [f"app-{MOST_APPS - 1}", "more"]
    assert menu.below[-1].wish == Wish(WINDOWS.id, What.WINDOW)


_PATHS = some.lists(some.sampled_from([app.path for app in APPS] + ["", "gone"]), max_size=6)


@given(paths=_PATHS, favourites=_PATHS, recent=_PATHS, allowed=some.sets(some.sampled_from(Permission)))
def test_no_two_entries_beside_each_other_have_one_key(
    paths: list[str], favourites: list[str], recent: list[str], allowed: set[Permission]
) -> None:
    """Also for a machine that names an application twice."""
    machine = replace(
        FOLLOWING, favourites=tuple(favourites), recent=tuple(recent), allowed=frozenset(allowed)
    )
    apps = {machine.id: tuple(GuestApp("", "name", path, (), "") for path in paths)}
    for entry in (item for top in entries(Snapshot((machine,)), apps) for item in _walk(top)):
        keys = [item.key for item in entry.below or ()]
        assert len(keys) == len(set(keys))


_LEAF = some.builds(
    Entry,
    key=some.sampled_from("abcdef"),
    text=some.sampled_from(["", "one", "two"]),
    checked=some.sampled_from([None, False]),
    one_of=some.booleans(),
)


def _siblings(leaf: some.SearchStrategy[Entry]) -> some.SearchStrategy[list[Entry]]:
    return some.lists(leaf, max_size=6, unique_by=lambda entry: entry.key)


_TREE = _siblings(
    _LEAF
    | some.builds(
        Entry,
        key=some.sampled_from("abcdef"),
        text=some.just("menu"),
        below=_siblings(_LEAF).map(tuple),
    )
)


def _read(menu: QMenu) -> list[tuple[str, object]]:
    below = [(action.text(), action.menu()) for action in menu.actions()]
    return [(text, _read(item) if isinstance(item, QMenu) else None) for text, item in below]


def _described(wanted: list[Entry] | tuple[Entry, ...]) -> list[tuple[str, object]]:
    return [(item.text, None if item.below is None else _described(item.below)) for item in wanted]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(states=some.lists(_TREE, min_size=2, max_size=5))
def test_whatever_changes_the_menu_is_as_described(qtbot: QtBot, states: list[list[Entry]]) -> None:
    menu = QMenu()
    last = menu.addAction("last")
    keeper = MenuKeeper(menu, lambda _wish: None, before=last)
    kept: dict[str, tuple[Entry, QAction]] = {}
    for wanted in states:
        keeper.show(wanted)
        assert _read(menu) == [*_described(wanted), ("last", None)]
        now = {entry.key: (entry, action) for entry, action in zip(wanted, menu.actions(), strict=False)}
        for key, (entry, action) in now.items():
            before, old = kept.get(key, (None, None))
            if before is not None and (before.below, before.text, before.one_of) == (
                entry.below, entry.text, entry.one_of
            ):  # fmt: skip
                assert action is old
        kept = now
    menu.deleteLater()


def test_only_what_stands_wrong_is_moved(qtbot: QtBot) -> None:
    menu, moved = QMenu(), list[str]()
    keeper = MenuKeeper(menu, lambda _wish: None)
    keeper.show([Entry(key, key) for key in "abcd"])
    before = menu.removeAction

    def remove(action: QAction) -> None:
        moved.append(action.text())
        before(action)

    menu.removeAction = remove  # type: ignore[method-assign]
    keeper.show([Entry(key, key) for key in "dabce"])
    assert _texts(menu) == list("dabce")
    assert moved == ["d"]
