"""The task runner: outcomes arrive on Qt's thread, once, and only where someone still lives."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import shiboken6
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from libneuron.errors import NeuronError
from libneuron.progress import Progress, ProgressView
from libneuron.system.errors import SystemAccessError
from libneuron.ui.tasks import Tasks


class Receiver(QObject):
    """Notes what comes, and on which thread."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, Any, threading.Thread]] = []

    def done(self, value: object) -> None:
        self.seen.append(("done", value, threading.current_thread()))

    def failed(self, error: NeuronError) -> None:
        self.seen.append(("failed", error.code, threading.current_thread()))

    def cancelled(self) -> None:
        self.seen.append(("cancelled", None, threading.current_thread()))


def _start(runner: Tasks, receiver: Receiver, work: Any) -> Any:
    return runner.start(
        work, owner=receiver, done=receiver.done, failed=receiver.failed, cancelled=receiver.cancelled
    )


def test_the_work_runs_elsewhere_and_its_value_arrives_on_qts_thread(qtbot: QtBot) -> None:
    runner, receiver = Tasks(None), Receiver()
    task = _start(runner, receiver, lambda _progress: threading.current_thread())
    qtbot.waitUntil(lambda: bool(receiver.seen))
    (kind, worker, thread) = receiver.seen[0]
    assert (kind, thread) == ("done", threading.main_thread())
    assert worker is not threading.main_thread()
    assert not task.running
    assert runner.running == 0


def test_a_library_error_arrives_as_such(qtbot: QtBot) -> None:
    def work(_progress: Progress) -> None:
        raise SystemAccessError("system.program-missing", program="x")

    runner, receiver = Tasks(None), Receiver()
    _start(runner, receiver, work)
    qtbot.waitUntil(lambda: bool(receiver.seen))
    assert receiver.seen[0][:2] == ("failed", "system.program-missing")


def test_cancel_ends_work_that_reports_progress(qtbot: QtBot) -> None:
    def work(progress: Progress) -> None:
        progress.start(total=None, unit="steps")
        while True:
            progress.advance(1)

    runner, receiver = Tasks(None), Receiver()
    views: list[ProgressView] = []
    task = _start(runner, receiver, work)
    task.progressed.connect(views.append)
    qtbot.waitUntil(lambda: len(views) > 1)
    assert task.cancel()
    qtbot.waitUntil(lambda: bool(receiver.seen))
    assert receiver.seen[0][0] == "cancelled"


def test_a_receiver_that_is_gone_hears_nothing(qtbot: QtBot) -> None:
    go = threading.Event()
    runner, receiver = Tasks(None), Receiver()
    task = _start(runner, receiver, lambda _progress: go.wait(5))
    shiboken6.delete(receiver)
    with qtbot.waitSignal(task.ended):
        go.set()
    assert receiver.seen == []


def test_a_bug_is_raised_again_on_qts_thread(qtbot: QtBot) -> None:
    def work(_progress: Progress) -> None:
        raise ZeroDivisionError

    runner, receiver = Tasks(None), Receiver()
    with qtbot.captureExceptions() as caught:
        task = _start(runner, receiver, work)
        qtbot.waitUntil(lambda: not task.running)
    assert [kind for kind, _error, _trace in caught] == [ZeroDivisionError]
    assert receiver.seen == []


def test_close_cancels_and_joins_every_thread(qtbot: QtBot) -> None:
    begun = threading.Event()

    def work(progress: Progress) -> None:
        progress.start(total=None, unit="steps")
        begun.set()
        while True:
            progress.advance(1)

    runner, receiver = Tasks(None), Receiver()
    task = _start(runner, receiver, work)
    assert begun.wait(5)
    runner.close()
    assert not task.thread_of_work.is_alive()


@pytest.mark.expect_log("libneuron.ui.tasks")
def test_close_does_not_wait_for_ever_for_work_that_hangs(qtbot: QtBot) -> None:
    go = threading.Event()
    runner, receiver = Tasks(None), Receiver()
    task = _start(runner, receiver, lambda _progress: go.wait(30))
    runner.close(seconds=0.05)
    assert task.thread_of_work.is_alive()
    go.set()
    task.thread_of_work.join(5)
