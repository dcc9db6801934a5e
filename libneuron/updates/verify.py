"""The proof after the restart: without it nothing is called restored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from libneuron.system.files import Root
from libneuron.updates.examine import examine
from libneuron.updates.health import compare
from libneuron.updates.history import Rollback
from libneuron.updates.kinds.kernel import modules_problem
from libneuron.updates.packagelist import difference, installed
from libneuron.updates.rollback import Verified, Verify, boot_wrong, new_root
from libneuron.updates.store import Store

if TYPE_CHECKING:
    from libneuron.updates.machine import Machine


def verifier(machine: Machine, store: Store) -> Verify:
    """The verification for :func:`libneuron.updates.rollback.drive`, with what it needs at hand."""

    def verify(done: Rollback) -> Verified:
        wrong = [*_lineage(store, done), *_packages(machine, store, done), *_health(machine, store, done)]
        if store.volume is not None:
            wrong += boot_wrong(store.volume, machine.root, done)
        return Verified(tuple(wrong))

    return verify


def _lineage(store: Store, done: Rollback) -> list[str]:
    """The running root is the prepared one, and that one is a snapshot of the restore point."""
    if store.volume is None:
        return ["the file system could not be read"]
    wrong = []
    if store.running_uuid != done.ready_uuid:
        wrong.append("another system is running than the restored one")
    if store.volume.parent_uuid(new_root(done)) != done.target_uuid:
        wrong.append("the running system does not stem from the restore point")
    return wrong


def _packages(machine: Machine, store: Store, done: Rollback) -> list[str]:
    if store.volume is None or store.volume.uuid(done.target) is None:
        return []
    expected = installed(Root(store.volume.path(done.target)), machine.runner) or {}
    differs = difference(expected, installed(machine.root, machine.runner) or {})
    return [f"packages differ from the restore point: {', '.join(sorted(differs)[:5])}"] if differs else []


def _health(machine: Machine, store: Store, done: Rollback) -> list[str]:
    wrong = []
    release = machine.root.text("/proc/sys/kernel/osrelease")
    if release and machine.root.names("/usr/lib/modules"):
        problem = modules_problem(machine.root, release)
        wrong += [f"the running kernel {release} {problem}"] if problem else []
    before = store.results(done.update, "before") if done.update else None
    if before is not None:
        verdict = compare(before, examine(machine.checks(), machine.subject()))
        wrong += [f"check {item.id}: {', '.join(item.items) or 'fails'}" for item in verdict.worse]
        wrong += [f"check {name} could not be made" for name in verdict.undecided]
    return wrong
