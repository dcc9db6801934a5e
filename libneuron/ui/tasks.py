"""Work off the GUI thread: a callable gets a thread and a :class:`Progress`; its outcome is a queued signal.

Outcomes reach only receivers that still live; closing joins every thread, so none outlives the application.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

import shiboken6
from PySide6.QtCore import QCoreApplication, QObject, Qt, Signal, Slot

from libneuron.errors import Cancelled, NeuronError
from libneuron.progress import Progress, ProgressView

_log = logging.getLogger(__name__)
_T = TypeVar("_T")


class Task(QObject):
    """One piece of work under way. Created by :meth:`Tasks.start` only."""

    progressed = Signal(ProgressView)
    """The work moved; at most ten times a second."""
    ended = Signal()
    """The work is over, whichever way."""
    _came = Signal(object, object)
    _moved = Signal(object)

    def __init__(
        self,
        parent: QObject,
        *,
        owner: QObject,
        done: Callable[[Any], object],
        failed: Callable[[NeuronError], object],
        cancelled: Callable[[], object],
    ) -> None:
        super().__init__(parent)
        self.progress = Progress(clock=time.monotonic, listener=self._moved.emit)
        self.running = True
        self._owner = owner
        self._done, self._failed, self._cancelled = done, failed, cancelled
        queued = Qt.ConnectionType.QueuedConnection
        self._came.connect(self._finish, queued)
        self._moved.connect(self._move, queued)
        self.thread_of_work: threading.Thread | None = None

    def cancel(self) -> bool:
        """Ask the work to stop at its next step. False where stopping would do harm."""
        return self.progress.cancel()

    def start(self, work: Callable[[Progress], Any]) -> None:
        """Begin ``work`` on a thread of its own."""
        self.thread_of_work = threading.Thread(target=self._run, args=(work,), name="task", daemon=True)
        self.thread_of_work.start()

    def _run(self, work: Callable[[Progress], Any]) -> None:
        value: Any = None
        problem: BaseException | None = None
        try:
            value = work(self.progress)
        except BaseException as error:  # noqa: BLE001 — every outcome is delivered; a bug is raised again there
            problem = error
        if shiboken6.isValid(self):  # a task that did not stop in time may outlive the application
            self._came.emit(value, problem)

    @Slot(object)
    def _move(self, view: ProgressView) -> None:
        if self.running:
            self.progressed.emit(view)

    @Slot(object, object)
    def _finish(self, value: object, problem: BaseException | None) -> None:
        self.running = False
        live = shiboken6.isValid(self._owner)
        self.ended.emit()
        self.deleteLater()
        if isinstance(problem, Cancelled):
            if live:
                self._cancelled()
        elif isinstance(problem, NeuronError):
            if live:
                self._failed(problem)
        elif problem is not None:
            raise problem
        elif live:
            self._done(value)


def _nothing() -> None:
    pass


class Tasks(QObject):
    """All tasks of the application."""

    def __init__(self, parent: QObject | None) -> None:
        super().__init__(parent)
        self._tasks: set[Task] = set()

    def start(
        self,
        work: Callable[[Progress], _T],
        *,
        owner: QObject,
        done: Callable[[_T], object],
        failed: Callable[[NeuronError], object],
        cancelled: Callable[[], object] = _nothing,
    ) -> Task:
        """Run ``work`` off the GUI thread; one callback follows on it, unless ``owner`` is gone by then.

        An exception that is no :class:`NeuronError` is a bug: it is raised again on the GUI thread.
        """
        task = Task(self, owner=owner, done=done, failed=failed, cancelled=cancelled)
        self._tasks.add(task)
        task.ended.connect(self._forget)
        task.start(work)
        return task

    @Slot()
    def _forget(self) -> None:
        self._tasks = {task for task in self._tasks if task.running}

    @property
    def running(self) -> int:
        """How many tasks are under way."""
        return len(self._tasks)

    def close(self, *, seconds: float = 10.0) -> None:
        """Cancel everything and join the threads, ``seconds`` at most; nothing is delivered any more."""
        deadline = time.monotonic() + seconds
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        for task in tasks:
            thread = task.thread_of_work
            if thread is not None:
                thread.join(max(0.0, deadline - time.monotonic()))
                if thread.is_alive():
                    _log.warning("a task did not stop within %g s: it ends with the process", seconds)
        self._tasks.clear()


def tasks() -> Tasks:
    """The running application's tasks."""
    app = QCoreApplication.instance()
    assert app is not None
    found = app.findChild(Tasks)
    assert isinstance(found, Tasks)
    return found
