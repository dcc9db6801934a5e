"""How much bulk may be on its way at once, so that a ping never waits long behind it.

The receiver reports the bytes that arrived, piece by piece. The time from sending a byte to its report, less
the time that takes when nothing else is on its way, is the queue a ping would stand in. The window shrinks
while that queue is long and grows while it is short (delay-based congestion control, RFC 6817): a guest with
emulated crypto at 5 MB/s gets 128 KiB, two native processes a megabyte. Each decision rests on the shortest
time seen while one window's bytes arrived (a process that was not scheduled for a moment is no queue), and on
pieces sent while the window was in use: a short body says nothing of a queue it never made.

The way itself can be slow (a busy host, a remote libvirt): a window that took this for a queue would shrink
to its smallest and leave the way idle most of the time. So a short piece over an empty way tells how slow it
is, alone: a receiver that finds more behind it takes all at once and reports late. Where bulk flows without
end the way is let run empty for it now and then.
"""

from __future__ import annotations

from collections import deque

SMALLEST = 128 * 1024
LARGEST = 1024 * 1024
START = 256 * 1024
REPORTED = 16 * 1024
"""Arrivals are reported in steps of at least this many bytes: fewer in flight are as good as none."""
_PARTS = 2  # pieces that make up a window: while one is reported, the other is on its way
_LOW = 0.015  # seconds: below, there is room
_HIGH = 0.027
_EMPTY_EVERY = 5.0  # seconds between looks at the empty way


class Window:
    """Bytes in flight over all streams of one direction. Times are monotonic seconds."""

    def __init__(self) -> None:
        self.size = START
        self.flight = 0
        self._sent: deque[tuple[int, float, bool]] = (
            deque()
        )  # (total sent with it, when, whether it says much)
        self._total = 0
        self._arrived = 0
        self._shortest = float("inf")
        self._counts_from = 0  # what was sent before tells of the size before
        self._way = float("inf")  # seconds over the empty way, and no longer than any seen since
        self._probe = 0  # total sent after the piece that measures it; 0: none is on its way
        self._probed = float("-inf")
        self._emptying = False

    @property
    def room(self) -> int:
        """Bytes that may be sent now."""
        return 0 if self._emptying or self._probe else self.size - self.flight

    def piece(self, now: float) -> int:
        """The most bytes of the next frame. What measures the empty way is short: it takes no time itself."""
        return REPORTED if self.flight < REPORTED and self._due(now) else self.size // _PARTS

    def _due(self, now: float) -> bool:
        return now - self._probed > _EMPTY_EVERY

    def sent(self, count: int, now: float) -> None:
        """``count`` bytes left."""
        probes = self.flight < REPORTED and count == REPORTED and self._due(now)
        self._total += count
        self.flight += count
        self._sent.append((self._total, now, self.flight >= self.size * 3 // 4))
        if probes:
            self._probe, self._probed = self._total, now

    def arrived(self, count: int, now: float) -> None:
        """``count`` bytes more came out at the other end (never more than are in flight)."""
        count = min(count, self.flight)
        self.flight -= count
        self._arrived += count
        total, latest, telling = 0, now, False
        while self._sent and self._sent[0][0] <= self._arrived:
            total, latest, telling = self._sent.popleft()
            if total == self._probe:
                self._probe = 0
                self._way = min(now - latest, max(_LOW, 2 * self._way))  # one late report changes little
        if total:
            self._way = min(self._way, now - latest)
        if telling and total > self._counts_from:
            self._shortest = min(self._shortest, now - latest)
        if self._arrived >= self._counts_from + self.size and self._shortest != float("inf"):
            self._decide()
        self._emptying = self.flight >= REPORTED and (self._emptying or self._due(now))

    def _decide(self) -> None:
        queue = self._shortest - self._way
        if queue > _HIGH:
            self.size = max(SMALLEST, int(self.size * max(0.5, _HIGH / queue)))
        elif queue < _LOW:
            self.size = min(LARGEST, self.size * 2)
        self._shortest = float("inf")
        self._counts_from = self._total
