"""An update from its beginning to its verdict: baseline and snapshot before, checks after. Fails closed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from libneuron.progress import Progress
from libneuron.system.files import write_atomic
from libneuron.updates import bootfiles, foreign, retention
from libneuron.updates.bootplace import boot_place
from libneuron.updates.errors import UpdateError
from libneuron.updates.examine import examine
from libneuron.updates.health import Result, filled
from libneuron.updates.history import History, Stage
from libneuron.updates.judging import Judged, as_json, judge
from libneuron.updates.machine import Machine
from libneuron.updates.packagelist import difference, installed
from libneuron.updates.published import publish
from libneuron.updates.store import FATAL, SNAPSHOTS, Store, open_store, reason
from libneuron.updates.volume import POINTS

UNJUDGED = "/etc/neuron/update-unjudged"
"""Lies there from the end of an update to its first complete start, where automatic roll back is on."""


@dataclass(frozen=True)
class Begun:
    """What ``begin`` came to. ``joined``: it belongs to an update already in progress; ``obstacle``: why
    there is no way back, "" where there is one."""

    update: str
    joined: bool
    obstacle: str


def begin(
    machine: Machine,
    *,
    tool: str,
    leader: str = "",
    incoming: Mapping[str, str] | None = None,
    without_snapshot: bool = False,
    progress: Progress | None = None,
) -> Begun:
    """Before an update: results, packages, snapshot and boot files are kept. Fails closed.

    ``leader`` names the program that started several package manager runs (unattended-upgrades, an AUR
    helper): runs with the same leader are one update. ``incoming`` are versions about to be installed,
    where known.

    Raises: UpdateError snapshot-failed, swapfile, no-space, held, rollback-pending, foreign-root,
    not-root, busy.
    """
    with open_store(machine.root, machine.clock) as store:
        past = store.history()
        if past.pending is not None:
            raise UpdateError("updates.rollback-pending")
        joined = _join(machine, store, past, leader)
        if joined is not None:
            return Begun(joined, joined=True, obstacle="")
        again = [
            f"{name} {version}"
            for name, version in (incoming or {}).items()
            if past.held.get(name) == version
        ]
        if again and not without_snapshot:
            raise UpdateError("updates.held", packages=", ".join(again))
        identity = past.next_id
        offline = machine.offline
        store.journal.append(
            "update-beginning", id=identity, tool=tool, leader=leader, boot=machine.boot, offline=offline
        )
        results = examine(machine.checks(), machine.subject(offline=offline), progress)
        if offline:
            results = filled(results, _last_seen(store, past))
        store.save(identity, "before", as_json(results))
        store.save(identity, "packages", installed(machine.root, machine.runner) or {})
        obstacle = ""
        pair: foreign.SnapperPair | None = None
        try:
            point = _snapshot(machine, store, identity)
            pair = foreign.snapper_before(machine.root, machine.bus, update=identity)
        except (UpdateError, OSError) as error:
            if not without_snapshot:
                _discard(store, identity)
                store.journal.append("update-abandoned", id=identity, reason=reason(error))
                if isinstance(error, UpdateError):
                    raise
                raise UpdateError("updates.snapshot-failed", reason=reason(error)) from error
            point, obstacle = {}, reason(error)
        if not obstacle and store.obstacle is not None:
            obstacle = store.obstacle.sentence()
        taken = {"snapper": [pair.config, pair.number]} if pair is not None else {}
        store.journal.append("update-begun", id=identity, overridden=obstacle, **taken, **point)
        _thin(machine, store)
        publish(machine, store)
    return Begun(identity, joined=False, obstacle=obstacle)


def _last_seen(store: Store, past: History) -> tuple[Result, ...]:
    """The newest results of an ordinary start."""
    for item in reversed(past.updates):
        for moment in ("boot", "before") if item.offline else ("boot", "end", "before"):
            found = store.results(item.id, moment)
            if found is not None:
                return found
    return ()


def _join(machine: Machine, store: Store, past: History, leader: str) -> str | None:
    """The update that this run belongs to, reopened if need be."""
    current = past.open
    if current is not None:
        if current.boot == machine.boot and current.stage is Stage.OPEN:
            return current.id
        store.journal.append("update-abandoned", id=current.id, reason="interrupted")
        return None
    last = past.updates[-1] if past.updates else None
    same = last is not None and leader and last.leader == leader and last.boot == machine.boot
    if last is not None and same and last.stage is Stage.ENDED:
        store.journal.append("update-reopened", id=last.id)
        return last.id
    return None


def _snapshot(machine: Machine, store: Store, identity: str) -> dict[str, Any]:
    code = store.obstacle.code if store.obstacle is not None else ""
    if store.obstacle is not None and code in FATAL:
        raise store.obstacle
    if store.volume is None or (code and code not in SNAPSHOTS):
        return {}
    floor = machine.settings.free_mib << 20
    free = store.volume.free()
    if free < floor:
        raise UpdateError(
            "updates.no-space",
            needed=f"{machine.settings.free_mib} MiB",
            place="the system's disk",
            free=f"{free >> 20} MiB",
        )
    target = f"{POINTS}/{identity}"
    store.volume.snapshot(store.volume.layout.path, target, readonly=True)
    bootfiles.keep(machine.root, store.folder(identity) / "boot")
    store.volume.sync()
    place = asdict(boot_place(machine.root))
    return {"point": target, "point_uuid": store.volume.uuid(target) or "", "boot_place": place}


def _discard(store: Store, identity: str) -> None:
    """Remove the snapshot of an update that does not start."""
    point = f"{POINTS}/{identity}"
    if store.volume is not None and store.volume.uuid(point) is not None:
        store.volume.delete(point)


def _thin(machine: Machine, store: Store) -> None:
    """Remove the oldest restore points that may go."""
    past = store.history()
    used = frozenset({past.pending.update} if past.pending is not None else set())
    for item in retention.removable(past.updates, keep=machine.settings.keep, in_use=used):
        if store.volume is not None and store.volume.uuid(item.point) == item.point_uuid:
            store.volume.delete(item.point)
        store.journal.append("point-removed", id=item.id)


def end(machine: Machine, *, progress: Progress | None = None) -> Judged:
    """After an update: the same checks, what changed, and the verdict. Raises: UpdateError none-open."""
    with open_store(machine.root, machine.clock) as store:
        current = store.history().open
        if current is None:
            raise UpdateError("updates.none-open")
        packages = difference(store.packages(current.id) or {}, installed(machine.root, machine.runner) or {})
        judged = judge(machine, store, current.id, "end", progress, offline=current.offline)
        store.journal.append(
            "update-ended", id=current.id, packages={name: list(pair) for name, pair in packages.items()}
        )
        if current.snapper is not None:
            foreign.snapper_after(machine.bus, foreign.SnapperPair(*current.snapper))
        flag_unjudged(machine, unjudged=machine.settings.automatic)
        publish(machine, store)
    return Judged(current.id, judged.results, judged.verdict, packages)


def flag_unjudged(machine: Machine, *, unjudged: bool) -> None:
    """Tell the early unit of the next starts whether there is something to count."""
    flag = machine.root.path(UNJUDGED)
    if unjudged:
        flag.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        write_atomic(flag, b"Update Guardian: starts are counted until the update is judged.\n")
    else:
        flag.unlink(missing_ok=True)


def confirm(machine: Machine, identity: str | None = None, *, release_held: bool = False) -> str:
    """A person says that the last update (or ``identity``) is good, or lets held versions in again.

    Raises: UpdateError none-open, no-such-point.
    """
    with open_store(machine.root, machine.clock) as store:
        past = store.history()
        if release_held:
            store.journal.append("released")
        ended = [item for item in past.updates if item.stage is Stage.ENDED]
        chosen = past.update(identity) if identity else (ended[-1] if ended else None)
        if chosen is None and not release_held:
            raise (
                UpdateError("updates.no-such-point", name=identity)
                if identity
                else UpdateError("updates.none-open")
            )
        if chosen is not None:
            store.journal.append("update-confirmed", id=chosen.id)
        publish(machine, store)
    return chosen.id if chosen is not None else ""
