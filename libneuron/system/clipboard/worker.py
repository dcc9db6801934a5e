"""The thread under a host clipboard: it sleeps until a descriptor, a caller or a deadline has something.

Callers on other threads hand it commands; whoever gave a command a future gets an answer, also when the
clipboard ends before the command's turn.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Any

from libneuron.system.clipboard.errors import ClipboardError
from libneuron.system.clipboard.model import ClipboardOffer

_log = logging.getLogger(__name__)


def never(*_arguments: object) -> None:
    """A listener before :meth:`Worker.start`."""


class Worker(ABC):
    """Base of the host clipboards. Subclasses work in :meth:`turn` on the thread; nothing there may wait."""

    def __init__(self, name: str, clock: Callable[[], float]) -> None:
        """``clock`` returns monotonic seconds."""
        self.clock = clock
        self.changed: Callable[[ClipboardOffer], None] = never
        self._lost: Callable[[Exception], None] = never
        self._commands: deque[tuple[Future[Any] | None, Callable[[], None]]] = deque()
        self._lock = threading.Lock()
        self._stopped = False
        self._left = False
        self._wake_in, self._wake_out = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    # For any thread.

    def start(self, changed: Callable[[ClipboardOffer], None], lost: Callable[[Exception], None]) -> None:
        """See Clipboard.start."""
        self.changed, self._lost = changed, lost
        self._thread.start()

    def close(self) -> None:
        """See Clipboard.close."""
        with self._lock:
            if self._stopped:
                return
            self._stopped = True
        self.poke()
        if self._thread is threading.current_thread():
            return
        if self._thread.ident is None:
            self._leave()
        else:
            self._thread.join(10)

    def do(self, future: Future[Any] | None, command: Callable[[], None]) -> None:
        """Run ``command`` on the thread; it settles ``future``, which cannot be cancelled from now on."""
        if future is not None:
            future.set_running_or_notify_cancel()
        with self._lock:
            stopped = self._stopped
            if not stopped:
                self._commands.append((future, command))
        if not stopped:
            self.poke()
        elif future is not None:
            future.set_exception(_closed())

    def poke(self) -> None:
        """Make the thread look around."""
        with self._lock, contextlib.suppress(BlockingIOError):  # a full pipe wakes the thread as well
            if not self._left:
                os.write(self._wake_out, b"\0")

    # On the thread.

    @abstractmethod
    def turn(self) -> None:
        """:meth:`run_commands`, handle what there is, then :meth:`sleep` once, unless more may have come.

        Raises: ClipboardError unavailable when the desktop has gone.
        """

    @abstractmethod
    def leave(self, error: ClipboardError) -> None:
        """End what is under way with ``error`` and leave the desktop; called once, last."""

    def run_commands(self) -> None:
        """Run what callers have asked for."""
        while self._commands:
            future, command = self._commands.popleft()
            try:
                command()
            except BaseException:
                if future is not None and not future.done():
                    future.set_exception(_closed())
                raise

    def sleep(
        self, reads: Iterable[int], writes: Iterable[int] = (), *, until: Iterable[float | None] = ()
    ) -> set[int]:
        """Wait for a descriptor, a caller or the earliest of ``until``; returns the ready descriptors.

        ``poll`` rather than ``select``: a window's process may have more than 1024 descriptors open.
        """
        wanted = dict.fromkeys((self._wake_in, *reads), select.POLLIN)
        for descriptor in writes:
            wanted[descriptor] = wanted.get(descriptor, 0) | select.POLLOUT
        poll = select.poll()
        for descriptor, events in wanted.items():
            poll.register(descriptor, events)
        near = min((moment for moment in until if moment is not None), default=None)
        wait = None if near is None else max(0.0, near - self.clock()) * 1000 + 1
        ready = {descriptor for descriptor, _event in poll.poll(wait)}
        if self._wake_in in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(self._wake_in, 4096)
        return ready

    def _run(self) -> None:
        lost: ClipboardError | None = None
        try:
            while not self._stopped:
                self.turn()
        except ClipboardError as error:
            lost = error
            _log.info("the clipboard ended: %s", error.details)
        finally:
            self._leave()
        if lost is not None:
            self._lost(lost)

    def _leave(self) -> None:
        with self._lock:
            self._stopped = self._left = True
            waiting = [future for future, _command in self._commands if future is not None]
            self._commands.clear()
            os.close(self._wake_in)
            os.close(self._wake_out)
        for future in waiting:
            future.set_exception(_closed())
        self.leave(_closed())


def _closed() -> ClipboardError:
    return ClipboardError("clipboard.unavailable", details="closed")
