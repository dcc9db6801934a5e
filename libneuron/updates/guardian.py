"""The Update Guardian's actions, each one function from a machine to a value; faces render the values."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from libneuron.progress import Progress
from libneuron.system.calls import Caller
from libneuron.system.clock import Clock
from libneuron.system.files import Root, write_atomic
from libneuron.system.runner import Runner
from libneuron.updates import bootfiles, foreign, retention, rollback
from libneuron.updates.checks import Check, load_checks
from libneuron.updates.errors import UpdateError
from libneuron.updates.examine import examine
from libneuron.updates.health import Result, Verdict, compare, results_from_json
from libneuron.updates.history import History, Rollback, Stage, Update
from libneuron.updates.packagelist import difference, installed
from libneuron.updates.preview import Preview, preview
from libneuron.updates.published import publish
from libneuron.updates.settings import Settings
from libneuron.updates.store import FATAL, SNAPSHOTS, Store, open_store, reason, separate_loader
from libneuron.updates.subject import Subject
from libneuron.updates.verify import verifier
from libneuron.updates.volume import POINTS, Volume

UNJUDGED = "/etc/neuron/update-unjudged"
"""Lies there from the end of an update to its first complete start, where automatic roll back is on."""


@dataclass(frozen=True)
class Machine:
    """The machine to guard and the doors to it. ``shipped`` is the table of checks;
    ``confined``: we run inside a service's walls, where foreign programs are not started."""

    root: Root
    runner: Runner
    clock: Clock
    bus: Caller | None
    shipped: Path
    settings: Settings = field(default_factory=Settings)
    confined: bool = False

    @property
    def boot(self) -> str:
        """This start's id, "" where the kernel does not say."""
        return self.root.text("/proc/sys/kernel/random/boot_id") or ""

    def subject(self) -> Subject:
        """The machine as checks see it."""
        return Subject(self.root, self.runner, self.clock, self.bus)

    def checks(self) -> tuple[Check, ...]:
        """The checks of this machine. Raises: SystemAccessError table-invalid."""
        return load_checks(self.shipped, self.root, programs=not self.confined)


@dataclass(frozen=True)
class Begun:
    """What ``begin`` came to. ``joined``: it belongs to an update already in progress; ``obstacle``: why
    there is no way back, "" where there is one."""

    update: str
    joined: bool
    obstacle: str


@dataclass(frozen=True)
class Judged:
    """Check results and what they mean."""

    update: str
    results: tuple[Result, ...]
    verdict: Verdict
    packages: Mapping[str, tuple[str, str]] = field(default_factory=dict)


def read_baseline(path: Path) -> tuple[Result, ...]:
    """Results from a file that ``check --json`` wrote. Raises: UpdateError baseline-invalid."""
    try:
        data = json.loads(path.read_bytes())
        return results_from_json(data["checks"] if isinstance(data, dict) else data)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UpdateError("updates.baseline-invalid", name=str(path), details=repr(error)) from error


def check(machine: Machine, baseline: tuple[Result, ...] | None, progress: Progress | None = None) -> Judged:
    """Run all checks and compare with ``baseline``. Needs no root; what cannot be seen is unknown."""
    results = examine(machine.checks(), machine.subject(), progress)
    return Judged("", results, compare(baseline, results))


def baseline_of(machine: Machine, identity: str) -> tuple[Result, ...]:
    """The results from before the update ``identity``. Raises: UpdateError no-such-point, not-root."""
    with open_store(machine.root, machine.clock) as store:
        found = store.results(identity, "before") if identity.isdigit() else None
    if found is None:
        raise UpdateError("updates.no-such-point", name=identity)
    return found


def _as_json(results: tuple[Result, ...]) -> list[dict[str, Any]]:
    return [result.as_json() for result in results]


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
        store.journal.append("update-beginning", id=identity, tool=tool, leader=leader, boot=machine.boot)
        results = examine(machine.checks(), machine.subject(), progress)
        store.save(identity, "before", _as_json(results))
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


def _snapshot(machine: Machine, store: Store, identity: str) -> dict[str, str]:
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
    return {"point": target, "point_uuid": store.volume.uuid(target) or ""}


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
        judged = _judge(machine, store, current.id, "end", progress)
        store.journal.append(
            "update-ended", id=current.id, packages={name: list(pair) for name, pair in packages.items()}
        )
        if current.snapper is not None:
            foreign.snapper_after(machine.bus, foreign.SnapperPair(*current.snapper))
        _flag_unjudged(machine, unjudged=machine.settings.automatic)
        publish(machine, store)
    return Judged(current.id, judged.results, judged.verdict, packages)


def _flag_unjudged(machine: Machine, *, unjudged: bool) -> None:
    """Tell the early unit of the next starts whether there is something to count."""
    flag = machine.root.path(UNJUDGED)
    if unjudged:
        flag.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        write_atomic(flag, b"Update Guardian: starts are counted until the update is judged.\n")
    else:
        flag.unlink(missing_ok=True)


def _judge(machine: Machine, store: Store, identity: str, when: str, progress: Progress | None) -> Judged:
    before = store.results(identity, "before")
    results = examine(machine.checks(), machine.subject(), progress)
    verdict = compare(before, results)
    store.save(identity, when, _as_json(results))
    store.journal.append("verdict", id=identity, when=when, verdict=verdict.as_json())
    return Judged(identity, results, verdict)


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


