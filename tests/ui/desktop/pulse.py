"""Takes a program's pulse as a panel does: asks its tray icon again and again.

Qt answers on the thread that draws the window: while anything blocks that thread, no answer comes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from libneuron.system.bus import Bus, LoopThread
from libneuron.system.errors import SystemAccessError
from tests.ui.desktop.session import Desktop, wait_for
from tests.ui.desktop.tray import TrayClient

_PAUSE = 0.01  # seconds between two questions
_MUCH = 10  # times as many
_ENOUGH = 60.0  # seconds; an answer that takes longer is given up


class Pulse:
    """Of the process ``pid``, which has an icon in ``tray``; from :meth:`__enter__` to :meth:`__exit__`."""

    def __init__(self, desktop: Desktop, tray: TrayClient, pid: int) -> None:
        self._address = desktop.environment["DBUS_SESSION_BUS_ADDRESS"]
        self._service, self._path = tray.item_of(pid)
        self._ended = threading.Event()
        self.answers: list[float] = []
        """Seconds that each answer took so far."""
        self._thread = threading.Thread(target=self._run, name="pulse", daemon=True)

    def __enter__(self) -> Pulse:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        io = LoopThread()
        bus = io.wait(Bus.open(address=self._address))
        while not self._ended.is_set():
            began = time.perf_counter()
            try:
                question = (self._service, self._path, "org.kde.StatusNotifierItem", "ToolTip")
                io.wait(bus.get(*question, timeout=_ENOUGH), timeout=_ENOUGH + 1)
            except SystemAccessError:
                break  # the program has ended
            self.answers.append(time.perf_counter() - began)
            self._ended.wait(_PAUSE)
        io.wait(bus.close())
        io.close()

    def beats(self, count: int = 30) -> None:
        """Wait until it has answered so often from now on."""
        enough = len(self.answers) + count
        wait_for(lambda: len(self.answers) >= enough, "answers")

    def beats_beside(self, bare: Pulse) -> None:
        """As :meth:`beats`; and a program that does nothing may not have answered many times as often."""
        before, count = len(bare.answers), 30
        self.beats(count)
        meanwhile = len(bare.answers) - before
        assert meanwhile <= _MUCH * count, f"{count} answers while a bare program gave {meanwhile}"

    @contextmanager
    def during(self) -> Iterator[list[float]]:
        """The answers within the context, complete when it has ended; one that is under way then counts."""
        found: list[float] = []
        before = len(self.answers)
        yield found
        after = len(self.answers)
        wait_for(lambda: len(self.answers) > after or not self._thread.is_alive(), "the next answer")
        found.extend(self.answers[before:])
