"""What a check may look at: one machine, through the doors of libneuron.system."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from libneuron.system.calls import Caller
from libneuron.system.clock import Clock
from libneuron.system.files import Root
from libneuron.system.runner import Runner
from libneuron.system.tables import Table
from libneuron.updates.health import Outcome


@dataclass(frozen=True)
class Subject:
    """The machine under examination. ``bus`` is None for a tree that does not run (a snapshot, a recording);
    ``limit`` is the seconds the present check may take. ``offline``: it was started for an update alone
    (systemd.offline-updates(7)), so that most services are meant to be down."""

    root: Root
    runner: Runner
    clock: Clock
    bus: Caller | None
    limit: float = 10.0
    offline: bool = False


Probe = Callable[[Subject], Outcome]
"""A check with its settings read: looks at a subject and says what it found."""

Kind = Callable[[Table], Probe]
"""Reads a check's own settings and returns the check; raises SystemAccessError table-invalid."""
