"""The suite's one task model: long work reports here; a window, a command line or D-Bus renders it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from libneuron.errors import Cancelled

_WINDOW = (
    5.0  # seconds over which the rate is measured: long enough to be calm, short enough to follow a change
)


@dataclass(frozen=True)
class ProgressView:
    """One moment of a task. ``total`` None means unknown; ``rate`` is units per second; times in seconds."""

    done: int
    total: int | None
    unit: str
    item: str
    rate: float | None
    remaining: float | None
    cancellable: bool
    paused: bool


class Progress:
    """Thread-safe progress of one task: the worker calls :meth:`advance`, any face calls :meth:`cancel`.

    ``clock`` returns monotonic seconds. ``listener`` is called on the worker's thread at most ten times a
    second, and once at the end of each stage.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float],
        listener: Callable[[ProgressView], None] | None = None,
    ) -> None:
        self._clock = clock
        self._listener = listener
        self._lock = threading.Lock()
        self._cancelled = threading.Event()
        self._running = threading.Event()
        self._running.set()
        self._cancellable = True
        self._begin(None, "")

    def _begin(self, total: int | None, unit: str) -> None:
        self._done = 0
        self._total = total
        self._unit = unit
        self._item = ""
        self._samples: deque[tuple[float, int]] = deque([(self._clock(), 0)])
        self._told = float("-inf")

    def start(self, *, total: int | None, unit: str, cancellable: bool = True) -> None:
        """Begin a stage of ``total`` units ("bytes", "files", "steps")."""
        with self._lock:
            self._begin(total, unit)
            self._cancellable = cancellable
        self._tell(force=True)

    def advance(self, amount: int = 0, *, item: str | None = None) -> None:
        """Count ``amount`` more units done; waits here while paused.

        Raises: Cancelled once the person has cancelled.
        """
        self.check()
        with self._lock:
            self._done += amount
            if item is not None:
                self._item = item
            self._sample()
        self._tell(force=False)

    def _sample(self) -> None:
        now = self._clock()
        if now - self._samples[-1][0] >= 0.1:
            self._samples.append((now, self._done))
        while len(self._samples) > 2 and now - self._samples[0][0] > _WINDOW:
            self._samples.popleft()

    def check(self) -> None:
        """Wait while paused. Raises: Cancelled once the person has cancelled."""
        if self._cancelled.is_set():
            raise Cancelled
        if not self._running.is_set():
            self._tell(force=True)
            self._running.wait()
            if self._cancelled.is_set():
                raise Cancelled

    def mirror(self, view: ProgressView) -> None:
        """Show what another process tells of the work that it does; never waits, never raises."""
        with self._lock:
            if (view.total, view.unit) != (self._total, self._unit) or view.done < self._done:
                self._begin(view.total, view.unit)
                self._samples = deque([(self._clock(), view.done)])
            self._done, self._item, self._cancellable = view.done, view.item, view.cancellable
            self._sample()
        self._tell(force=True)

    def finish(self) -> None:
        """Tell the listener the stage's last state."""
        self._tell(force=True)

    def cancel(self) -> bool:
        """Ask the work to stop at its next step. False where stopping would do harm."""
        if not self._cancellable:
            return False
        self._cancelled.set()
        self._running.set()
        return True

    def pause(self) -> None:
        """Hold the work at its next step."""
        self._running.clear()

    def resume(self) -> None:
        """Go on after :meth:`pause`."""
        self._running.set()

    @property
    def cancelled(self) -> bool:
        """Whether the person has cancelled."""
        return self._cancelled.is_set()

    def view(self) -> ProgressView:
        """The present moment, for a face that polls."""
        with self._lock:
            then, before = self._samples[0]
            span = self._clock() - then
            rate = (self._done - before) / span if span >= 0.2 and self._done > before else None
            left = None if self._total is None else max(0, self._total - self._done)
            return ProgressView(
                done=self._done,
                total=self._total,
                unit=self._unit,
                item=self._item,
                rate=rate,
                remaining=left / rate if left is not None and rate else None,
                cancellable=self._cancellable,
                paused=not self._running.is_set(),
            )

    def _tell(self, *, force: bool) -> None:
        if self._listener is None:
            return
        now = self._clock()
        if force or now - self._told >= 0.1:
            self._told = now
            self._listener(self.view())
