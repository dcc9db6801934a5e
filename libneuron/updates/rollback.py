"""Drives a roll back: looks, asks the machine of rollback_machine for the next step, does it, looks again."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from libneuron.progress import Progress
from libneuron.system.files import Root
from libneuron.system.runner import Runner
from libneuron.updates.bootstage import BootChanges, Stage
from libneuron.updates.errors import UpdateError
from libneuron.updates.history import Rollback, fold
from libneuron.updates.journal import Journal
from libneuron.updates.layout import Switch
from libneuron.updates.loader import Loader
from libneuron.updates.rollback_machine import Seen, Step, decide
from libneuron.updates.rollback_steps import (
    PENDING,
    boot_folder,
    change,
    inside,
    move_nested,
    sides,
    stage_of,
)
from libneuron.updates.volume import ROOTS, Volume


@dataclass(frozen=True)
class Verified:
    """What the check after the restart found; no problems means restored."""

    problems: tuple[str, ...]


_LATE = (Step.VERIFY, Step.SETTLE_ROOT, Step.SETTLE_BOOT, Step.SWITCH_BACK, Step.CLEAR)
"""Steps that a start must have completed for."""

Verify = Callable[[Rollback], Verified]


def boot_changes(volume: Volume, root: Root, *, boot_of: str, loader: Loader | None) -> BootChanges:
    """What a boot partition of its own would get back and lose."""
    if loader is None:
        return BootChanges()
    wanted = boot_folder(volume, boot_of)
    return Stage(root, loader, "0", wanted=wanted, present=wanted).changes()


def boot_wrong(volume: Volume, root: Root, rollback: Rollback) -> list[str]:
    """Boot files that are not the restore point's, for the proof after the restart."""
    stage = stage_of(volume, root, rollback)
    return [] if stage is None else stage.wrong()


def plan(
    volume: Volume,
    journal: Journal,
    root: Root,
    *,
    target: str,
    update: str,
    automatic: bool,
    boot_of: str = "",
    loader: Loader | None = None,
) -> Rollback:
    """Record the intention to make the subvolume at ``target`` the root; nothing else is changed yet.

    ``boot_of`` names whose kept boot files belong to ``target``; they count where ``loader`` is given.

    Raises: UpdateError rollback-pending, no-such-point; target-unsound, no-space where boot files must be
    switched as well.
    """
    past = fold(journal.read().events)
    if past.pending is not None:
        raise UpdateError("updates.rollback-pending")
    target_uuid = volume.uuid(target)
    root_uuid = root_seen(volume, volume.layout.switch, volume.layout.path)
    if target_uuid is None or root_uuid is None:
        raise UpdateError("updates.no-such-point", name=target)
    planned = Rollback(
        id=past.next_id,
        at=datetime.now(UTC),
        target=target,
        target_uuid=target_uuid,
        root=volume.layout.path,
        root_uuid=root_uuid,
        staged=f"{ROOTS}/{past.next_id}",
        switch=volume.layout.switch,
        nested=volume.nested(volume.layout.path),
        update=update,
        automatic=automatic,
        loader=loader,
        boot_of=boot_of,
    )
    stage = stage_of(volume, root, planned)
    if stage is not None:
        stage.check()
        stage.keep_present()
    journal.append(
        "rollback-planned",
        id=planned.id,
        target=planned.target,
        target_uuid=planned.target_uuid,
        root=planned.root,
        root_uuid=planned.root_uuid,
        staged=planned.staged,
        switch=planned.switch.value,
        nested=list(planned.nested),
        update=planned.update,
        automatic=planned.automatic,
        loader=asdict(loader) if loader is not None else None,
        boot_of=planned.boot_of,
    )
    return _current(journal)


def _current(journal: Journal) -> Rollback:
    return fold(journal.read().events).rollbacks[-1]


def root_seen(volume: Volume, switch: Switch, root: str) -> str | None:
    """The uuid of what the next start will use."""
    return volume.default_uuid(root) if switch is Switch.DEFAULT else volume.uuid(root)


