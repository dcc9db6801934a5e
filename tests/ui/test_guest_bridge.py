"""Guest Bridge's window over recorded machines: what each control asks for, and that nothing waits."""

from __future__ import annotations

import threading
from dataclasses import replace
from itertools import product
from pathlib import Path
from unittest.mock import patch

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot

from libneuron.errors import Cancelled
from libneuron.guest.api import GuestApp
from libneuron.guest.checkup import Facts, judge
from libneuron.guest.clipboard.rules import Direction, Rival, Side
from libneuron.guest.errors import GuestError
from libneuron.guest.hypervisor.domains import ChannelState, Power
from libneuron.guest.resolution import Say, StandBack
from libneuron.guest.state import State
from libneuron.guest.wire.requests import Permission
from libneuron.progress import Progress
from libneuron.ui.dialogs import ConfirmDialog, ErrorDialog
from libneuron.ui.text import pixels
from neuron_guest_bridge import words
from neuron_guest_bridge.activity import Line, Way, What
from neuron_guest_bridge.handing_over import HandOver
from neuron_guest_bridge.joining import Proof
from neuron_guest_bridge.machines import Act, Machine, Snapshot
from neuron_guest_bridge.settings import Settings, SettingsStore
from neuron_guest_bridge.viewers import Viewer
from neuron_guest_bridge.window_activity import ActivityList
from neuron_guest_bridge.window_health import HealthPage
from neuron_guest_bridge.window_machine import MachinePage
from neuron_guest_bridge.window_pairing import PairingDialog
from neuron_guest_bridge.window_permissions import PermissionsPage
from neuron_guest_bridge.window_settings import SettingsPage
from tests.ui.bridge import Shown
from tests.ui.scenes.guest_bridge import (
    APPS,
    LINES,
    MACHINES,
    PROOF,
    PROSPECT,
    WINDOWS,
    settle,
)


@pytest.fixture
def shown(qtbot: QtBot) -> Shown:
    return Shown(qtbot)


def _dialog(kind: type[QWidget]) -> QWidget | None:
    return next((item for item in QApplication.topLevelWidgets() if isinstance(item, kind)), None)


def test_enter_on_an_application_starts_it(shown: Shown) -> None:
    apps = shown.window.page.apps
    apps.search.setText("note")
    apps.list.setFocus()
    QTest.keyClick(apps.list, Qt.Key.Key_Return)
    shown.asked("launch", "6f1c", "C:\\Notepad.exe")


def test_the_search_finds_nothing_and_then_nothing_can_be_started(shown: Shown) -> None:
    apps = shown.window.page.apps
    apps.search.setText("no such thing")
    assert not apps.start.isEnabled()
    apps.search.clear()
    assert apps.start.isEnabled()


def test_the_resolution_and_the_direction_are_asked_for(shown: Shown) -> None:
    page = shown.window.page
    page.display.modes.setCurrentIndex(page.display.modes.findText(pixels(2560, 1440)))
    page.display.apply.click()
    shown.asked("resize", "6f1c", 2560, 1440)
    at = page.clipboard.direction.findData(Direction.TO_HOST)
    page.clipboard.direction.setCurrentIndex(at)
    page.clipboard.direction.activated.emit(at)
    shown.asked("direction", "6f1c", Direction.TO_HOST)
    page.clipboard.send.click()
    shown.asked("send", "6f1c", Side.HOST)


def test_by_hand_the_window_brings_copies_over(qtbot: QtBot) -> None:
    shown = Shown(qtbot, replace(WINDOWS, manual=True))
    QApplication.clipboard().setText("from here 🙂")
    shown.window.page.clipboard.send.click()
    shown.asked("hand", "6f1c", {"text/plain;charset=utf-8": "from here 🙂".encode()}, False)
    shown.window.page.clipboard.fetch.click()
    qtbot.waitUntil(lambda: QApplication.clipboard().text() == "from the machine")


def test_who_shares_the_clipboard_is_shown_and_switched(qtbot: QtBot) -> None:
    rivals = frozenset({Rival.LOOKING_GLASS})
    shown = Shown(qtbot, replace(WINDOWS, rivals=rivals, standing_back=True))
    card = shown.window.page.clipboard
    assert "Looking Glass shares the clipboard" in card.status.label.text()
    card.own.click()
    shown.asked("own", "6f1c", True)


