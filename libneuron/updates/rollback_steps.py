"""The steps of a roll back that alter the disk; :mod:`libneuron.updates.rollback` says in which order."""

from __future__ import annotations

import contextlib
import errno
from pathlib import Path

from libneuron.system import btrfs
from libneuron.system.files import Root, write_atomic
from libneuron.system.runner import Runner
from libneuron.updates.bootstage import Stage
from libneuron.updates.errors import UpdateError
from libneuron.updates.history import Rollback
from libneuron.updates.journal import Journal
from libneuron.updates.kinds.kernel import kernel_problems
from libneuron.updates.layout import Switch, fitted_fstab
from libneuron.updates.outside import exchange
from libneuron.updates.rollback_machine import Step
from libneuron.updates.volume import Volume

PENDING = "etc/neuron/rollback-pending"
"""Lies in a prepared root until it was verified: the units of an ordinary start look no further without
it.
"""

_LOCKS = ("var/lib/pacman/db.lck", "run/reboot-required", "var/run/reboot-required")


def boot_folder(volume: Volume, owner: str) -> Path:
    """Where boot files are kept: those of an update ("7"), or those that lay there before roll back "r8"."""
    return volume.state / "updates" / owner / "boot"


def stage_of(volume: Volume, root: Root, rollback: Rollback) -> Stage | None:
    """The boot files of ``rollback`` on a partition of their own; None where they lie in the root."""
    if rollback.loader is None:
        return None
    return Stage(
        root,
        rollback.loader,
        rollback.id,
        wanted=boot_folder(volume, rollback.boot_of),
        present=boot_folder(volume, f"r{rollback.id}"),
    )


def sides(volume: Volume, rollback: Rollback) -> tuple[str, str]:
    """(old root, new root) where they lie at this moment."""
    if volume.uuid(rollback.root) == rollback.root_uuid:
        return rollback.root, rollback.staged
    return rollback.staged, rollback.root


def fit(tree: Path, *, root: str, switch: Switch) -> None:
    """Correct in a prepared root what would keep it from starting: stale locks, the old root's number in
    fstab.

    Raises: OSError.
    """
    for name in _LOCKS:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            inside(tree, name).unlink()
    flag = inside(tree, PENDING)
    flag.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    write_atomic(flag, b"Update Guardian: a roll back is to be finished and verified.\n")
    table = inside(tree, "etc/fstab")
    if switch is Switch.EXCHANGE and table.is_file():
        text = table.read_text("utf-8", "surrogateescape")
        fitted = fitted_fstab(text, root=root)
        if fitted != text:
            mode = table.stat().st_mode & 0o777
            write_atomic(table, fitted.encode("utf-8", "surrogateescape"), mode=mode)


def inside(tree: Path, relative: str) -> Path:
    """``relative`` with links resolved inside ``tree``: the prepared root is not trusted to stay inside
    itself.
    """
    return Root(tree).path(f"/{relative}")


def _prepare(
    volume: Volume, journal: Journal, rollback: Rollback, known: frozenset[str], stage: Stage | None
) -> None:
    volume.snapshot(rollback.target, rollback.staged, readonly=False)
    place = volume.path(rollback.staged)
    fit(place, root=rollback.root, switch=rollback.switch)
    volume.sync()
    found = kernel_problems(Root(place)) if stage is None else stage.problems(Root(place))
    problems = [item for item in found if item not in known]
    if stage is not None and not problems:
        stage.stage(btrfs.info(place).id)
    if problems:
        volume.delete(rollback.staged)
        journal.append("rollback-over", id=rollback.id, outcome="abandoned", problems=problems)
        raise UpdateError("updates.target-unsound", problems="; ".join(problems))
    journal.append("rollback-ready", id=rollback.id, uuid=volume.uuid(rollback.staged))


def _exchange(volume: Volume, rollback: Rollback, outside: Runner | None) -> None:
    try:
        volume.exchange(rollback.root, rollback.staged)
    except OSError as error:
        if error.errno != errno.EBUSY or outside is None:
            raise
        exchange(outside, volume, rollback.root, rollback.staged)


def _commit(volume: Volume, rollback: Rollback, stage: Stage | None, outside: Runner | None) -> None:
    if stage is not None:
        volume.sync()
        stage.commit()
    elif rollback.switch is Switch.EXCHANGE:
        _exchange(volume, rollback, outside)
    else:
        volume.set_default(rollback.staged)


def change(
    volume: Volume,
    journal: Journal,
    rollback: Rollback,
    step: Step,
    known: frozenset[str],
    stage: Stage | None,
    outside: Runner | None,
) -> None:
    """The steps that alter the disk; ``outside`` starts programs in the first process's view of mounts."""
    match step:
        case Step.DISCARD:
            volume.delete(rollback.staged)
        case Step.PREPARE:
            _prepare(volume, journal, rollback, known, stage)
        case Step.COMMIT:
            _commit(volume, rollback, stage, outside)
        case Step.RECORD_COMMIT:
            journal.append("rollback-committed", id=rollback.id)
        case Step.SETTLE_ROOT:
            _commit(volume, rollback, None, outside)
        case Step.SETTLE_BOOT if stage is not None:
            stage.settle()
        case Step.SWITCH_BACK if stage is not None:
            stage.switch_back(done=True)
        case Step.CLEAR if stage is not None:
            stage.clear()
        case _:
            if stage is not None and stage.seen().reachable and not stage.seen().switched:
                stage.clear()
            journal.append("rollback-over", id=rollback.id, outcome="abandoned")
            raise UpdateError("updates.changed-meanwhile", name=rollback.root)


def move_nested(volume: Volume, names: tuple[str, ...], *, old: str, new: str) -> dict[str, str]:
    """Bring nested subvolumes into the new root; returns those that could not be, and why."""
    stuck = {}
    for name in names:
        try:
            volume.move(f"{old}/{name}", f"{new}/{name}")
        except OSError as error:
            stuck[name] = f"{name} stayed in the replaced system: {error.strerror}"
        except UpdateError:
            stuck[name] = f"{name} stayed in the replaced system: a link lies in its way"
    return stuck
