"""Rolling back as one action each: look ahead, prepare and commit, give up, go on after a start."""

from __future__ import annotations

import contextlib
from contextlib import AbstractContextManager

from libneuron.errors import Cancelled, NeuronError
from libneuron.progress import Progress
from libneuron.system.inhibit import awake
from libneuron.updates import rollback
from libneuron.updates.bootplace import loader_for, place_of
from libneuron.updates.errors import UpdateError
from libneuron.updates.history import History, Rollback
from libneuron.updates.loader import BootPlace
from libneuron.updates.machine import Machine
from libneuron.updates.points import chosen_point
from libneuron.updates.preview import Preview, preview
from libneuron.updates.published import publish
from libneuron.updates.store import Store, open_store, reason
from libneuron.updates.verify import verifier
from libneuron.updates.volume import Volume


def _awake(machine: Machine) -> AbstractContextManager[bool]:
    return awake(machine.bus, who="Update Guardian", why="The system is being rolled back")


def _target(past: History, identity: str | None) -> tuple[str, str, BootPlace | None]:
    """(subvolume, update it undoes, where its kernels lay). "rN" names the system that roll back N replaced.

    Raises: UpdateError no-such-point.
    """
    if identity is not None and identity.startswith("r"):
        for item in past.rollbacks:
            if f"r{item.id}" == identity and item.outcome in ("restored", "unverified"):
                return rollback.replaced(item), "", place_of(item.loader)
        raise UpdateError("updates.no-such-point", name=identity)
    point = chosen_point(past, identity)
    return point.point, point.id, point.boot_place


def look_ahead(machine: Machine, identity: str | None) -> Preview:
    """What rolling back to ``identity`` (or the newest restore point) would do; changes nothing.

    Raises: UpdateError no-such-point, not-root, and why this machine cannot be rolled back.
    """
    with open_store(machine.root, machine.clock) as store:
        target, update, then = _target(store.history(), identity)
        volume, where = _volume(store), loader_for(machine.root, then)
        boot = rollback.boot_changes(volume, machine.root, boot_of=update or identity or "", loader=where)
        return preview(machine.root, machine.runner, volume, target=target, update=update, boot=boot)


def _volume(store: Store) -> Volume:
    if store.volume is None or store.obstacle is not None:
        raise store.obstacle or UpdateError("updates.not-root")
    return store.volume


def roll_back(
    machine: Machine,
    identity: str | None,
    *,
    automatic: bool = False,
    progress: Progress | None = None,
) -> Rollback:
    """Prepare and commit a roll back; it takes effect at the next start, and is verified then.

    Raises: UpdateError no-such-point, rollback-pending, target-unsound, no-space, snapshot-failed,
    rollback-failed, boot-elsewhere; Cancelled.
    """
    with _awake(machine), open_store(machine.root, machine.clock) as store:
        volume = _volume(store)
        past = store.history()
        target, update, then = _target(past, identity)
        rollback.plan(
            volume,
            store.journal,
            machine.root,
            target=target,
            update=update,
            automatic=automatic,
            boot_of=update or identity or "",
            loader=loader_for(machine.root, then),
        )
        known = frozenset(
            item
            for result in store.results(update, "before") or ()
            if result.id == "kernel"
            for item in result.outcome.items
        )
        try:
            done = rollback.drive(
                volume,
                store.journal,
                machine.root,
                running_uuid=store.running_uuid,
                verify=None,
                known=known,
                progress=progress,
                outside=machine.outside,
            )
        except (NeuronError, OSError, Cancelled) as error:
            _give_up(machine, store, volume)
            if isinstance(error, OSError):
                raise UpdateError("updates.rollback-failed", reason=reason(error)) from error
            raise
        bad = past.update(update)
        if bad is not None and bad.packages:
            newer = {name: pair[1] for name, pair in bad.packages.items() if pair[1]}
            store.journal.append("held", packages=newer)
        publish(machine, store)
        return done


def _give_up(machine: Machine, store: Store, volume: Volume) -> None:
    """What was refused, failed or cancelled must not happen by itself at the next start.

    What cannot be given up any more (it was committed, or the disk does not answer) stays pending.
    """
    with contextlib.suppress(NeuronError, OSError):
        if store.history().pending is not None:
            rollback.drop(volume, store.journal, machine.root, running_uuid=store.running_uuid)
        publish(machine, store)


def drop(machine: Machine) -> Rollback:
    """Give up a roll back that was not committed. Raises: UpdateError rollback-pending, none-open."""
    with open_store(machine.root, machine.clock) as store:
        if store.history().pending is None:
            raise UpdateError("updates.none-open")
        done = rollback.drop(_volume(store), store.journal, machine.root, running_uuid=store.running_uuid)
        publish(machine, store)
        return done


def resume(machine: Machine, *, early: bool = False) -> Rollback | None:
    """Take a pending roll back further after a start or an interruption; None where there is none.

    ``early``, before local file systems are mounted, only moves nested subvolumes and does not verify.
    """
    held = contextlib.nullcontext() if early else _awake(machine)  # early in a start there is no bus yet
    with held, open_store(machine.root, machine.clock) as store:
        if store.volume is None or store.history().pending is None:
            return None
        verify = None if early else verifier(machine, store)
        done = rollback.drive(
            store.volume, store.journal, machine.root, running_uuid=store.running_uuid, verify=verify
        )
        publish(machine, store)
        return done