def test_matching_the_window_is_asked_for_and_says_the_memory_it_lacks(qtbot: QtBot) -> None:
    shown = Shown(qtbot, replace(WINDOWS, can_follow=True))
    display = shown.window.page.display
    display.follow.click()
    shown.asked("follow", "6f1c", True)
    said = Say(StandBack.MEMORY, 128)
    with qtbot.waitSignal(shown.model.changed):
        shown.recorded.tell(Snapshot((replace(WINDOWS, can_follow=True, follows=True, follow_said=said),)))
    assert "128 MiB" in display.follow_note.text()


def test_power_is_cut_only_after_a_question(shown: Shown) -> None:
    menu = shown.window.page.more.menu()
    next(action for action in menu.actions() if action.text() == words.act(Act.POWER_OFF).text).trigger()
    dialog = _dialog(ConfirmDialog)
    assert isinstance(dialog, ConfirmDialog)
    assert ("power", "6f1c", Act.POWER_OFF) not in shown.recorded.asked
    dialog.yes.click()
    shown.asked("power", "6f1c", Act.POWER_OFF)


def test_who_switches_a_machine_on_sees_it_and_who_wakes_it_sees_it_already(shown: Shown) -> None:
    shown.window.show_machine("7a")
    shown.window.page.main.click()
    shown.asked("screen", "7a")
    assert ("power", "7a", Act.START) in shown.recorded.asked
    shown.window.show_machine("9c")
    shown.window.page.main.click()
    shown.asked("power", "9c", Act.START)
    settle()
    assert ("screen", "9c") not in shown.recorded.asked


def test_a_machine_that_runs_but_is_not_seen_is_not_called_unchanged(shown: Shown) -> None:
    def refuse(_machine: str) -> bool:
        raise GuestError("guest.no-viewer", program="virt-manager")

    shown.recorded.show_screen = refuse  # type: ignore[method-assign, assignment]
    shown.window.show_machine("7a")
    shown.window.page.main.click()
    shown.qtbot.waitUntil(lambda: _dialog(ErrorDialog) is not None)
    dialog = _dialog(ErrorDialog)
    assert dialog is not None
    said = [label.text() for label in dialog.findChildren(QLabel)]
    assert any("The screen of win10-old was not opened" in text for text in said)
    assert any("virt-manager" in text for text in said)


def test_a_machines_screen_is_opened_from_its_menu(qtbot: QtBot) -> None:
    shown = Shown(qtbot, replace(WINDOWS, viewer=True))
    menu = shown.window.page.more.menu()
    next(action for action in menu.actions() if action.text() == words.act(Act.SCREEN).text).trigger()
    shown.asked("screen", "6f1c")
    assert not any(what[0] == "power" for what in shown.recorded.asked)


def test_a_refusal_is_told_in_a_sentence(shown: Shown) -> None:
    shown.recorded.problem = GuestError("guest.mode-refused", vm="win11", problem="too large")
    shown.window.page.display.apply.click()
    shown.qtbot.waitUntil(lambda: _dialog(ErrorDialog) is not None)
    dialog = _dialog(ErrorDialog)
    assert dialog is not None
    assert any("does not accept" in label.text() for label in dialog.findChildren(QLabel))


def test_a_call_that_hangs_freezes_nothing(shown: Shown, qtbot: QtBot) -> None:
    go = threading.Event()
    shown.recorded.power = lambda machine, act: go.wait(30)  # type: ignore[method-assign, assignment]
    shown.window.page.main.click()
    with qtbot.waitSignal(shown.model.changed):
        shown.recorded.tell(Snapshot((replace(WINDOWS, state=State.AGENT_SILENT),), looked=True))
    assert not go.is_set()
    go.set()


def test_a_machine_that_goes_away_is_no_longer_shown(shown: Shown, qtbot: QtBot) -> None:
    with qtbot.waitSignal(shown.model.changed):
        shown.recorded.tell(Snapshot(MACHINES[1:], looked=True))
    settle()
    assert shown.window.list.count() == len(MACHINES) - 1
    assert shown.window.page.name.text() == "win10-old"


def test_the_chosen_machine_stays_chosen_when_others_come(shown: Shown, qtbot: QtBot) -> None:
    shown.window.show_machine("8b")
    more = replace(WINDOWS, id="0a", name="another")
    with qtbot.waitSignal(shown.model.changed):
        shown.recorded.tell(Snapshot((more, *MACHINES), looked=True))
    assert shown.window.page.name.text() == "debian-12"