def replaced(rollback: Rollback) -> str:
    """Where the replaced root lies after the commit."""
    return rollback.staged if rollback.switch is Switch.EXCHANGE else rollback.root


def new_root(rollback: Rollback) -> str:
    """Where the new root lies after the commit."""
    return rollback.root if rollback.switch is Switch.EXCHANGE else rollback.staged


def look(
    volume: Volume,
    root: Root,
    rollback: Rollback,
    running_uuid: str | None,
    stuck: frozenset[str] = frozenset(),
) -> Seen:
    """What is on the disk now; ``stuck`` are nested subvolumes that cannot be moved."""
    root_uuid = root_seen(volume, rollback.switch, rollback.root)
    stage = stage_of(volume, root, rollback)
    new = running_uuid if stage is not None else root_uuid
    left: tuple[str, ...] = ()
    old = sides(volume, rollback)[0]
    if rollback.ready_uuid is not None and new == rollback.ready_uuid and volume.uuid(old) is not None:
        present = set(volume.nested(old))
        left = tuple(name for name in rollback.nested if name in present and name not in stuck)
    boot = stage.seen() if stage is not None else None
    return Seen(root_uuid, volume.uuid(rollback.staged), running_uuid, left, boot)


def drive(
    volume: Volume,
    journal: Journal,
    root: Root,
    *,
    running_uuid: str | None,
    verify: Verify | None,
    known: frozenset[str] = frozenset(),
    progress: Progress | None = None,
    outside: Runner | None = None,
) -> Rollback:
    """Take the pending roll back as far as it can go now: to the restart, or to its end after it.

    ``verify`` None stops before the verification (early in a start there is nothing to check yet);
    ``known`` are kernel problems that the restore point had when it was made and that nobody minded; see
    :mod:`libneuron.updates.outside` for ``outside``.

    Raises: UpdateError changed-meanwhile, target-unsound, snapshot-failed; OSError; Cancelled before the
    commit.
    """
    if progress is not None:
        progress.start(total=2, unit="steps", cancellable=True)
    stuck: dict[str, str] = {}
    while True:
        rollback = _current(journal)
        seen = look(volume, root, rollback, running_uuid, frozenset(stuck))
        step = decide(rollback, seen)
        if progress is not None and step in (Step.PREPARE, Step.COMMIT):
            progress.advance(1, item=step.value)
        if step in (Step.DONE, Step.WAIT_FOR_RESTART) or (step in _LATE and verify is None):
            return rollback
        if step is Step.MOVE_NESTED:
            old, new = sides(volume, rollback)
            stuck |= move_nested(volume, seen.nested_left, old=old, new=new)
        elif step is Step.VERIFY and verify is not None:
            problems = [*stuck.values(), *verify(rollback).problems]
            outcome = "unverified" if problems else "restored"
            with contextlib.suppress(FileNotFoundError):
                inside(volume.path(new_root(rollback)), PENDING).unlink()
            journal.append("rollback-over", id=rollback.id, outcome=outcome, problems=problems)
        else:
            change(volume, journal, rollback, step, known, stage_of(volume, root, rollback), outside)


def drop(volume: Volume, journal: Journal, root: Root, *, running_uuid: str | None) -> Rollback:
    """Give up a pending roll back that was not committed yet, or whose commit is only a boot entry that was
    not started. Raises: UpdateError rollback-pending after that.
    """
    rollback = _current(journal)
    seen = look(volume, root, rollback, running_uuid)
    step = decide(rollback, seen)
    stage = stage_of(volume, root, rollback)
    undoable = stage is not None and seen.boot is not None and seen.boot.reachable
    undoable = undoable and running_uuid == rollback.root_uuid == seen.root_uuid
    if step not in (Step.PREPARE, Step.DISCARD, Step.COMMIT) and not undoable:
        raise UpdateError("updates.rollback-pending")
    if stage is not None and seen.boot is not None:
        if seen.boot.switched:
            stage.switch_back(done=False)
        stage.clear()
    if seen.staged_uuid is not None:
        volume.delete(rollback.staged)
    journal.append("rollback-over", id=rollback.id, outcome="abandoned")
    return _current(journal)
