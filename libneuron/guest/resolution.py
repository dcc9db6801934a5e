"""Which resolution the guest should have while a Looking Glass window is resized: decisions only, no I/O.

Time is monotonic seconds, sizes are pixels. :class:`Follower` takes events and returns actions; a driver
watches the window, sets the timer it is asked for and carries the actions out.

Sources: Looking Glass' memory formula and its client's 500 ms debounce (facts of the peer, see
ARCHITECTURE.md); a guest is asked again only when its answer to the last request has come, because peers
that did not wait saw modes "requested and rejected multiple times" (gnif/LookingGlass#567, #1059).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

DEBOUNCE = 0.4
"""Seconds a window must keep its size before the guest is asked to follow."""

_BYTES_PER_PIXEL = {False: 4, True: 8}  # SDR, HDR
_OVERHEAD_MIB = 10
_MIB = 1 << 20


@dataclass(frozen=True, order=True)
class Size:
    """Width and height in pixels."""

    width: int
    height: int


def shared_memory_mib(size: Size, *, hdr: bool = False) -> int:
    """MiB of IVSHMEM that Looking Glass needs for ``size``: two frames and 10 MiB, up to a power of two."""
    exact = size.width * size.height * _BYTES_PER_PIXEL[hdr] * 2 / _MIB + _OVERHEAD_MIB
    needed = 1
    while needed < exact:
        needed *= 2
    return needed


def nearest(modes: Sequence[Size], wanted: Size, *, memory_mib: int | None, hdr: bool = False) -> Size | None:
    """The mode to use in a window of ``wanted``: the largest that fits inside it, else the smallest of all.

    A mode inside the window is shown pixel for pixel; a larger one would be scaled down and blurred. Modes
    that do not fit the shared memory (``memory_mib``; None: no such limit) do not count. None where none is
    left.
    """
    usable = [mode for mode in modes if memory_mib is None or shared_memory_mib(mode, hdr=hdr) <= memory_mib]
    if not usable:
        return None
    inside = [mode for mode in usable if mode.width <= wanted.width and mode.height <= wanted.height]
    if inside:
        return max(inside, key=lambda mode: (mode.width * mode.height, mode.width))
    return min(usable, key=lambda mode: (mode.width * mode.height, mode.width))


class StandBack(Enum):
    """Why the follower leaves the guest alone."""

    OTHER_OWNER = "other-owner"
    """Looking Glass itself, another agent or the person resizes the guest: exactly one owner."""
    NO_MODE = "no-mode"
    """No mode of the guest fits into the shared memory."""
    MEMORY = "memory"
    """A mode nearer to the window would need more shared memory."""
    REFUSED = "refused"
    """The guest refused the mode."""


# What happens


@dataclass(frozen=True)
class Resized:
    """The window has (or opened with) this inner size."""

    size: Size
    at: float


@dataclass(frozen=True)
class Closed:
    """The window is gone."""

    at: float


@dataclass(frozen=True)
class Tick:
    """The timer that was asked for has come."""

    at: float


@dataclass(frozen=True)
class Answered:
    """The guest answered the last request: its mode now, and whether it did as asked.

    ``before`` is the mode it had when it was asked (None: unknown).
    """

    mode: Size
    done: bool
    at: float
    before: Size | None = None


@dataclass(frozen=True)
class Overruled:
    """The last request was not made: the guest has a mode that we did not give it."""

    at: float


Event = Resized | Closed | Tick | Answered | Overruled


# What to do


@dataclass(frozen=True)
class SetMode:
    """Ask the guest for this mode and report its answer; ``restore`` when it is the person's own again.

    Only if it still has the mode ``instead_of``, else report that we are overruled; None: whatever it has.
    """

    mode: Size
    restore: bool = False
    instead_of: Size | None = None


@dataclass(frozen=True)
class WakeAt:
    """Send a Tick at this time; replaces every earlier wish."""

    at: float


@dataclass(frozen=True)
class Say:
    """Tell the person why the guest does not (fully) follow; ``mib`` is the shared memory that would do.

    No reason: what was told last holds no longer.
    """

    reason: StandBack | None
    mib: int | None = None


_FOLLOWS = Say(None)

Action = SetMode | WakeAt | Say


class Follower:
    """Follows one window with one guest. ``modes`` are the guest's; ``current`` its mode when we began."""

    def __init__(
        self, *, modes: Sequence[Size], current: Size, memory_mib: int | None, hdr: bool = False
    ) -> None:
        self._modes = tuple(modes)
        self._memory = memory_mib
        self._hdr = hdr
        self._mode = current
        self._own = current  # what the person had before the window came
        self._window: Size | None = None
        self._due: float | None = None
        self._asked = current
        self._waiting = False  # for an answer
        self._restore = False
        self._opening = False  # nothing was asked for this window yet
        self._fresh = False  # the window has another size since we last looked for a mode
        self._overruled = False
        self._refused: set[Size] = set()
        self._said = _FOLLOWS

    def handle(self, event: Event) -> list[Action]:
        """Take one event; returns what to do now, in order."""
        if isinstance(event, Resized):
            return self._resized(event)
        if isinstance(event, Closed):
            return self._closed()
        if isinstance(event, Answered):
            return self._answered(event)
        if isinstance(event, Overruled):
            return self._overrule()
        return self._settle(event.at)

    def _resized(self, event: Resized) -> list[Action]:
        if self._window is None and not self._waiting and not self._restore:
            self._own = self._mode
            self._opening = True
        self._restore = False
        if event.size == self._window:
            return []
        self._window = event.size
        self._fresh = True
        self._due = event.at + DEBOUNCE
        return [WakeAt(self._due)]

    def _closed(self) -> list[Action]:
        self._window = None
        self._due = None
        self._restore = True
        return ([] if self._overruled else self._tell(_FOLLOWS)) + self._next()

    def _answered(self, event: Answered) -> list[Action]:
        self._waiting = False
        if self._opening and event.before is not None:
            self._own = event.before
        self._opening = False
        if not event.done:
            self._refused.add(self._asked)
        self._mode = event.mode
        said = self._tell(Say(StandBack.REFUSED)) if not event.done else []
        return said + self._settle(event.at)

    def _overrule(self) -> list[Action]:
        """For good: two that take turns would never let the screen rest. A new follower begins anew."""
        self._waiting = False
        self._overruled = True
        return self._tell(Say(StandBack.OTHER_OWNER))

    def _settle(self, now: float) -> list[Action]:
        if self._due is not None and now < self._due:
            return [WakeAt(self._due)]
        self._due = None
        return self._next()

    def _next(self) -> list[Action]:
        if self._waiting or self._overruled:
            return []
        if self._window is None:
            if self._restore and self._mode != self._own:
                return [self._ask(self._own, restore=True)]
            self._restore = False
            return []
        if self._due is not None:
            return []
        modes = [mode for mode in self._modes if mode not in self._refused]
        best = nearest(modes, self._window, memory_mib=self._memory, hdr=self._hdr)
        if best is None:
            return self._tell(Say(StandBack.NO_MODE, self._smallest()))
        ideal = nearest(modes, self._window, memory_mib=None)
        said: list[Action] = []
        if ideal is not None and ideal != best:
            said = self._tell(Say(StandBack.MEMORY, shared_memory_mib(ideal, hdr=self._hdr)))
        elif self._fresh:
            said = self._tell(_FOLLOWS)
        self._fresh = False
        return said if best == self._mode else [*said, self._ask(best)]

    def _ask(self, mode: Size, *, restore: bool = False) -> SetMode:
        self._waiting = True
        self._asked = mode
        self._restore = False  # one attempt: a guest that refuses its own old mode is not asked for ever
        return SetMode(mode, restore, None if self._opening else self._mode)

    def _smallest(self) -> int | None:
        return min((shared_memory_mib(mode, hdr=self._hdr) for mode in self._modes), default=None)

    def _tell(self, say: Say) -> list[Action]:
        if say == self._said:
            return []
        self._said = say
        return [say]
