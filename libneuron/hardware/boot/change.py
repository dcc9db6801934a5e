"""Carries a boot plan out, so that a cut at any moment leaves the old state or can be taken back.

The record of the change, with every file's old content, is durable before the first file is touched. Each
file changes by one rename. If something fails, everything is put back and the programs that had begun run
again on the old files. A change that was cut off, or that could not be put back whole, is seen by
:func:`pending` and taken back by :func:`undo`.
"""

from __future__ import annotations

import logging
import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from libneuron.errors import NeuronError
from libneuron.hardware.boot import binding, cmdline, loaders, record, sharing, way_back
from libneuron.hardware.boot.cmdline import Wish
from libneuron.hardware.boot.edits import BootPlan, FileEdit
from libneuron.hardware.boot.errors import BootError
from libneuron.hardware.boot.record import Change as Change
from libneuron.hardware.boot.record import Machine as Machine
from libneuron.hardware.boot.record import State as State
from libneuron.hardware.boot.record import history as history
from libneuron.system.files import sync_directory, sync_everything, write_atomic

_log = logging.getLogger(__name__)
_REBUILD_LIMIT = 600.0  # seconds: an initramfs for several kernels on a slow disk
_BOOT_ID = "/proc/sys/kernel/random/boot_id"


def apply(machine: Machine, wish: Wish, made: BootPlan) -> Change:
    """Do ``made``.

    Raises: BootError file-changed (nothing was done), file-unwritable; a program's error (all put back);
    half-undone (something could not be put back: :func:`undo` tries again).
    """
    for edit in made.edits:
        _expect(machine, edit)
    known = history(machine)
    number = known[-1].number + 1 if known else 1
    touched = {edit.path for edit in made.edits}
    others = tuple(path for path in loaders.files(machine.root) if path not in touched)
    change = Change(number, wish, made, State.STARTED, machine.root.text(_BOOT_ID) or "", others)
    record.write(machine, change)
    written: list[FileEdit] = []
    begun: list[Sequence[str]] = []
    try:
        for edit in made.edits:
            _expect(machine, edit)
            written.append(edit)  # before it is: a rename may be seen although its sync failed
            _write(machine, edit)
        _run(machine, made.commands, begun)
    except (NeuronError, OSError) as error:
        _log.info("change %d failed and is put back", number)
        _put_back(machine, change, written, begun, error)
        raise
    done = replace(change, state=State.APPLIED)
    record.write(machine, done)
    return done


def undo(machine: Machine, change: Change) -> Change:
    """Take ``change`` back, also one that was cut off.

    A file that nobody touched gets its old content; from one that was changed since, and from boot entries
    that came since, only our words go; one that is gone stays gone. Raises: BootError file-changed,
    undo-by-hand, out-of-reach (nothing was done then), half-undone; program errors.
    """
    back = way_back.edits(machine.root, change)
    record.write(machine, replace(change, state=State.STARTED))
    left = []
    for edit in back:
        try:
            _write(machine, edit)
        except BootError as error:
            _log.info("change %d: %s", change.number, error.details)
            left.append(edit.path)
    if left:
        raise BootError("hardware.half-undone", number=change.number, left=", ".join(left))
    _run(machine, change.plan.commands, [])
    done = replace(change, state=State.UNDONE)
    record.write(machine, done)
    return done


def verify(machine: Machine, change: Change) -> Change:
    """After the next boot: does the running system show the wish? Before it, nothing changes."""
    if change.state is not State.APPLIED or change.boot_id == (machine.root.text(_BOOT_ID) or ""):
        return change
    line = machine.root.text("/proc/cmdline") or ""
    wish = change.wish
    seen = (
        cmdline.satisfied(line, wish)
        and binding.bound(machine.root, wish.bind)
        and (wish.share is None or sharing.there(machine.root, wish.share))
    )
    checked = replace(change, state=State.VERIFIED if seen else State.FAILED_CHECK)
    record.write(machine, checked)
    return checked


def pending(machine: Machine) -> Change | None:
    """The change that was cut off, if there is one: it wants :func:`undo` before anything else."""
    return next((change for change in history(machine) if change.state is State.STARTED), None)


def _put_back(
    machine: Machine,
    change: Change,
    written: Sequence[FileEdit],
    begun: Sequence[Sequence[str]],
    error: Exception,
) -> None:
    """Files first: they decide what boots. Each is tried, and what somebody wrote since is kept.

    Raises: BootError half-undone; the record then stays that of a change that was cut off.
    """
    left = []
    for edit in reversed(written):
        try:
            back = way_back.of_file(machine.root, edit, change.wish)
            if back is not None:
                _write(machine, back)
        except BootError as again:
            _log.info("change %d: %s", change.number, again)
            left.append(edit.path)
    if not left:
        try:
            _run(machine, begun, [])
        except NeuronError as again:
            _log.info("change %d: %s", change.number, again)
            left.append(shlex.join(begun[-1]))
    if left:
        words = ", ".join(left)
        raise BootError(
            "hardware.half-undone", number=change.number, left=words, details=str(error)
        ) from error
    record.write(machine, replace(change, state=State.UNDONE))


def _run(machine: Machine, commands: Sequence[Sequence[str]], begun: list[Sequence[str]]) -> None:
    """Run ``commands``; ``begun`` collects those that were started."""
    for command in commands:
        begun.append(command)
        machine.runner.run(command, timeout=_REBUILD_LIMIT, changes=True)
    if commands:
        sync_everything()  # grub-mkconfig renames its file into place without waiting for the disk


def _expect(machine: Machine, edit: FileEdit) -> None:
    """Refuse where somebody changed a file since it was planned: their work would be lost."""
    if machine.root.bytes(edit.path, limit=1 << 24) != edit.before:
        raise BootError("hardware.file-changed", path=edit.path)


def _write(machine: Machine, edit: FileEdit) -> None:
    """Raises: BootError file-unwritable."""
    try:
        _replace(machine.root.path(edit.path), edit)
    except OSError as error:
        raise BootError("hardware.file-unwritable", path=edit.path, details=str(error)) from error


def _replace(path: Path, edit: FileEdit) -> None:
    if edit.after is None:
        if path.exists():
            path.unlink()
            sync_directory(path.parent)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
    write_atomic(path, edit.after, mode=mode)
