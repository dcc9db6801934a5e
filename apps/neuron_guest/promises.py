"""Copies that the host has promised: programs of the guest wait here for what they paste."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout

from neuron_guest.backend import BackendError

PATIENCE = 25.0
"""Seconds that a paste waits: Windows gives the owner of a clipboard 30 to render."""
_MOST = 32  # pastes that wait at once

Tell = Callable[[int, int, str], None]
"""(wanted, serial, MIME type): ask for it; called on the thread of whoever pastes."""


class Promises:
    """One session's. Methods may be called on any thread."""

    def __init__(self, tell: Tell, *, patience: float = PATIENCE) -> None:
        self._tell = tell
        self._patience = patience
        self._lock = threading.Lock()
        self._waiting: dict[int, Future[bytes]] = {}
        self._last = 0
        self._ended = False

    def fetch(self, serial: int, mime: str) -> bytes:
        """Ask for ``mime`` of promise ``serial`` and wait. Raises: BackendError with the reason."""
        future: Future[bytes] = Future()
        with self._lock:
            if self._ended:
                raise _ended()
            if len(self._waiting) >= _MOST:
                raise BackendError("busy", "too many programs paste at once")
            self._last += 1
            wanted = self._last
            self._waiting[wanted] = future
        try:
            self._tell(wanted, serial, mime)
            return future.result(self._patience)
        except FutureTimeout as error:
            raise BackendError("timeout", f"the host did not hand over {mime} in time") from error
        finally:
            with self._lock:
                self._waiting.pop(wanted, None)

    def supplied(self, wanted: int, data: bytes, problem: str = "") -> None:
        """What was asked for; what nobody waits for any more is dropped."""
        with self._lock:
            future = self._waiting.pop(wanted, None)
        if future is None:
            return
        if problem:
            future.set_exception(BackendError(problem, "the host did not hand over what was copied"))
        else:
            future.set_result(data)

    def end(self) -> None:
        """The host is gone: whoever waits, or comes later, is told."""
        with self._lock:
            self._ended = True
            waiting, self._waiting = self._waiting, {}
        for future in waiting.values():
            future.set_exception(_ended())


def _ended() -> BackendError:
    return BackendError("no-session", "the host that has the copy is gone")
