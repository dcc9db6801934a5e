"""The one asyncio loop of a process, on a thread of its own; blocking callers get plain functions."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

_T = TypeVar("_T")


class LoopThread:
    """One asyncio loop on a thread of its own. Use as a context manager or call :meth:`close`."""

    def __init__(self, name: str = "neuron-io") -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()

    def submit(self, work: Coroutine[Any, Any, _T]) -> concurrent.futures.Future[_T]:
        """Start ``work`` on the loop; the future may be waited for or given a callback."""
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def wait(self, work: Coroutine[Any, Any, _T], *, timeout: float | None = None) -> _T:
        """Run ``work`` on the loop and block until done. Never on the loop's own thread.

        Raises: TimeoutError after ``timeout`` seconds.
        """
        if threading.current_thread() is self._thread:
            work.close()
            raise RuntimeError("the loop's own thread would wait for itself for ever")
        future = self.submit(work)
        try:
            return future.result(timeout)
        except concurrent.futures.TimeoutError:
            future.cancel()
            raise

    def close(self) -> None:
        """Cancel what runs, stop the loop and join the thread."""
        if self.loop.is_closed():
            return
        asyncio.run_coroutine_threadsafe(self._drain(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.close()

    async def _drain(self) -> None:
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.loop.shutdown_asyncgens()

    def __enter__(self) -> LoopThread:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
