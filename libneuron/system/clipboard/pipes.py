"""Content through pipes, as Wayland moves it: non-blocking both ways, with a time limit for each step."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass

from libneuron.errors import Cancelled
from libneuron.progress import Progress
from libneuron.system.clipboard.errors import ClipboardError
from libneuron.system.clipboard.spool import Content, Spool

_PIECE = 1 << 18  # bytes
_LOOK = 0.2  # seconds between looks at whether the person cancelled

Done = Callable[[Content | Exception], None]


@dataclass
class _Reading:
    spool: Spool
    idle: float
    deadline: float
    done: Done
    progress: Progress | None


@dataclass
class _Writing:
    content: Content
    offset: int
    deadline: float


class Pipes:
    """The pipes under way. Used by one thread, which calls :meth:`ready` with what ``poll`` reports."""

    def __init__(self, clock: Callable[[], float], *, takes: float) -> None:
        """``takes``: seconds a reader at the other end may need for one piece."""
        self._clock = clock
        self._takes = takes
        self._reading: dict[int, _Reading] = {}
        self._writing: dict[int, _Writing] = {}

    @property
    def reads(self) -> tuple[int, ...]:
        """Descriptors to poll for input."""
        return tuple(self._reading)

    @property
    def writes(self) -> tuple[int, ...]:
        """Descriptors to poll for output."""
        return tuple(self._writing)

    def read(
        self, descriptor: int, *, spool: Spool, idle: float, done: Done, progress: Progress | None = None
    ) -> None:
        """Read ``descriptor``, which becomes ours, to its end; ``idle``: seconds without any byte."""
        os.set_blocking(descriptor, False)
        if progress is not None:
            progress.start(total=None, unit="bytes")
        self._reading[descriptor] = _Reading(spool, idle, self._clock() + idle, done, progress)

    def write(self, descriptor: int, content: Content) -> None:
        """Write ``content`` to ``descriptor``, which becomes ours, and close it."""
        os.set_blocking(descriptor, False)
        self._writing[descriptor] = _Writing(content, 0, self._clock() + self._takes)

    def ready(self, descriptors: set[int]) -> None:
        """Move what can be moved."""
        for descriptor in descriptors:
            if descriptor in self._reading:
                self._take(descriptor, self._reading[descriptor])
            elif descriptor in self._writing:
                self._give(descriptor, self._writing[descriptor])

    def expire(self) -> float | None:
        """End what has waited too long or was cancelled; returns when to look again."""
        now = self._clock()
        moments = []
        for descriptor, reading in list(self._reading.items()):
            if reading.progress is not None and reading.progress.cancelled:
                self._end(descriptor, Cancelled())
            elif reading.deadline <= now:
                self._end(descriptor, ClipboardError("clipboard.owner-silent"))
            else:
                moments.append(min(reading.deadline, now + _LOOK) if reading.progress else reading.deadline)
        for descriptor, writing in list(self._writing.items()):
            if writing.deadline <= now:
                self._close(descriptor)
            else:
                moments.append(writing.deadline)
        return min(moments, default=None)

    def abort(self, error: Exception) -> None:
        """End everything."""
        for descriptor in list(self._reading):
            self._end(descriptor, error)
        for descriptor in list(self._writing):
            self._close(descriptor)

    def _take(self, descriptor: int, reading: _Reading) -> None:
        try:
            data = os.read(descriptor, _PIECE)
            reading.spool.write(data)
            if reading.progress is not None and data:
                reading.progress.advance(len(data))
        except BlockingIOError:
            return
        except OSError as error:
            self._end(descriptor, ClipboardError("clipboard.refused", details=repr(error)))
            return
        except (ClipboardError, Cancelled) as error:
            self._end(descriptor, error)
            return
        reading.deadline = self._clock() + reading.idle
        if not data:
            self._end(descriptor, reading.spool.finish())

    def _give(self, descriptor: int, writing: _Writing) -> None:
        piece = writing.content.part(writing.offset, _PIECE)
        try:
            writing.offset += os.write(descriptor, piece) if piece else 0
        except BlockingIOError:
            return
        except OSError:
            self._close(descriptor)  # the reader has had enough
            return
        writing.deadline = self._clock() + self._takes
        if writing.offset >= writing.content.size:
            self._close(descriptor)

    def _end(self, descriptor: int, result: Content | Exception) -> None:
        reading = self._reading.pop(descriptor)
        os.close(descriptor)
        if isinstance(result, Exception):
            reading.spool.discard()
        reading.done(result)

    def _close(self, descriptor: int) -> None:
        del self._writing[descriptor]
        with contextlib.suppress(OSError):
            os.close(descriptor)
