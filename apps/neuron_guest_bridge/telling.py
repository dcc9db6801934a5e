"""What is worth a notification. Pure."""

from __future__ import annotations

from collections.abc import Callable

from libneuron.guest.state import State
from neuron_guest_bridge.activity import Line, What
from neuron_guest_bridge.machines import Machine, Snapshot

_NEEDS_SOMEBODY = (State.NOT_PAIRED, State.IN_USE, State.INCOMPATIBLE, State.FAILED)
_APART = 10.0  # seconds between two notifications of the same kind


def is_news(line: Line) -> bool:
    """Whether a line of activity tells of something that the person expects otherwise."""
    return line.what is What.COPY_WITHHELD or (line.what is What.COPY_FAILED and line.detail != "cancelled")


class Calm:
    """Keeps notifications apart: a guest can cause them as fast as it likes. ``clock``: monotonic seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._told: dict[tuple[str, str], float] = {}

    def may(self, title: str, machine: str) -> bool:
        """Whether one more with this ``title`` about ``machine`` is shown now."""
        now = self._clock()
        if now - self._told.get((title, machine), float("-inf")) < _APART:
            return False
        self._told[title, machine] = now
        return True


class Troubles:
    """Machines that worked and now wait for somebody: each once, until it works again."""

    def __init__(self) -> None:
        self._worked: set[str] = set()

    def new(self, snapshot: Snapshot) -> tuple[Machine, ...]:
        """Those that ``snapshot`` adds."""
        found = tuple(
            machine
            for machine in snapshot.machines
            if machine.id in self._worked and machine.state in _NEEDS_SOMEBODY
        )
        self._worked -= {machine.id for machine in found}
        self._worked |= {machine.id for machine in snapshot.machines if machine.ready}
        return found
