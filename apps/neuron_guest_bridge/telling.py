"""What is worth a notification. Pure."""

from __future__ import annotations

from libneuron.guest.state import State
from neuron_guest_bridge.activity import Line, What
from neuron_guest_bridge.machines import Machine, Snapshot

_NEEDS_SOMEBODY = (State.NOT_PAIRED, State.IN_USE, State.INCOMPATIBLE, State.FAILED)


def is_news(line: Line) -> bool:
    """Whether a line of activity tells of something that the person expects otherwise."""
    return line.what is What.COPY_WITHHELD or (line.what is What.COPY_FAILED and line.detail != "cancelled")


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
