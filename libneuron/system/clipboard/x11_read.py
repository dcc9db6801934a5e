"""Reading another X11 client's selection: ConvertSelection, INCR, and a time limit for each step.

Every conversion uses a property of its own on our window. A property whose owner never answered stays
reserved: the late answer, when a stopped program wakes up, must not be taken for the answer to another
question, and is still acknowledged so that its sender can finish (ICCCM 2.7.2).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from libneuron.errors import Cancelled
from libneuron.progress import Progress
from libneuron.system.clipboard.errors import ClipboardError
from libneuron.system.clipboard.spool import Content, Spool
from libneuron.system.clipboard.x11_wire import Display, PropertyNotify, SelectionNotify

_PROPERTIES = 32  # conversions that may wait at the same time
_WHOLE = 1 << 25  # bytes of one property; the server's largest request is 16 MiB
_LOOK = 0.2  # seconds
SELECTION = "CLIPBOARD"

Done = Callable[[Content | Exception], None]


@dataclass
class _Transfer:
    target: int
    spool: Spool
    idle: float
    deadline: float
    done: Done
    progress: Progress | None
    incremental: bool = False


class X11Reader:
    """The conversions under way. Fed with events by the clipboard's thread; calls back on the same thread."""

    def __init__(self, display: Display, clock: Callable[[], float]) -> None:
        self._display = display
        self._clock = clock
        self._free = deque(display.atom(f"NEURON_CLIPBOARD_{number}") for number in range(_PROPERTIES))
        self._late: deque[int] = deque()
        self._running: dict[int, _Transfer] = {}
        self._incr = display.atom("INCR")

    def convert(
        self,
        target: str,
        *,
        time: int,
        spool: Spool,
        idle: float,
        done: Done,
        progress: Progress | None = None,
    ) -> None:
        """Ask for ``target``; ``done`` gets the content or the reason. ``idle``: seconds without any step."""
        if not self._free:
            if not self._late:
                done(ClipboardError("clipboard.owner-silent", details="too many conversions wait"))
                return
            self._free.append(self._late.popleft())  # the oldest; its owner has had its time many times over
        prop = self._free.popleft()
        atom = self._display.atom(target)
        self._running[prop] = _Transfer(atom, spool, idle, self._clock() + idle, done, progress)
        self._display.delete(self._display.window, prop)
        self._display.convert(SELECTION, atom, prop, time)

    def notified(self, event: SelectionNotify) -> None:
        """The owner answered a conversion."""
        prop = event.property
        if not prop:
            self._refused(event.target)
            return
        transfer = self._running.get(prop)
        if transfer is None or transfer.target != event.target:
            self._display.delete(self._display.window, prop)
            self._recover(prop)
            return
        value = self._display.get(self._display.window, prop, most=_WHOLE, delete=True)
        if value.type == self._incr:
            transfer.incremental = True
            transfer.deadline = self._clock() + transfer.idle
            size = value.words()[0] if value.words() else 0
            if transfer.progress is not None:
                transfer.progress.start(total=size or None, unit="bytes")
            self._guard(prop, lambda: transfer.spool.expect(size))
        elif value.type == 0:
            self._end(prop, ClipboardError("clipboard.refused"))
        elif self._guard(prop, lambda: self._take(transfer, value.data)):
            self._end(prop, transfer.spool.finish())

    def changed(self, event: PropertyNotify) -> None:
        """A property of our window got a value: the next piece of an incremental transfer."""
        if event.deleted:
            return
        prop = event.atom
        transfer = self._running.get(prop)
        if transfer is None:
            if prop in self._late:
                self._display.delete(self._display.window, prop)  # lets a late sender come to its end
            return
        if not transfer.incremental:
            return
        value = self._display.get(self._display.window, prop, most=_WHOLE, delete=True)
        if value.type == 0:
            return  # it was read together with an earlier event
        transfer.deadline = self._clock() + transfer.idle
        if not value.data:
            self._end(prop, transfer.spool.finish())
        else:
            self._guard(prop, lambda: self._take(transfer, value.data))

    def expire(self) -> float | None:
        """End what has waited too long or was cancelled; returns when to look again (clock seconds).

        A transfer that a person can cancel is looked at five times a second while it runs.
        """
        now = self._clock()
        for prop, transfer in list(self._running.items()):
            if transfer.progress is not None and transfer.progress.cancelled:
                self._fail(prop, Cancelled())
            elif transfer.deadline <= now:
                self._fail(prop, ClipboardError("clipboard.owner-silent"))
        return min(
            (
                transfer.deadline if transfer.progress is None else min(transfer.deadline, now + _LOOK)
                for transfer in self._running.values()
            ),
            default=None,
        )

    def abort(self, error: Exception) -> None:
        """End everything with ``error``."""
        for prop in list(self._running):
            self._fail(prop, error)

    def _take(self, transfer: _Transfer, data: bytes) -> None:
        transfer.spool.write(data)
        if transfer.progress is not None:
            transfer.progress.advance(len(data))

    def _guard(self, prop: int, step: Callable[[], None]) -> bool:
        try:
            step()
        except (ClipboardError, Cancelled) as error:
            self._fail(prop, error)
            return False
        return True

    def _refused(self, target: int) -> None:
        """The oldest conversion to ``target`` gets nothing: a refusal does not name the property."""
        prop = next((prop for prop, transfer in self._running.items() if transfer.target == target), None)
        if prop is not None:
            self._end(prop, ClipboardError("clipboard.refused"))

    def _recover(self, prop: int) -> None:
        if prop in self._late:
            self._late.remove(prop)
            self._late.append(prop)  # it may go on incrementally: use it again last

    def _end(self, prop: int, result: Content | Exception) -> None:
        transfer = self._running.pop(prop)
        self._free.append(prop)
        transfer.done(result)

    def _fail(self, prop: int, error: Exception) -> None:
        transfer = self._running.pop(prop)
        self._late.append(prop)
        transfer.spool.discard()
        transfer.done(error)
