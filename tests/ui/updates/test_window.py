"""The window by keyboard, on a recorded history."""

from __future__ import annotations

import time
from collections.abc import Callable
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
