"""Drives a roll back: looks, asks the machine of rollback_machine for the next step, does it, looks again."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from libneuron.progress import Progress
from libneuron.system.files import Root, write_atomic
from libneuron.updates.errors import UpdateError
from libneuron.updates.history import Rollback, fold
from libneuron.updates.journal import Journal
from libneuron.updates.kinds.kernel import kernel_problems
from libneuron.updates.layout import Switch, fitted_fstab
from libneuron.updates.rollback_machine import Seen, Step, decide
from libneuron.updates.volume import ROOTS, Volume

PENDING = "etc/neuron/rollback-pending"
"""Lies in a prepared root until it was verified: the units of an ordinary start look no further without
it.
"""

_LOCKS = ("var/lib/pacman/db.lck", "run/reboot-required", "var/run/reboot-required")


@dataclass(frozen=True)
class Verified:
    """What the check after the restart found; no problems means restored."""

    problems: tuple[str, ...]


Verify = Callable[[Rollback], Verified]


def plan(volume: Volume, journal: Journal, *, target: str, update: str, automatic: bool) -> Rollback:
    """Record the intention to make the subvolume at ``target`` the root; nothing else is changed yet.

    Raises: UpdateError rollback-pending, no-such-point.
    """
    past = fold(journal.read().events)
    if past.pending is not None:
        raise UpdateError("updates.rollback-pending")
    target_uuid = volume.uuid(target)
    root_uuid = root_seen(volume, volume.layout.switch, volume.layout.path)
    if target_uuid is None or root_uuid is None:
        raise UpdateError("updates.no-such-point", name=target)
    identity = past.next_id
    journal.append(
        "rollback-planned",
        id=identity,
        target=target,
        target_uuid=target_uuid,
        root=volume.layout.path,
        root_uuid=root_uuid,
        staged=f"{ROOTS}/{identity}",
        switch=volume.layout.switch.value,
        nested=list(volume.nested(volume.layout.path)),
        update=update,
        automatic=automatic,
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
    volume: Volume, rollback: Rollback, running_uuid: str | None, stuck: frozenset[str] = frozenset()
) -> Seen:
    """What is on the disk now; ``stuck`` are nested subvolumes that cannot be moved."""
    root_uuid = root_seen(volume, rollback.switch, rollback.root)
    committed = rollback.ready_uuid is not None and root_uuid == rollback.ready_uuid
    left: tuple[str, ...] = ()
    if committed and volume.uuid(replaced(rollback)) is not None:
        present = set(volume.nested(replaced(rollback)))
        left = tuple(name for name in rollback.nested if name in present and name not in stuck)
    return Seen(root_uuid, volume.uuid(rollback.staged), running_uuid, left)


def fit(tree: Path, *, root: str, switch: Switch) -> None:
    """Correct in a prepared root what would keep it from starting: stale locks, the old root's number in
    fstab.

    Raises: OSError.
    """
    for name in _LOCKS:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            _inside(tree, name).unlink()
    flag = _inside(tree, PENDING)
    flag.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    write_atomic(flag, b"Update Guardian: a roll back is to be finished and verified.\n")
    table = _inside(tree, "etc/fstab")
    if switch is Switch.EXCHANGE and table.is_file():
        text = table.read_text("utf-8", "surrogateescape")
        fitted = fitted_fstab(text, root=root)
        if fitted != text:
            mode = table.stat().st_mode & 0o777
            write_atomic(table, fitted.encode("utf-8", "surrogateescape"), mode=mode)


def _inside(tree: Path, relative: str) -> Path:
    """``relative`` with links resolved inside ``tree``: the prepared root is not trusted to stay inside
    itself.
    """
    return Root(tree).path(f"/{relative}")


def _prepare(volume: Volume, journal: Journal, rollback: Rollback, known: frozenset[str]) -> None:
    volume.snapshot(rollback.target, rollback.staged, readonly=False)
    fit(volume.path(rollback.staged), root=rollback.root, switch=rollback.switch)
    volume.sync()
    problems = [item for item in kernel_problems(Root(volume.path(rollback.staged))) if item not in known]
    if problems:
        volume.delete(rollback.staged)
        journal.append("rollback-over", id=rollback.id, outcome="abandoned", problems=problems)
        raise UpdateError("updates.target-unsound", problems="; ".join(problems))
    journal.append("rollback-ready", id=rollback.id, uuid=volume.uuid(rollback.staged))


def _commit(volume: Volume, rollback: Rollback) -> None:
    if rollback.switch is Switch.EXCHANGE:
        volume.exchange(rollback.root, rollback.staged)
    else:
        volume.set_default(rollback.staged)


def drive(
    volume: Volume,
    journal: Journal,
    *,
    running_uuid: str | None,
    verify: Verify | None,
    known: frozenset[str] = frozenset(),
    progress: Progress | None = None,
) -> Rollback:
    """Take the pending roll back as far as it can go now: to the restart, or to its end after it.

    ``verify`` None stops before the verification (early in a start there is nothing to check yet);
    ``known`` are kernel problems that the restore point had when it was made and that nobody minded.

    Raises: UpdateError changed-meanwhile, target-unsound, snapshot-failed; OSError; Cancelled before the
    commit.
    """
    if progress is not None:
        progress.start(total=2, unit="steps", cancellable=True)
    stuck: dict[str, str] = {}
    while True:
        rollback = _current(journal)
        seen = look(volume, rollback, running_uuid, frozenset(stuck))
        step = decide(rollback, seen)
        if progress is not None and step in (Step.PREPARE, Step.COMMIT):
            progress.advance(1, item=step.value)
        if step in (Step.DONE, Step.WAIT_FOR_RESTART) or (step is Step.VERIFY and verify is None):
            return rollback
        if step is Step.MOVE_NESTED:
            stuck |= _move_nested(volume, rollback, seen.nested_left)
        elif step is Step.VERIFY and verify is not None:
            problems = [*stuck.values(), *verify(rollback).problems]
            outcome = "unverified" if problems else "restored"
            with contextlib.suppress(FileNotFoundError):
                _inside(volume.path(new_root(rollback)), PENDING).unlink()
            journal.append("rollback-over", id=rollback.id, outcome=outcome, problems=problems)
        else:
            _change(volume, journal, rollback, step, known)


def _change(volume: Volume, journal: Journal, rollback: Rollback, step: Step, known: frozenset[str]) -> None:
    """The steps that alter the disk before the restart."""
    match step:
        case Step.DISCARD:
            volume.delete(rollback.staged)
        case Step.PREPARE:
            _prepare(volume, journal, rollback, known)
        case Step.COMMIT:
            _commit(volume, rollback)
        case Step.RECORD_COMMIT:
            journal.append("rollback-committed", id=rollback.id)
        case _:
            journal.append("rollback-over", id=rollback.id, outcome="abandoned")
            raise UpdateError("updates.changed-meanwhile", name=rollback.root)


def _move_nested(volume: Volume, rollback: Rollback, names: tuple[str, ...]) -> dict[str, str]:
    """Bring nested subvolumes into the new root; returns those that could not be, and why."""
    stuck = {}
    for name in names:
        try:
            volume.move(f"{replaced(rollback)}/{name}", f"{new_root(rollback)}/{name}")
        except OSError as error:
            stuck[name] = f"{name} stayed in the replaced system: {error.strerror}"
    return stuck


def drop(volume: Volume, journal: Journal, *, running_uuid: str | None) -> Rollback:
    """Give up a pending roll back that was not committed yet. Raises: UpdateError rollback-pending after
    that.
    """
    rollback = _current(journal)
    seen = look(volume, rollback, running_uuid)
    step = decide(rollback, seen)
    if step not in (Step.PREPARE, Step.DISCARD, Step.COMMIT):
        raise UpdateError("updates.rollback-pending")
    if seen.staged_uuid is not None:
        volume.delete(rollback.staged)
    journal.append("rollback-over", id=rollback.id, outcome="abandoned")
    return _current(journal)