def test_activity_is_listed_newest_first_and_names_no_content(shown: Shown) -> None:
    rows = shown.window.page.activity.list
    assert rows.item(0).text().endswith("win10-old: Shut down")
    assert rows.item(rows.count() - 1).text().endswith(pixels(1920, 1080))


def test_a_machine_cannot_push_what_it_got_out_of_the_activity(qtbot: QtBot) -> None:
    """It locks and unlocks its screen, or copies, twice a second for as long as it likes."""
    at = LINES[0].at
    made = ActivityList([Line(at, "win11", What.COPY_CROSSED, Way.TO_GUEST, ("text/html",), 5)])
    qtbot.addWidget(made)
    for _ in range(300):
        made.add(Line(at, "win11", What.LOCKED, Way.TO_HOST))
        made.add(Line(at, "win11", What.UNLOCKED, Way.TO_HOST))
    assert made.list.count() == 500
    last = made.list.item(499).text()
    assert last.endswith(
        words.activity(Line(at, "win11", What.COPY_CROSSED, Way.TO_GUEST, ("text/html",), 5))
    )


def test_every_kind_of_activity_has_words() -> None:
    details = {What.RESIZED: "1x2", What.POWER: Act.START}
    for what, way in product(What, Way):
        line = Line(LINES[0].at, "win11", what, way, ("text/html",), 5, details.get(what, "secret"))
        assert "win11" in words.activity(line)


def test_every_state_has_words_and_something_to_do() -> None:
    for power, channel, state in product(Power, ChannelState, State):
        machine = Machine("1", "vm", power, channel, paired=True, state=state)
        assert words.power(machine).text
        assert words.connection(machine).text
        assert words.brief(machine)
        assert machine.acts


def test_closing_hides_where_there_is_a_tray_and_ends_where_there_is_none(shown: Shown, qtbot: QtBot) -> None:
    shown.window.stays = True
    with qtbot.assertNotEmitted(shown.window.closed):
        shown.window.close()
    assert not shown.window.isVisible()
    shown.window.raise_()
    shown.window.stays = False
    with qtbot.waitSignal(shown.window.closed):
        shown.window.close()


def _assistant(shown: Shown) -> PairingDialog:
    shown.window.show_machine("8b")
    shown.window.page.pair.click()
    settle()
    found = _dialog(PairingDialog)
    assert isinstance(found, PairingDialog)
    return found


def test_the_assistant_pairs_only_with_consent_and_ends_with_the_proof(shown: Shown) -> None:
    assistant = _assistant(shown)
    assert assistant.how.way is HandOver.DISC  # without a channel there is no NeuronGuest: this installs it
    assert not assistant.stack.next.isEnabled()
    assistant.how.channel.setChecked(True)
    QTest.keyClick(assistant.how, Qt.Key.Key_Return)
    settle()
    shown.asked("pair", "8b", HandOver.DISC, True)
    assert assistant.stack.page is assistant.proof
    assert "NeuronGuest 0.1.0" in assistant.proof.facts.text()
    assert not assistant.proof.sign_in.isVisible()


def test_the_assistant_says_when_signing_in_again_is_needed(shown: Shown) -> None:
    shown.recorded.proof = replace(PROOF, signed_in=False)
    assistant = _assistant(shown)
    assistant.how.channel.setChecked(True)
    assistant.stack.go_next()
    settle()
    assert assistant.proof.sign_in.isVisible()


def test_where_a_channel_is_the_way_that_asks_least_is_chosen(shown: Shown) -> None:
    shown.recorded.ways = replace(PROSPECT, adds_channel=False)
    assert _assistant(shown).how.way is HandOver.AGENT


def test_somebody_who_signs_in_gets_the_applications_asked_for_again(shown: Shown) -> None:
    shown.recorded.no_apps = GuestError("guest.no-session", vm="win11")
    shown.model.fetch_apps("6f1c")
    settle()
    apps = shown.window.page.apps
    assert apps.again.isVisible()
    shown.recorded.no_apps = None
    shown.recorded.tell(Snapshot((replace(WINDOWS, session="active"), *MACHINES[1:])))
    settle()
    assert not apps.again.isVisible()
    shown.recorded.no_apps = GuestError("guest.no-session", vm="win11")
    shown.model.fetch_apps("6f1c")
    settle()
    shown.recorded.no_apps = None
    apps.again.click()
    settle()
    assert not apps.again.isVisible()


