"""The window by keyboard, on a recorded history."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from libneuron.errors import NeuronError
from libneuron.progress import Progress
from libneuron.ui.dialogs import ErrorDialog
from libneuron.updates.errors import UpdateError
from neuron_update_guardian.window import GuardianWindow
from tests.ui.scenes.guardian import BAD, TITLES, Recorded


def shown(source: Recorded | None = None) -> tuple[GuardianWindow, Recorded]:
    recorded = source or Recorded(BAD)
    window = GuardianWindow(recorded, TITLES)
    window.show()
    window.activateWindow()
    QTest.qWaitForWindowActive(window)
    return window, recorded


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        QTest.qWait(10)


def test_what_stopped_working_is_said_in_words(qapp: QApplication) -> None:
    window, _ = shown()
    assert "stopped working" in window.banner.label.text()
    assert "Login screen" in window.detail.problems.label.text()
    assert "sddm.service" in window.detail.problems.label.text()


def test_the_whole_roll_back_goes_by_keyboard_and_asks_first(qapp: QApplication) -> None:
    window, recorded = shown()
    window.detail.roll_back.setFocus()
    QTest.keyClick(window.detail.roll_back, Qt.Key.Key_Space)
    until(lambda: window.preview is not None)
    dialog = window.preview
    assert dialog is not None
    assert dialog.cancel.isDefault()
    assert recorded.asked == [("preview", "7")]
    dialog.roll_back.setFocus()
    QTest.keyClick(dialog.roll_back, Qt.Key.Key_Space)
    until(lambda: ("roll_back", "7") in recorded.asked)
    until(lambda: window.panel.isHidden())


def test_escape_in_the_preview_changes_nothing(qapp: QApplication) -> None:
    window, recorded = shown()
    window.ask_roll_back("7")
    until(lambda: window.preview is not None)
    assert window.preview is not None
    QTest.keyClick(window.preview, Qt.Key.Key_Escape)
    QApplication.processEvents()
    assert recorded.asked == [("preview", "7")]


def test_the_arrow_keys_walk_the_time_line(qapp: QApplication) -> None:
    window, _ = shown()
    window.list.setFocus()
    QTest.keyClick(window.list, Qt.Key.Key_Down)
    assert window.detail.packages.item(0).text() == "linux 6.7.5-1 → 6.7.6-1"
    assert not window.detail.keep.isEnabled(), "a confirmed update needs no confirming"
    QTest.keyClick(window.list, Qt.Key.Key_Down)
    assert window.detail.keep.isHidden()


def test_keeping_and_pinning_reach_the_source(qapp: QApplication) -> None:
    window, recorded = shown()
    window.detail.keep.click()
    until(lambda: ("confirm", "7") in recorded.asked)
    until(lambda: window.check.isEnabled())
    window.detail.pin.click()
    until(lambda: ("pin", "7", "True") in recorded.asked)


def test_checking_says_what_is_wrong(qapp: QApplication) -> None:
    window, _ = shown()
    window.check.click()
    until(lambda: "Something is wrong" in window.banner.label.text())


class Refusing(Recorded):
    def roll_back(self, point: str, progress: Progress) -> None:
        raise UpdateError("updates.target-unsound", problems="no modules")


def test_a_refusal_is_shown_with_its_reason_and_the_window_stays_usable(qapp: QApplication) -> None:
    window, _ = shown(Refusing(BAD))
    window.ask_roll_back("7")
    until(lambda: window.preview is not None)
    assert window.preview is not None
    window.preview.accept()
    until(lambda: window.findChild(ErrorDialog) is not None)
    until(lambda: window.check.isEnabled())


class Blocked(Recorded):
    def check(self, progress: Progress) -> Any:
        progress.start(total=2, unit="checks")
        while True:
            progress.check()


def test_cancel_stops_a_check(qapp: QApplication) -> None:
    window, _ = shown(Blocked(BAD))
    window.check.click()
    until(lambda: window.panel.isVisible() and window.panel.cancel.isEnabled())
    assert not window.detail.roll_back.isEnabled(), "one thing at a time"
    window.panel.cancel.click()
    until(lambda: window.panel.isHidden())
    assert window.detail.roll_back.isEnabled()


def test_on_a_machine_that_cannot_roll_back_the_button_says_why(qapp: QApplication) -> None:
    obstacle: NeuronError = UpdateError("updates.not-btrfs", kind="ext4")
    window, _ = shown(Recorded({**BAD, "obstacle": obstacle.as_json()}))
    assert not window.detail.roll_back.isEnabled()
    assert "ext4" in window.detail.roll_back.toolTip()
    assert "ext4" in window.detail.why.text()


def test_one_file_comes_back_by_keyboard_and_the_person_is_told_where_the_other_is_kept(
    qapp: QApplication,
) -> None:
    window, recorded = shown()
    window.detail.file.setFocus()
    QTest.keyClick(window.detail.file, Qt.Key.Key_Space)
    until(lambda: window.asking.files is not None)
    dialog = window.asking.files
    assert dialog is not None
    QTest.keyClicks(dialog.part, "SDDM.conf")
    assert [dialog.list.item(at).text() for at in range(dialog.list.count())] == [
        "/etc/sddm.conf",
        "/usr/lib/sddm/sddm.conf.d/default.conf",
    ]
    dialog.list.setFocus()
    QTest.keyClick(dialog.list, Qt.Key.Key_Down)
    dialog.restore.setFocus()
    QTest.keyClick(dialog.restore, Qt.Key.Key_Space)
    wanted = ("restore_file", "7", "/usr/lib/sddm/sddm.conf.d/default.conf")
    until(lambda: wanted in recorded.asked)
    until(lambda: "default.conf.before-restore" in window.banner.label.text())


def test_a_file_that_is_not_there_cannot_be_chosen(qapp: QApplication) -> None:
    window, recorded = shown()
    window.asking.file_wanted("7")
    until(lambda: window.asking.files is not None)
    dialog = window.asking.files
    assert dialog is not None
    QTest.keyClicks(dialog.part, "no such thing")
    assert not dialog.restore.isEnabled()
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert recorded.asked == [("files", "7")]


def test_settings_are_shown_changed_and_saved(qapp: QApplication) -> None:
    window, recorded = shown()
    menu = window.more.menu()
    assert menu is not None
    assert [action.text() for action in menu.actions()] == ["&Settings…", "Save a re&port…"]
    menu.actions()[0].trigger()
    dialog = window.asking.settings
    assert dialog is not None
    states = {dialog.checks.item(at).text(): dialog.checks.item(at).checkState() for at in range(2)}
    assert states == {TITLES["services"]: Qt.CheckState.Checked, TITLES["kernel"]: Qt.CheckState.Unchecked}
    assert not dialog.attempts.isEnabled(), "it counts only where the roll back is automatic"
    dialog.automatic.click()
    assert dialog.attempts.isEnabled()
    dialog.keep.setValue(4)
    dialog.checks.setFocus()
    QTest.keyClick(dialog.checks, Qt.Key.Key_Space)
    dialog.save.click()
    until(lambda: ("configure", "4", "True", "services,kernel") in recorded.asked)


def test_settings_that_were_not_changed_ask_for_no_password(qapp: QApplication) -> None:
    window, recorded = shown()
    window.asking.settings_wanted()
    assert window.asking.settings is not None
    window.asking.settings.save.click()
    QApplication.processEvents()
    assert recorded.asked == []


def test_the_report_is_saved_where_the_person_says_and_only_they_can_read_it(
    qapp: QApplication, tmp_path: Path
) -> None:
    window, _ = shown()
    window.asking.save_report(tmp_path / "report.json")
    until(lambda: "report.json" in window.banner.label.text())
    saved = tmp_path / "report.json"
    assert json.loads(saved.read_text())["history"]["updates"][0]["id"] == "7"
    assert saved.stat().st_mode & 0o077 == 0


def test_a_report_that_cannot_be_saved_says_so(qapp: QApplication, tmp_path: Path) -> None:
    window, _ = shown()
    window.asking.save_report(tmp_path / "missing/report.json")
    until(lambda: window.findChild(ErrorDialog) is not None)


def test_snapshots_of_others_stand_in_the_time_line_and_offer_nothing(qapp: QApplication) -> None:
    window, _ = shown()
    window.look_around()
    until(lambda: window.list.count() == 4)
    assert "MiB" in window.detail.space.text()
    texts = [window.list.item(at).text() for at in range(4)]
    (at,) = [at for at, text in enumerate(texts) if "timeshift" in text]
    window.list.setCurrentRow(at)
    assert window.detail.roll_back.isHidden()
    assert window.detail.keep.isHidden()
    assert window.detail.file.isHidden()
    assert "only timeshift" in window.detail.why.text()
    assert "stopped working" in window.banner.label.text(), "the state is that of our own last update"


def test_another_start_brings_its_wish_and_nothing_else_is_taken_for_one(qapp: QApplication) -> None:
    window, recorded = shown()
    for text in ("rollback 7; rm", "rollback ../7", "x", "rollback"):
        window.wish(text)
    assert recorded.asked == []
    window.wish("show 6")
    assert window.detail.packages.item(0).text() == "linux 6.7.5-1 → 6.7.6-1"
    window.wish("rollback 7")
    until(lambda: recorded.asked == [("preview", "7")])
    until(lambda: window.preview is not None)


def test_the_preview_names_the_boot_files(qapp: QApplication) -> None:
    window, _ = shown()
    window.ask_roll_back("7")
    until(lambda: window.preview is not None)
    assert window.preview is not None
    texts = [window.preview.changes.item(at).text() for at in range(window.preview.changes.count())]
    rows = [text.replace("\u2066", "").replace("\u2069", "") for text in texts]
    assert "/boot/vmlinuz-linux (boot partition) becomes what it was" in rows
    assert "/boot/loader/entries/new.conf (boot partition) is removed" in rows
