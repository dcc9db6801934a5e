"""The shared dialogs: what a person can do to them with the keyboard, and what then happens."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from libneuron.errors import NeuronError
from libneuron.progress import Progress, ProgressView
from libneuron.system.errors import SystemAccessError
from libneuron.ui.dialogs import ConfirmDialog, confirm, show_error
from libneuron.ui.pages import Buttons, Page, PageStack
from libneuron.ui.progress import ProgressPanel, show_progress
from libneuron.ui.tasks import Task, Tasks
from libneuron.ui.widgets import OneLine


def _error(details: str = "$ virsh start win11\nno such domain") -> NeuronError:
    return SystemAccessError("system.program-missing", program="virsh", details=details)


def test_an_error_shows_its_sentence_and_keeps_details_for_a_click(qtbot: QtBot) -> None:
    dialog = show_error(None, _error(), heading="It did not start")
    assert not dialog.details.isVisible()
    dialog.more.click()
    assert dialog.details.isVisible()
    assert "no such domain" in dialog.details.toPlainText()


def test_an_error_without_details_offers_none(qtbot: QtBot) -> None:
    assert not show_error(None, _error(""), heading="It did not start").more.isVisible()


def test_an_error_is_copied_whole(qtbot: QtBot) -> None:
    show_error(None, _error(), heading="It did not start").copy.click()
    copied = QGuiApplication.clipboard().text()
    for part in ("It did not start", "“virsh” is not installed", "package manager", "no such domain"):
        assert part in copied


def _question(then: list[str], *, destructive: bool) -> ConfirmDialog:
    return confirm(
        None,
        heading="Delete?",
        sentence="It is gone then.",
        action="&Delete",
        action_tip="Delete it",
        destructive=destructive,
        then=lambda: then.append("done"),
    )


def test_enter_never_destroys(qtbot: QtBot) -> None:
    then: list[str] = []
    dialog = _question(then, destructive=True)
    dialog.yes.setFocus()
    QTest.keyClick(dialog.yes, Qt.Key.Key_Return)
    assert then == []
    assert not dialog.isVisible()


def test_escape_cancels_a_question(qtbot: QtBot) -> None:
    then: list[str] = []
    dialog = _question(then, destructive=False)
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert then == []


def test_the_action_itself_is_done(qtbot: QtBot) -> None:
    then: list[str] = []
    dialog = _question(then, destructive=True)
    QTest.keyClick(dialog.yes, Qt.Key.Key_Space)
    assert then == ["done"]


def _endless(progress: Progress) -> None:
    progress.start(total=10**15, unit="bytes")
    while True:
        progress.advance(1, item="a file")


def _begin(runner: Tasks, owner: QWidget, ends: list[str]) -> Task:
    return runner.start(
        _endless,
        owner=owner,
        done=lambda _: ends.append("done"),
        failed=lambda _: ends.append("failed"),
        cancelled=lambda: ends.append("cancelled"),
    )


def test_escape_in_a_progress_dialog_stops_the_work_and_then_closes(qtbot: QtBot) -> None:
    runner, owner, ends = Tasks(None), QWidget(), list[str]()
    dialog = show_progress(None, _begin(runner, owner, ends), heading="Copying")
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert not dialog.panel.cancel.isEnabled()
    with qtbot.waitSignal(dialog.destroyed):
        pass
    assert ends == ["cancelled"]


def test_pause_holds_the_work_and_continue_lets_it_go_on(qtbot: QtBot) -> None:
    runner, owner, ends = Tasks(None), QWidget(), list[str]()
    task = _begin(runner, owner, ends)
    panel = ProgressPanel("Copying", can_pause=True)
    panel.follow(task)
    panel.pause.click()
    qtbot.waitUntil(lambda: panel.left.text() == "Paused")
    held = task.progress.view().done
    qtbot.waitUntil(lambda: task.progress.view().done <= held + 1)
    panel.pause.click()
    qtbot.waitUntil(lambda: task.progress.view().done > held + 1)
    panel.ask_cancel()
    qtbot.waitUntil(lambda: ends == ["cancelled"])


def test_work_that_must_not_be_stopped_has_no_cancel(qtbot: QtBot) -> None:
    panel = ProgressPanel("Switching")
    view = ProgressView(
        done=1, total=2, unit="steps", item="", rate=None, remaining=None, cancellable=False, paused=False
    )
    panel.show_view(view)
    assert not panel.cancel.isEnabled()


def test_totals_beyond_32_bits_fill_the_bar_rightly(qtbot: QtBot) -> None:
    panel = ProgressPanel("Copying")
    view = ProgressView(
        done=2**41,
        total=2**42,
        unit="bytes",
        item="",
        rate=None,
        remaining=90,
        cancellable=True,
        paused=False,
    )
    panel.show_view(view)
    assert panel.bar.value() / panel.bar.maximum() == 0.5
    assert panel.amount.text() == "2.0 TiB of 4.0 TiB"
    assert panel.left.text() == "about 2 minutes left"


def test_a_long_line_is_cut_on_screen_and_whole_for_a_screen_reader(qtbot: QtBot) -> None:
    line = OneLine()
    line.resize(100, 20)
    line.show_text("/a/very/long/path/" * 10)
    assert "…" in line.text()
    assert line.accessibleName() == line.toolTip() == "/a/very/long/path/" * 10


class Asking(Page):
    """A page that lets nobody pass until told."""

    ready = False

    def leave(self) -> bool:
        return self.ready


def test_pages_go_forth_and_back_and_end(qtbot: QtBot) -> None:
    asking, last = Asking("One", ""), Page("Two", "")
    stack = PageStack([asking, last])
    ended: list[bool] = []
    stack.finished.connect(lambda: ended.append(True))
    stack.next.click()
    assert stack.page is asking
    asking.ready = True
    stack.next.click()
    assert stack.page is last
    assert stack.next.text() == "&Finish"
    stack.back.click()
    assert stack.page is asking
    stack.go_to(last)
    stack.next.click()
    assert ended == [True]


def test_a_page_that_works_can_hold_the_buttons(qtbot: QtBot) -> None:
    page = Page("One", "")
    stack = PageStack([page])
    page.buttons = Buttons(next_text="Copy now", next_enabled=False, cancel_enabled=False)
    assert stack.next.text() == "Copy now"
    assert not stack.next.isEnabled()
    assert not stack.cancel.isEnabled()
