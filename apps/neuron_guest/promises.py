"""Copies that the host has promised: programs of the guest wait here for what they paste.

What comes after a program has given up is kept for the next paste: a large copy on a slow line arrives then.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass, field

from neuron_guest.backend import BackendError

PATIENCE = 25.0
"""Seconds that a paste waits: Windows gives the owner of a clipboard 30 to render."""
_MOST = 32  # formats that are asked for at once
_STALE = 150.0  # seconds after which an answer is not expected any more; the host gives up after 120

Tell = Callable[[int, int, str], None]
"""(wanted, serial, MIME type): ask for it; called on the thread of whoever pastes."""


@dataclass
class _Asked:
    serial: int
    wanted: int
    since: float
    waiting: int = 0
    answer: Future[bytes] = field(default_factory=Future)


class Promises:
    """One session's. Methods may be called on any thread."""

    def __init__(self, tell: Tell, *, patience: float = PATIENCE) -> None:
        self._tell = tell
        self._patience = patience
        self._lock = threading.Lock()
        self._asked: dict[tuple[int, str], _Asked] = {}
        self._last = 0
        self._ended = False

    def fetch(self, serial: int, mime: str) -> bytes:
        """Ask for ``mime`` of promise ``serial`` and wait. Raises: BackendError with the reason."""
        asked, new = self._ask(serial, mime)
        try:
            if new:
                self._tell(asked.wanted, serial, mime)
            return asked.answer.result(self._patience)
        except FutureTimeout as error:
            raise BackendError("timeout", f"the host did not hand over {mime} in time") from error
        finally:
            with self._lock:
                asked.waiting -= 1
                if asked.answer.done() and self._asked.get((serial, mime)) is asked:
                    del self._asked[serial, mime]

    def _ask(self, serial: int, mime: str) -> tuple[_Asked, bool]:
        now = time.monotonic()
        with self._lock:
            if self._ended:
                raise _ended()
            for key, old in list(self._asked.items()):
                left_over = not old.waiting and (old.serial != serial or now - old.since > _STALE)
                if left_over:
                    del self._asked[key]
            found = self._asked.get((serial, mime))
            new = found is None
            if found is None:
                if len(self._asked) >= _MOST:
                    raise BackendError("busy", "too many programs paste at once")
                self._last += 1
                found = self._asked[serial, mime] = _Asked(serial, self._last, now)
            found.waiting += 1
            return found, new

    def supplied(self, wanted: int, data: bytes, problem: str = "") -> None:
        """What was asked for; what is not expected any more is dropped."""
        with self._lock:
            found = next((asked for asked in self._asked.values() if asked.wanted == wanted), None)
            if found is None or found.answer.done():
                return
            if problem and not found.waiting:
                self._asked = {key: asked for key, asked in self._asked.items() if asked is not found}
        if problem:
            found.answer.set_exception(BackendError(problem, "the host did not hand over what was copied"))
        else:
            found.answer.set_result(data)

    def end(self) -> None:
        """The host is gone: whoever waits, or comes later, is told."""
        with self._lock:
            self._ended = True
            asked, self._asked = self._asked, {}
        for each in asked.values():
            if not each.answer.done():
                each.answer.set_exception(_ended())


def _ended() -> BackendError:
    return BackendError("no-session", "the host that has the copy is gone")