def test_the_assistant_says_what_went_wrong_and_tries_again(shown: Shown) -> None:
    assistant = _assistant(shown)
    assistant.how.channel.setChecked(True)
    shown.recorded.problem = GuestError("guest.vm-off", vm="debian-12")
    assistant.stack.go_next()
    settle()
    assert "is not running" in assistant.doing.problem.label.text()
    assert not assistant.stack.next.isEnabled()
    shown.recorded.problem = None
    assistant.doing.again.click()
    settle()
    assert assistant.stack.page is assistant.proof


def test_closing_the_assistant_gives_up_what_was_begun(shown: Shown, qtbot: QtBot) -> None:
    begun, gave_up = threading.Event(), threading.Event()

    def pair(_machine: str, _way: HandOver, *, progress: Progress, **_rest: object) -> Proof:
        begun.set()
        while True:
            try:
                progress.check()
            except Cancelled:
                gave_up.set()
                raise

    shown.recorded.pair = pair  # type: ignore[method-assign, assignment]
    assistant = _assistant(shown)
    assistant.how.channel.setChecked(True)
    assistant.stack.go_next()
    assert begun.wait(30)
    QTest.keyClick(assistant, Qt.Key.Key_Escape)
    assert gave_up.wait(30)
    qtbot.waitUntil(lambda: not assistant.isVisible())


def _permissions(shown: Shown) -> PermissionsPage:
    page = shown.window.page
    page.tabs.setCurrentWidget(page.permissions)
    settle()
    made = page.permissions.page
    assert isinstance(made, PermissionsPage)
    return made


def test_a_permission_is_changed_with_the_space_bar(shown: Shown) -> None:
    page = _permissions(shown)
    assert page.boxes[Permission.POWER].isChecked()
    assert not page.boxes[Permission.SECRETS].isChecked()
    QTest.keyClick(page.boxes[Permission.POWER], Qt.Key.Key_Space)
    shown.asked("permit", "6f1c", Permission.POWER, False)


def test_a_permission_that_was_not_changed_shows_what_still_holds(shown: Shown) -> None:
    page = _permissions(shown)
    shown.recorded.problem = GuestError("guest.timeout", vm="win11", verb="hello", seconds="15")
    page.boxes[Permission.POWER].click()
    shown.qtbot.waitUntil(lambda: _dialog(ErrorDialog) is not None)
    assert page.boxes[Permission.POWER].isChecked()


def test_keys_are_forgotten_only_after_a_question(shown: Shown) -> None:
    page = _permissions(shown)
    assert "3a:9f" in page.facts.text()
    page.forget.click()
    dialog = _dialog(ConfirmDialog)
    assert isinstance(dialog, ConfirmDialog)
    assert ("forget", "6f1c") not in shown.recorded.asked
    dialog.yes.click()
    shown.asked("forget", "6f1c")


def test_applications_are_asked_for_again_when_starting_them_is_allowed_again(
    shown: Shown, qtbot: QtBot
) -> None:
    refused = replace(WINDOWS, allowed=WINDOWS.allowed - {Permission.LAUNCH})
    asked: list[str] = []

    def apps(machine: str) -> tuple[GuestApp, ...]:
        asked.append(machine)
        return APPS

    shown.recorded.apps = apps  # type: ignore[method-assign, assignment]
    for machine in (refused, WINDOWS):
        with qtbot.waitSignal(shown.model.changed):
            shown.recorded.tell(Snapshot((machine,), looked=True))
        settle()
    assert asked == ["6f1c", "6f1c"]


def _health(shown: Shown) -> HealthPage:
    page = shown.window.page
    page.tabs.setCurrentWidget(page.health)
    settle()
    made = page.health.page
    assert isinstance(made, HealthPage)
    return made


def test_a_machine_is_asked_how_it_is_only_while_somebody_looks(shown: Shown, qtbot: QtBot) -> None:
    page = _health(shown)
    qtbot.waitUntil(lambda: "answered within" in page.facts.text())
    assert page._timer.isActive()
    shown.window.page.tabs.setCurrentIndex(0)
    assert not page._timer.isActive()


