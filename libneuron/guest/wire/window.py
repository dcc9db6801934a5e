"""How much bulk may be on its way at once, so that a ping never waits long behind it.

The receiver reports the bytes that arrived; the time from sending a byte to its report is the queue a ping
would stand in. The window shrinks while that time is long and grows while it is short (the idea of
delay-based congestion control, RFC 6817): a guest with emulated crypto at 5 MB/s gets some 64 KiB, two
native processes two megabytes. Each decision rests on the shortest time seen while one window's bytes
arrived: a process that was not scheduled for a moment is no queue.
"""

from __future__ import annotations

from collections import deque

SMALLEST = 64 * 1024
LARGEST = 2 * 1024 * 1024
START = 128 * 1024
_LOW = 0.006  # seconds: below, there is room
_HIGH = 0.015


class Window:
    """Bytes in flight over all streams of one direction. Times are monotonic seconds."""

    def __init__(self) -> None:
        self.size = START
        self.flight = 0
        self._sent: deque[tuple[int, float]] = deque()  # (total sent after this piece, when)
        self._total = 0
        self._arrived = 0
        self._shortest = float("inf")
        self._decide_at = START

    @property
    def room(self) -> int:
        """Bytes that may be sent now."""
        return self.size - self.flight

    def sent(self, count: int, now: float) -> None:
        """``count`` bytes left."""
        self._total += count
        self.flight += count
        self._sent.append((self._total, now))

    def arrived(self, count: int, now: float) -> None:
        """``count`` bytes more came out at the other end (never more than are in flight)."""
        count = min(count, self.flight)
        self.flight -= count
        self._arrived += count
        latest = None
        while self._sent and self._sent[0][0] <= self._arrived:
            latest = self._sent.popleft()[1]
        if latest is not None:
            self._shortest = min(self._shortest, now - latest)
        if self._arrived >= self._decide_at and self._shortest != float("inf"):
            self._decide()

    def _decide(self) -> None:
        if self._shortest > _HIGH:
            self.size = max(SMALLEST, int(self.size * max(0.5, _HIGH / self._shortest)))
        elif self._shortest < _LOW:
            self.size = min(LARGEST, self.size * 2)
        self._shortest = float("inf")
        self._decide_at = self._arrived + self.size
