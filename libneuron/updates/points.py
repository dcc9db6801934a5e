"""Restore points as a person handles them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from libneuron.updates import foreign
from libneuron.updates.differing import own_bytes
from libneuron.updates.errors import UpdateError
from libneuron.updates.history import History, Update
from libneuron.updates.machine import Machine
from libneuron.updates.published import publish
from libneuron.updates.store import Store, open_store


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


@dataclass(frozen=True)
class Holdings:
    """What lies on the disk: update → bytes that its restore point takes for itself, about; how much is free;
    and the snapshots of other programs."""

    space: dict[str, int]
    free: int
    others: tuple[foreign.ForeignSnapshot, ...]

    def as_json(self) -> dict[str, Any]:
        """For ``--json``, the helper and the window."""
        return {
            "space": self.space,
            "free": self.free,
            "others": [item.as_json() for item in self.others],
        }


def holdings(machine: Machine) -> Holdings:
    """Look what restore points take, and what snapper and Timeshift have.

    Raises: UpdateError not-root, busy; OSError.
    """
    space: dict[str, int] = {}
    free = 0
    with open_store(machine.root, machine.clock) as store:
        if store.volume is not None:
            free = store.volume.free()
            for item in store.history().updates:
                if item.point and not item.removed and store.volume.uuid(item.point) == item.point_uuid:
                    space[item.id] = own_bytes(store.volume, item.point, store.folder(item.id) / "boot")
        return Holdings(space, free, _others(machine, store))


def _others(machine: Machine, store: Store) -> tuple[foreign.ForeignSnapshot, ...]:
    timeshift = foreign.timeshift_snapshots(store.volume) if store.volume is not None else ()
    return (*foreign.snapper_snapshots(machine.root, machine.bus), *timeshift)


def others(machine: Machine) -> tuple[foreign.ForeignSnapshot, ...]:
    """Snapshots that snapper and Timeshift made. Raises: UpdateError not-root, busy."""
    with open_store(machine.root, machine.clock) as store:
        return _others(machine, store)