def test_the_check_up_offers_what_helps(shown: Shown) -> None:
    off = Facts("win11", running=False, channel=ChannelState.CONFIGURED, keys=True)
    shown.recorded.checks = judge(off)
    page = _health(shown)
    offered = [line for line in page.rows if line.fix.isVisible()]
    assert [line.fix.text() for line in offered] == ["Start it"]
    assert "is not running" in offered[0].status.label.text()
    offered[0].fix.click()
    shown.asked("power", "6f1c", Act.START)


def test_from_the_check_up_the_clipboard_is_taken_back(shown: Shown) -> None:
    taken = Facts("win11", keys=True, milliseconds=1.0, session="active", sharing=True, rival=True)
    shown.recorded.checks = judge(taken)
    page = _health(shown)
    next(line for line in page.rows if line.fix.isVisible()).fix.click()
    shown.asked("own", "6f1c", True)


def test_the_settings_are_kept_in_the_order_in_which_they_were_chosen(qtbot: QtBot, tmp_path: Path) -> None:
    store = SettingsStore(tmp_path, tmp_path / "autostart")
    page = SettingsPage(store, back=lambda: None)
    qtbot.addWidget(page)
    page.session.click()
    page.delay.setValue(40)
    page.delay.setValue(45)
    page.hidden.click()
    page.notify.click()
    qtbot.waitUntil(lambda: store.get() == Settings(hidden=True, notify=False))
    assert store.delay() == 45
    page.session.click()
    qtbot.waitUntil(lambda: store.delay() is None)


def test_the_viewer_is_chosen_in_the_settings(qtbot: QtBot, tmp_path: Path) -> None:
    store = SettingsStore(tmp_path, tmp_path)
    page = SettingsPage(store, back=lambda: None)
    qtbot.addWidget(page)
    assert page.viewer.currentData() is Viewer.BEST
    at = page.viewer.findData(Viewer.VIRT_MANAGER)
    page.viewer.setCurrentIndex(at)
    page.viewer.activated.emit(at)
    qtbot.waitUntil(lambda: store.get().viewer is Viewer.VIRT_MANAGER)
    again = SettingsPage(store, back=lambda: None)
    qtbot.addWidget(again)
    assert again.viewer.currentData() is Viewer.VIRT_MANAGER


