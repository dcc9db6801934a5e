"""A thread that makes libvirt's blocking calls. One that hangs is abandoned; the next call gets a new one."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

_T = TypeVar("_T")


class HungError(Exception):
    """A call did not come back in time; its thread was abandoned."""


class _Line:
    """One thread and the calls waiting for it. After ``leave`` it ends with the call it is in."""

    def __init__(self, name: str) -> None:
        self._calls: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None] = queue.SimpleQueue()
        self.left = False
        self.thread = threading.Thread(target=self._run, name=name, daemon=True)
        self.thread.start()

    def put(self, work: Callable[[], _T]) -> Future[_T]:
        future: Future[_T] = Future()
        self._calls.put((work, future))
        return future

    def leave(self) -> None:
        self.left = True
        self._calls.put(None)

    def _run(self) -> None:
        while True:
            call = self._calls.get()
            if call is None:
                return
            work, future = call
            if self.left or not future.set_running_or_notify_cancel():
                future.cancel()
                continue
            try:
                future.set_result(work())
            except BaseException as error:  # noqa: BLE001 — handed to the caller whole
                future.set_exception(error)


class Worker:
    """Runs calls one after the other on a thread of its own.

    ``on_hung`` is called (on the caller's thread) when a call did not return: whatever the calls shared
    should be forgotten then, because the abandoned thread may still hold it.
    """

    def __init__(self, name: str, *, on_hung: Callable[[], None]) -> None:
        self._name = name
        self._on_hung = on_hung
        self._lock = threading.Lock()
        self._line: _Line | None = None

    def _current(self) -> _Line:
        with self._lock:
            if self._line is None:
                self._line = _Line(self._name)
            return self._line

    def call(self, work: Callable[[], _T], *, timeout: float) -> _T:
        """Run ``work`` and wait. Raises: HungError after ``timeout`` seconds; whatever ``work`` raises."""
        line = self._current()
        if threading.current_thread() is line.thread:
            return work()
        future = line.put(work)
        try:
            return future.result(timeout)
        except TimeoutError as error:
            if future.done():  # the work's own TimeoutError
                raise
            self._abandon(line)
            raise HungError from error

    async def call_async(self, work: Callable[[], _T], *, timeout: float) -> _T:
        """The same for the asyncio loop, which goes on meanwhile."""
        import asyncio  # whoever awaits has it; a tray without paired machines needs none

        line = self._current()
        future = line.put(work)
        try:
            async with asyncio.timeout(timeout):
                return await asyncio.wrap_future(future)
        except TimeoutError as error:
            if future.done() and not future.cancelled():
                raise
            self._abandon(line)
            raise HungError from error

    def _abandon(self, line: _Line) -> None:
        with self._lock:
            if self._line is not line:
                return
            self._line = None
        line.leave()
        self._on_hung()

    def close(self) -> None:
        """Let the thread end; waits for the call it is in, a moment at most."""
        with self._lock:
            line, self._line = self._line, None
        if line is not None:
            line.leave()
            if threading.current_thread() is not line.thread:
                line.thread.join(2)
