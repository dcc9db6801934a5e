"""Restore points as a person handles them."""

from __future__ import annotations

from libneuron.updates.errors import UpdateError
from libneuron.updates.history import History, Update
from libneuron.updates.machine import Machine
from libneuron.updates.published import publish
from libneuron.updates.store import open_store


def chosen_point(past: History, identity: str | None) -> Update:
    """The update whose restore point ``identity`` names, or the newest.

    Raises: UpdateError no-such-point.
    """
    there = [item for item in past.updates if item.point and not item.removed]
    found = next((item for item in reversed(there) if identity in (None, item.id)), None)
    if found is None:
        raise UpdateError("updates.no-such-point", name=identity or "")
    return found


def pin(machine: Machine, identity: str, *, pinned: bool) -> None:
    """Keep a restore point for ever, or no longer. Raises: UpdateError no-such-point."""
    with open_store(machine.root, machine.clock) as store:
        chosen_point(store.history(), identity)
        store.journal.append("point-pinned", id=identity, pinned=pinned)
        publish(machine, store)