def test_settings_that_cannot_be_kept_show_what_still_holds(qtbot: QtBot, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    page = SettingsPage(SettingsStore(tmp_path / "file", tmp_path / "file"), back=lambda: None)
    qtbot.addWidget(page)
    page.session.click()
    qtbot.waitUntil(lambda: _dialog(ErrorDialog) is not None)
    assert not page.session.isChecked()


def test_the_settings_stay_while_machines_change(shown: Shown, qtbot: QtBot) -> None:
    shown.window.settings.click()
    with qtbot.waitSignal(shown.model.changed):
        shown.recorded.tell(Snapshot(MACHINES[1:], looked=True))
    page = shown.window.settings_page
    assert page is not None
    assert page.isVisible()
    page.back.click()
    assert shown.window.page.isVisible()
    shown.window.settings.click()
    shown.window.show_machine("8b")  # as the tray asks
    assert shown.window.page.name.text() == "debian-12"
    assert shown.window.page.isVisible()


def test_a_picture_is_kept_and_named(shown: Shown, qtbot: QtBot, tmp_path: Path) -> None:
    with patch("neuron_guest_bridge.acting.pictures_folder", lambda: tmp_path / "pictures"):
        shown.window.page.picture.click()
        qtbot.waitUntil(shown.window.page.taken.isVisible)
    (kept,) = (tmp_path / "pictures").iterdir()
    assert kept.read_bytes().startswith(b"\x89PNG")
    assert kept.name in shown.window.page.taken.label.text()


def test_where_pictures_are_not_allowed_there_is_no_button(qtbot: QtBot) -> None:
    allowed = WINDOWS.allowed - {Permission.SCREENSHOT}
    assert not Shown(qtbot, replace(WINDOWS, allowed=allowed)).window.page.picture.isVisible()


def test_applications_go_into_the_menu_and_out_again(shown: Shown, qtbot: QtBot) -> None:
    apps = shown.window.page.apps
    apps.menu.click()
    shown.asked("export", "6f1c")
    with qtbot.waitSignal(shown.model.changed):
        shown.recorded.tell(Snapshot((replace(WINDOWS, in_menu=True),), looked=True))
    assert "Remove" in apps.menu.text()
    apps.menu.click()
    dialog = _dialog(ConfirmDialog)
    assert isinstance(dialog, ConfirmDialog)
    dialog.yes.click()
    shown.asked("leave-menu", "6f1c")


_ANY = Qt.DropAction.CopyAction | Qt.DropAction.MoveAction


def _drop(page: MachinePage, *urls: QUrl, actions: Qt.DropAction = _ANY) -> bool:
    """Drag ``urls`` over ``page`` and drop them there; whether it took them."""
    data = QMimeData()
    data.setUrls(list(urls))
    at, left, no_keys = QPointF(30, 30), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(at.toPoint(), actions, data, left, no_keys)
    enter.ignore()
    QApplication.sendEvent(page, enter)
    if enter.isAccepted():
        drop = QDropEvent(at, actions, data, left, no_keys)
        QApplication.sendEvent(page, drop)
        assert drop.dropAction() is Qt.DropAction.CopyAction
    return enter.isAccepted()


@pytest.fixture
def exchanging(qtbot: QtBot) -> Shown:
    return Shown(qtbot, replace(WINDOWS, allowed=WINDOWS.allowed | {Permission.FILES}))


def test_files_dropped_on_a_machine_are_sent_to_it(exchanging: Shown, qtbot: QtBot, tmp_path: Path) -> None:
    page = exchanging.window.page
    assert not _drop(page, QUrl("https://example.org/x"))
    assert not _drop(page, QUrl.fromLocalFile(str(tmp_path)), actions=Qt.DropAction.MoveAction)
    assert _drop(page, QUrl.fromLocalFile(str(tmp_path / "a b")), QUrl.fromLocalFile(str(tmp_path / "c")))
    exchanging.asked("files", "6f1c", (tmp_path / "a b", tmp_path / "c"))
    qtbot.waitUntil(page.sending.sent.isVisible)
    assert "win11" in page.sending.sent.label.text()
    assert not page.sending.panel.isVisible()


def test_files_on_their_way_are_shown_and_can_be_stopped(
    exchanging: Shown, qtbot: QtBot, tmp_path: Path
) -> None:
    page = exchanging.window.page
    exchanging.recorded.hold = threading.Event()
    page.sending.send([tmp_path])
    qtbot.waitUntil(lambda: "holiday.jpg" in page.sending.panel.item.accessibleName())
    assert not _drop(page, QUrl.fromLocalFile(str(tmp_path)))  # one batch at a time
    page.sending.panel.cancel.click()
    exchanging.recorded.hold.set()
    qtbot.waitUntil(lambda: not page.sending.busy)
    assert not page.sending.panel.isVisible()
    assert not page.sending.sent.isVisible()


def test_files_that_are_not_allowed_are_refused_with_a_way_out(
    shown: Shown, qtbot: QtBot, tmp_path: Path
) -> None:
    page = shown.window.page
    assert not page.send.isVisible()
    assert _drop(page, QUrl.fromLocalFile(str(tmp_path)))
    qtbot.waitUntil(lambda: _dialog(ErrorDialog) is not None)
    dialog = _dialog(ErrorDialog)
    assert dialog is not None
    assert any("permissions" in label.text() for label in dialog.findChildren(QLabel))
    dialog.close()
    assert not any(what[0] == "files" for what in shown.recorded.asked)


def test_favourites_come_first_in_the_window(shown: Shown) -> None:
    apps = shown.window.page.apps
    apps.search.setText("word")
    apps.like.click()
    shown.asked("favour", "6f1c", "C:\\Word.exe", True)
    apps.search.clear()
    apps.list.choose("C:\\Word.exe")
    shown.recorded.tell(Snapshot((replace(WINDOWS, favourites=("C:\\Word.exe",)), *MACHINES[1:])))
    settle()
    first = apps.list.model().index(0, 0)
    assert first.data() == "★ Word"
    assert first.data(Qt.ItemDataRole.AccessibleTextRole) == "Word, favourite"
    assert apps.list.currentIndex() == first, "what was chosen stays chosen"
    assert apps.like.isChecked()
    apps.like.click()
    shown.asked("favour", "6f1c", "C:\\Word.exe", False)
