"""The Update Guardian's actions, each one function from a machine to a value; faces render the values."""

from __future__ import annotations

import os

from libneuron.updates.errors import UpdateError
from libneuron.updates.history import History
from libneuron.updates.judging import Judged, baseline_of, check, read_baseline
from libneuron.updates.machine import Machine
from libneuron.updates.packagelist import difference, installed
from libneuron.updates.points import holdings, others, pin
from libneuron.updates.reverting import drop, look_ahead, resume, roll_back
from libneuron.updates.singles import changed_files, restore_file
from libneuron.updates.starts import after_start, early_start, fall_back
from libneuron.updates.store import open_store
from libneuron.updates.transaction import Begun, begin, confirm, end

__all__ = [
    "Begun",
    "Judged",
    "Machine",
    "after_start",
    "baseline_of",
    "begin",
    "changed_files",
    "changes",
    "check",
    "confirm",
    "drop",
    "early_start",
    "end",
    "fall_back",
    "history",
    "holdings",
    "is_administrator",
    "look_ahead",
    "others",
    "pin",
    "read_baseline",
    "restore_file",
    "resume",
    "roll_back",
]


def history(machine: Machine) -> History:
    """Everything recorded. Raises: UpdateError not-root, busy."""
    with open_store(machine.root, machine.clock) as store:
        return store.history()


def changes(machine: Machine, one: str, other: str) -> dict[str, tuple[str, str]]:
    """Packages that differ between two restore points, or "now". Raises: UpdateError no-such-point."""
    with open_store(machine.root, machine.clock) as store:
        lists = []
        for name in (one, other):
            found = (
                installed(machine.root, machine.runner)
                if name == "now"
                else (store.packages(name) if name.isdigit() else None)
            )
            if found is None:
                raise UpdateError("updates.no-such-point", name=name)
            lists.append(found)
    return difference(lists[0], lists[1])


def is_administrator() -> bool:
    """Whether this process may open the store."""
    return os.geteuid() == 0
