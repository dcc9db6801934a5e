"""The wizard itself, driven through a whole migration: how long its loop is kept waiting at most.

Run in a process of its own by :mod:`tests.bench.migration`. The kernel's account of the thread
(``schedstat``: Documentation/scheduler/sched-stats.rst) tells how much of a wait was for a processor that
others had.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PySide6.QtCore import QEventLoop, Qt, QTimer

from libneuron.migration.home import Home
from libneuron.migration.session import Outcome, Run
from libneuron.migration.verify import Extent
from libneuron.progress import Progress
from libneuron.system.clock import RealClock
from libneuron.system.files import Root
from libneuron.ui.app import application
from libneuron.ui.tasks import tasks
from libneuron.ui.text import translate
from neuron_migration_assistant.gui import APP_ID, elsewhere
from neuron_migration_assistant.window import MigrationWindow
from neuron_migration_assistant.work import Job

_PATIENCE = 600.0


@dataclass
class Wait:
    """The longest of one step, in seconds: all of it, and without the time that others had the processor."""

    whole: float = 0.0
    own: float = 0.0


class Heart:
    """Beats a thousand times a second in the loop, and knows the longest pause of each step."""

    def __init__(self) -> None:
        self.waits: dict[str, Wait] = {}
        self.beats = 0
        self._step = Wait()
        self._account = os.open(f"/proc/self/task/{os.getpid()}/schedstat", os.O_RDONLY)
        self._last = (time.monotonic(), self._queued())
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._beat)
        self._timer.start(1)

    def _queued(self) -> float:
        """Seconds that this thread could have run but had no processor, so far."""
        return int(os.pread(self._account, 128, 0).split()[1]) / 1e9

    def _beat(self) -> None:
        now, queued = time.monotonic(), self._queued()
        whole = now - self._last[0]
        self._step.whole = max(self._step.whole, whole)
        self._step.own = max(self._step.own, whole - (queued - self._last[1]))
        self._last = (now, queued)
        self.beats += 1

    def step(self, name: str, done: Callable[[], bool]) -> None:
        """Let the loop run until ``done``; the waits meanwhile are the step's."""
        self._step = self.waits.setdefault(name, Wait())
        loop, look, end = QEventLoop(), QTimer(), time.monotonic() + _PATIENCE
        look.timeout.connect(lambda: loop.quit() if done() or time.monotonic() > end else None)
        look.start(5)
        loop.exec()
        if not done():
            raise TimeoutError(name)


def check(run: Run, progress: Progress) -> Outcome:
    """Read everything again."""
    return run.verify(progress, extent=Extent.FULL)


def drive(source: Path, top: Path) -> Heart:
    """Bring ``source`` over in the wizard, check all of it and take it back."""
    home = top / "home"
    home.mkdir()
    application(app_id=APP_ID, name="Migration Assistant")
    root = Root(top / "machine")
    job = Job(Home(home, root), RealClock(), root, translate, elsewhere)
    window = MigrationWindow(job)
    window.show()
    heart, stack = Heart(), window.stack
    stack.go_next()
    window.source.path.setText(str(source))
    stack.go_next()
    heart.step("people", lambda: stack.page is window.person)
    stack.go_next()
    heart.step("scan and plan", window.choose.items.isVisible)
    stack.go_next()
    stack.go_next()
    heart.step("run", lambda: stack.page is window.done)
    run = job.run
    assert run is not None
    for name, work in (
        ("verify", lambda progress: job.do(partial(check, run), progress)),
        ("undo", lambda progress: job.undo(run, progress)),
    ):
        ended: list[object] = []
        task = tasks().start(work, owner=window, done=ended.append, failed=ended.append)
        window.copying.panel.follow(task)
        heart.step(name, lambda ended=ended: bool(ended))  # type: ignore[misc]
    assert not (home / "Documents").exists()
    window.close()
    return heart


def main() -> None:
    """In the process of its own: migrate ``argv[1]``, print the waits."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    with tempfile.TemporaryDirectory(prefix="neuron-bench-", dir=os.environ.get("TMPDIR")) as folder:
        heart = drive(Path(sys.argv[1]), Path(folder))
        waits = {name: (wait.whole, wait.own) for name, wait in heart.waits.items()}
        print(json.dumps({"beats": heart.beats, "waits": waits}))