def pin(machine: Machine, identity: str, *, pinned: bool) -> None:
    """Keep a restore point for ever, or no longer. Raises: UpdateError no-such-point."""
    with open_store(machine.root, machine.clock) as store:
        _point(store.history(), identity)
        store.journal.append("point-pinned", id=identity, pinned=pinned)
        publish(machine, store)


def _point(past: History, identity: str | None) -> Update:
    there = [item for item in past.updates if item.point and not item.removed]
    found = next((item for item in reversed(there) if identity in (None, item.id)), None)
    if found is None:
        raise UpdateError("updates.no-such-point", name=identity or "")
    return found


def _target(past: History, identity: str | None) -> tuple[str, str]:
    """(subvolume, update it undoes). "rN" names the system that roll back N replaced.

    Raises: UpdateError no-such-point.
    """
    if identity is not None and identity.startswith("r"):
        for item in past.rollbacks:
            if f"r{item.id}" == identity and item.outcome in ("restored", "unverified"):
                return rollback.replaced(item), ""
        raise UpdateError("updates.no-such-point", name=identity)
    point = _point(past, identity)
    return point.point, point.id


def look_ahead(machine: Machine, identity: str | None) -> Preview:
    """What rolling back to ``identity`` (or the newest restore point) would do; changes nothing.

    Raises: UpdateError no-such-point, not-root, and why this machine cannot be rolled back.
    """
    with open_store(machine.root, machine.clock) as store:
        target, update = _target(store.history(), identity)
        volume, where = _volume(store), separate_loader(machine.root)
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

    Raises: UpdateError no-such-point, rollback-pending, target-unsound, no-space, snapshot-failed; Cancelled.
    """
    with open_store(machine.root, machine.clock) as store:
        volume = _volume(store)
        past = store.history()
        target, update = _target(past, identity)
        rollback.plan(
            volume,
            store.journal,
            machine.root,
            target=target,
            update=update,
            automatic=automatic,
            boot_of=update or identity or "",
            loader=separate_loader(machine.root),
        )
        known = frozenset(
            item
            for result in store.results(update, "before") or ()
            if result.id == "kernel"
            for item in result.outcome.items
        )
        done = rollback.drive(
            volume,
            store.journal,
            machine.root,
            running_uuid=store.running_uuid,
            verify=None,
            known=known,
            progress=progress,
        )
        bad = past.update(update)
        if bad is not None and bad.packages:
            newer = {name: pair[1] for name, pair in bad.packages.items() if pair[1]}
            store.journal.append("held", packages=newer)
        publish(machine, store)
        return done


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
    with open_store(machine.root, machine.clock) as store:
        if store.volume is None or store.history().pending is None:
            return None
        verify = None if early else verifier(machine, store)
        done = rollback.drive(
            store.volume, store.journal, machine.root, running_uuid=store.running_uuid, verify=verify
        )
        publish(machine, store)
        return done


def early_start(machine: Machine) -> bool:
    """Early in a start: bring nested subvolumes along after a roll back, and count the start of an
    update that nobody judged yet. True where too many did not complete: the update was rolled back,
    restart to take effect.

    An update is rolled back automatically once; what comes after is for a person to decide, so it never
    loops.
    """
    resume(machine, early=True)
    if not machine.settings.automatic:
        return False
    with open_store(machine.root, machine.clock) as store:
        last = _unjudged(machine, store)
        if last is None or last.complete or store.obstacle is not None or not last.point or last.removed:
            return False
        if any(item.update == last.id for item in store.history().rollbacks):
            return False
        store.journal.append("start-begun", id=last.id, boot=machine.boot)
        counted = store.history().update(last.id)
        if counted is None or counted.starts <= machine.settings.attempts:
            return False
    roll_back(machine, last.id, automatic=True)
    return True


def _unjudged(machine: Machine, store: Store) -> Update | None:
    """The newest update if it ended before this start and nobody said yet that it is good."""
    past = store.history()
    last = past.updates[-1] if past.updates else None
    if last is None or last.stage is not Stage.ENDED or last.boot == machine.boot:
        return None
    return last


def after_start(machine: Machine, *, progress: Progress | None = None) -> Judged | None:
    """After the first start with an update: judge again; a healthy one is confirmed. None where there is
    none.
    """
    with open_store(machine.root, machine.clock) as store:
        last = _unjudged(machine, store)
        judged = None
        if last is not None:
            store.journal.append("start-complete", id=last.id)
            judged = _judge(machine, store, last.id, "boot", progress)
            if judged.verdict.healthy:
                store.journal.append("update-confirmed", id=last.id)
            _flag_unjudged(machine, unjudged=False)
        publish(machine, store)
        return judged


def history(machine: Machine) -> History:
    """Everything recorded. Raises: UpdateError not-root, busy."""
    with open_store(machine.root, machine.clock) as store:
        return store.history()


def others(machine: Machine) -> tuple[foreign.ForeignSnapshot, ...]:
    """Snapshots that snapper and Timeshift made. Raises: UpdateError not-root, busy."""
    with open_store(machine.root, machine.clock) as store:
        timeshift = foreign.timeshift_snapshots(store.volume) if store.volume is not None else ()
    return (*foreign.snapper_snapshots(machine.root, machine.bus), *timeshift)


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
