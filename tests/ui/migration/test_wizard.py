"""The wizard from start to end by keyboard, over real files."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QCloseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel, QWidget
from pytestqt.qtbot import QtBot

from libneuron.migration.errors import MigrationError
from libneuron.migration.home import Home
from libneuron.migration.scan import Source
from libneuron.migration.session import Run
from libneuron.system.clock import RealClock
from libneuron.system.files import Root
from libneuron.ui.dialogs import ConfirmDialog, ErrorDialog
from libneuron.ui.text import translate
from neuron_migration_assistant import work
from neuron_migration_assistant.window import MigrationWindow
from neuron_migration_assistant.work import Job
from tests.unit.migration.maker import Lab, tree


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    made = Lab(tmp_path).make(
        {
            "Documents/letter.txt": "Dear",
            "Pictures/photo.jpg": os.urandom(100_000),
            "Downloads/setup.exe": "MZ",
            ".gitconfig": "[core]\r\n\tautocrlf = true\r\n",
            "AppData/Local/Google/Chrome/User Data/Local State": "{}",
            "AppData/Local/Google/Chrome/User Data/Default/Preferences": "{}",
            "AppData/Local/Google/Chrome/User Data/Default/Login Data": "locked",
        }
    )
    (made.source / "Users/Bob/Documents").mkdir(parents=True)
    (made.source / "Users/Bob/Documents/b.txt").write_text("b")
    return made


@pytest.fixture
def window(lab: Lab, qtbot: QtBot) -> MigrationWindow:
    return opened(lab, qtbot)


def opened(lab: Lab, qtbot: QtBot) -> MigrationWindow:
    root = Root(lab.top / "machine")
    job = Job(Home(lab.home, root), RealClock(), root, translate)
    made = MigrationWindow(job, interrupted=Run.unfinished(lab.home))
    qtbot.addWidget(made)
    made.show()
    qtbot.waitActive(made)
    return made


def press(widget: QWidget | None, key: Qt.Key) -> None:
    assert widget is not None
    QTest.keyClick(widget, key)


def focused() -> QWidget:
    found = QApplication.focusWidget()
    assert found is not None
    return found


def to_source(window: MigrationWindow, lab: Lab) -> None:
    press(focused(), Qt.Key.Key_Return)
    assert window.stack.page is window.source
    QTest.keyClicks(focused(), str(lab.source))


def to_choice(window: MigrationWindow, lab: Lab, qtbot: QtBot) -> None:
    to_source(window, lab)
    press(focused(), Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: window.stack.page is window.person)
    assert window.person.people.texts() == ["Anna", "Bob"]
    press(focused(), Qt.Key.Key_Return)
    assert window.stack.page is window.choose
    qtbot.waitUntil(lambda: window.choose.items.isVisible())


def to_review(window: MigrationWindow, lab: Lab, qtbot: QtBot) -> None:
    to_choice(window, lab, qtbot)
    window.stack.go_next()
    assert window.stack.page is window.review


def test_from_start_to_end_by_keyboard(window: MigrationWindow, lab: Lab, qtbot: QtBot) -> None:
    to_choice(window, lab, qtbot)
    rows = [
        window.choose.items.topLevelItem(index) for index in range(window.choose.items.topLevelItemCount())
    ]
    assert rows[0] is not None
    assert rows[0].text(0) == "Documents"
    press(focused(), Qt.Key.Key_Down)  # to Pictures
    press(focused(), Qt.Key.Key_Space)  # leave them out
    assert "pictures" not in window.choose.chosen()
    window.stack.next.setFocus()
    press(focused(), Qt.Key.Key_Return)
    assert window.stack.page is window.review
    assert "Login Data" in window.review.missing.toPlainText()
    assert "locked" in window.review.changes.toPlainText()
    assert list(lab.home.iterdir()) == []
    window.stack.next.setFocus()
    press(focused(), Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: window.stack.page is window.done, timeout=30_000)
    assert (lab.home / "Documents/letter.txt").read_text() == "Dear"
    assert not (lab.home / "Pictures").exists()
    assert "read again" in window.done.outcome.label.text()
    assert "Login Data" in window.done.exceptions.toPlainText()
    assert not window.done.retry.isVisible()


def test_undo_on_the_last_page_takes_everything_back(window: MigrationWindow, lab: Lab, qtbot: QtBot) -> None:
    before = tree(lab.home, times=True)
    to_review(window, lab, qtbot)
    window.stack.go_next()
    qtbot.waitUntil(lambda: window.stack.page is window.done, timeout=30_000)
    window.done.undo.click()
    question = window.findChild(ConfirmDialog)
    assert isinstance(question, ConfirmDialog)
    assert question.cancel.isDefault()
    question.yes.click()
    qtbot.waitUntil(lambda: "taken back" in window.done.outcome.label.text(), timeout=30_000)
    assert tree(lab.home, times=True) == before


def test_back_keeps_the_plan_and_another_person_makes_a_new_one(
    window: MigrationWindow, lab: Lab, qtbot: QtBot
) -> None:
    to_review(window, lab, qtbot)
    window.stack.go_back()
    assert window.choose.items.isVisible()
    assert not window.choose.busy
    window.stack.go_back()
    bob = window.person.people.topLevelItem(1)
    assert bob is not None
    window.person.people.setCurrentItem(bob)
    window.stack.go_next()
    qtbot.waitUntil(lambda: window.choose.items.isVisible())
    assert window.choose.chosen() == {"documents"}


def test_a_wrong_folder_is_told_and_can_be_corrected(window: MigrationWindow, lab: Lab, qtbot: QtBot) -> None:
    press(focused(), Qt.Key.Key_Return)
    QTest.keyClicks(focused(), str(lab.top / "nowhere"))
    press(focused(), Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: window.findChild(ErrorDialog) is not None)
    problem = window.findChild(ErrorDialog)
    assert isinstance(problem, ErrorDialog)
    problem.reject()
    assert window.stack.page is window.source
    window.source.path.setText(str(lab.source))
    window.stack.go_next()
    qtbot.waitUntil(lambda: window.stack.page is window.person)


def test_an_interrupted_run_is_offered_and_gone_on_with(lab: Lab, qtbot: QtBot) -> None:
    lab.begin()
    window = opened(lab, qtbot)
    window.activateWindow()
    qtbot.waitUntil(window.welcome.go_on.hasFocus)
    press(focused(), Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: window.stack.page is window.done, timeout=30_000)
    assert (lab.home / "Documents/letter.txt").exists()


def test_an_interrupted_run_can_be_taken_back(lab: Lab, qtbot: QtBot) -> None:
    before = tree(lab.home)
    lab.begin()
    window = opened(lab, qtbot)
    window.welcome.undo.click()
    qtbot.waitUntil(lambda: not window.welcome.interrupted.isVisible(), timeout=30_000)
    assert tree(lab.home) == before


def test_closing_while_copying_asks_and_the_next_start_offers_to_go_on(
    window: MigrationWindow, lab: Lab, qtbot: QtBot
) -> None:
    to_review(window, lab, qtbot)
    hold: list[Callable[[], None]] = []
    copy = window.job.copy

    def held(run: Run, progress: object) -> object:
        progress.pause()  # type: ignore[attr-defined]
        hold.append(progress.resume)  # type: ignore[attr-defined]
        return copy(run, progress)  # type: ignore[arg-type]

    window.job.copy = held  # type: ignore[assignment, method-assign]
    window.stack.go_next()
    qtbot.waitUntil(lambda: bool(hold))
    event = QCloseEvent()
    window.closeEvent(event)
    assert not event.isAccepted()
    question = window.findChild(ConfirmDialog)
    assert isinstance(question, ConfirmDialog)
    question.yes.click()
    qtbot.waitUntil(lambda: not window.copying.busy, timeout=30_000)
    assert Run.unfinished(lab.home) is not None


RIGHT = "right"


@pytest.fixture
def locked(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """The source as BitLocker would lock it."""

    @contextlib.contextmanager
    def unlocking(path: Path, _runner: object, key: str) -> Iterator[Source]:
        if key != RIGHT:
            code = "migration.bitlocker-wrong-key" if key else "migration.bitlocker"
            raise MigrationError(code, path=path)
        with Source(path) as source:
            yield source

    monkeypatch.setattr(work, "opened", unlocking)


def test_a_locked_drive_asks_for_its_key_and_a_wrong_one_is_told(
    locked: None, window: MigrationWindow, lab: Lab, qtbot: QtBot
) -> None:
    to_source(window, lab)
    assert not window.source.locked.isVisible()
    press(focused(), Qt.Key.Key_Return)
    qtbot.waitUntil(window.source.key.hasFocus)
    QTest.keyClicks(focused(), "wrong")
    press(focused(), Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: window.findChild(ErrorDialog) is not None)
    problem = window.findChild(ErrorDialog)
    assert isinstance(problem, ErrorDialog)
    assert "The recovery key does not open this drive." in " ".join(
        label.text() for label in problem.findChildren(QLabel)
    )
    problem.reject()
    window.source.key.setText(RIGHT)
    press(window.source.key, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: window.stack.page is window.person)
    window.stack.go_next()
    qtbot.waitUntil(lambda: window.choose.items.isVisible())


def test_a_disk_image_is_chosen_with_a_dialog_of_files(
    window: MigrationWindow, lab: Lab, tmp_path: Path, qtbot: QtBot
) -> None:
    image = tmp_path / "windows.vhdx"
    image.touch()
    press(focused(), Qt.Key.Key_Return)
    window.source.choose_image.click()
    dialog = window.source.findChild(QFileDialog)
    assert isinstance(dialog, QFileDialog)
    assert "*.vhdx" in dialog.nameFilters()[0]
    dialog.fileSelected.emit(str(image))
    dialog.reject()
    assert window.source.path.text() == str(image)
