"""Carries a boot plan out, so that a cut at any moment leaves the old state or can be taken back.

The record of the change, with every file's old content, is durable before the first file is touched. Each
file changes by one rename. If a program fails, everything is put back and the programs run again on the old
files. A change that was cut off is seen by :func:`pending` and taken back by :func:`undo`.
"""

from __future__ import annotations

import base64
import json
import logging
import re
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from libneuron.errors import NeuronError
from libneuron.hardware.boot import binding, cmdline, formats, initramfs, sharing
from libneuron.hardware.boot.assignments import NotSimple, OpenQuote
from libneuron.hardware.boot.cmdline import Wish
from libneuron.hardware.boot.edits import BootPlan, FileEdit
from libneuron.hardware.boot.errors import BootError
from libneuron.system.files import Root, make_private_directory, sync_directory, sync_everything, write_atomic
from libneuron.system.runner import Runner

_log = logging.getLogger(__name__)
_REBUILD_LIMIT = 600.0  # seconds: an initramfs for several kernels on a slow disk
_BOOT_ID = "/proc/sys/kernel/random/boot_id"
_NAME = re.compile(r"\d{6}\.json")


class State(Enum):
    """Where a change stands."""

    STARTED = "started"  # files may have changed; the programs have not all run
    APPLIED = "applied"  # done; counts from the next boot on
    UNDONE = "undone"
    VERIFIED = "verified"  # seen in the running kernel after a boot
    FAILED_CHECK = "failed-check"  # booted since, but the running kernel does not show it


@dataclass(frozen=True)
class Change:
    """One change as recorded: its number, wish, plan, state, and the boot during which it was made."""

    number: int
    wish: Wish
    plan: BootPlan
    state: State
    boot_id: str


@dataclass(frozen=True)
class Machine:
    """What a change works on: the file system, the programs, and where records lie (root's own, 0700)."""

    root: Root
    runner: Runner
    records: Path


def apply(machine: Machine, wish: Wish, made: BootPlan) -> Change:
    """Do ``made``.

    Raises: BootError file-changed (nothing was done), file-unwritable; a program's error (all put back).
    """
    _expect(machine, made)
    known = history(machine)
    number = known[-1].number + 1 if known else 1
    change = Change(number, wish, made, State.STARTED, machine.root.text(_BOOT_ID) or "")
    _record(machine, change)
    try:
        _carry_out(machine, made)
    except (NeuronError, OSError):
        _log.info("change %d failed and is put back", number)
        _put_back(machine, change)
        raise
    done = replace(change, state=State.APPLIED)
    _record(machine, done)
    return done


def undo(machine: Machine, change: Change) -> Change:
    """Take ``change`` back, also one that was cut off.

    A file that nobody touched gets its old content; from one that was changed since, only our words go; one
    that is gone stays gone. Raises: BootError file-changed, loader-by-hand (nothing was done then); program
    errors.
    """
    back = replace(change.plan, edits=_way_back(machine, change))
    _record(machine, replace(change, state=State.STARTED))
    _carry_out(machine, back)
    done = replace(change, state=State.UNDONE)
    _record(machine, done)
    return done


def _way_back(machine: Machine, change: Change) -> tuple[FileEdit, ...]:
    found = []
    for edit in reversed(change.plan.edits):
        now = machine.root.bytes(edit.path, limit=1 << 24)
        if now in (None, edit.before) and edit.after is not None:
            continue
        back = edit.before if now == edit.after else _without_ours(edit, now, change.wish)
        if back != now:
            found.append(FileEdit(edit.path, now, back))
    return tuple(found)


def _without_ours(edit: FileEdit, now: bytes | None, wish: Wish) -> bytes:
    """What others made of a file since, less what we had put into it."""
    if now is None or edit.before is None or edit.after is None:
        raise BootError("hardware.file-changed", path=edit.path)
    modules = initramfs.take_back(edit.path, edit.before, edit.after, now)
    if modules is not None:
        return modules
    before, after, there = (
        data.decode("utf-8", "surrogateescape") for data in (edit.before, edit.after, now)
    )
    try:
        text = formats.take_back(formats.format_of(edit.path), before, after, there)
    except OpenQuote as error:
        raise BootError("hardware.quote-open", value=str(error)) from error
    except NotSimple as error:
        words = " ".join(wish.set)
        raise BootError("hardware.undo-by-hand", path=edit.path, value=str(error), words=words) from error
    return text.encode("utf-8", "surrogateescape")


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
    _record(machine, checked)
    return checked


def pending(machine: Machine) -> Change | None:
    """The change that was cut off, if there is one: it wants :func:`undo` before anything else."""
    return next((change for change in history(machine) if change.state is State.STARTED), None)


def history(machine: Machine) -> tuple[Change, ...]:
    """All recorded changes, oldest first."""
    try:
        names = sorted(path for path in machine.records.iterdir() if _NAME.fullmatch(path.name))
    except FileNotFoundError:
        return ()
    return tuple(_load(path) for path in names)


def _put_back(machine: Machine, change: Change) -> None:
    """Files first: they decide what boots. A program that fails again leaves the record as cut off."""
    for edit in change.plan.undo.edits:
        _write(machine, edit)
    for command in change.plan.commands:
        machine.runner.run(command, timeout=_REBUILD_LIMIT, changes=True)
    _record(machine, replace(change, state=State.UNDONE))


def _carry_out(machine: Machine, made: BootPlan) -> None:
    for edit in made.edits:
        _write(machine, edit)
    for command in made.commands:
        machine.runner.run(command, timeout=_REBUILD_LIMIT, changes=True)
    if made.commands:
        sync_everything()  # grub-mkconfig renames its file into place without waiting for the disk


def _expect(machine: Machine, made: BootPlan) -> None:
    """Refuse where somebody changed a file since it was planned: their work would be lost."""
    for edit in made.edits:
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


# Records


def _record(machine: Machine, change: Change) -> None:
    make_private_directory(machine.records)
    write_atomic(machine.records / f"{change.number:06}.json", _dump(change), mode=0o600)


def _text(data: bytes | None) -> str | None:
    return None if data is None else base64.b64encode(data).decode()


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text, validate=True)


def _dump(change: Change) -> bytes:
    plan = change.plan
    return json.dumps(
        {
            "version": 1,
            "number": change.number,
            "state": change.state.value,
            "boot_id": change.boot_id,
            "set": change.wish.set,
            "unset": change.wish.unset,
            "bind": change.wish.bind,
            "share": str(change.wish.share or ""),
            "loader": plan.loader,
            "initramfs": plan.initramfs,
            "edits": [[edit.path, _text(edit.before), _text(edit.after)] for edit in plan.edits],
            "commands": plan.commands,
        },
        indent=1,
    ).encode()


def _load(path: Path) -> Change:
    """A record; root's own file, written by :func:`_dump` alone. Raises: BootError record-broken."""
    try:
        loaded = json.loads(path.read_text("utf-8"))
        plan = BootPlan(
            loaded["loader"],
            loaded["initramfs"],
            tuple(FileEdit(name, _bytes(old), _bytes(new)) for name, old, new in loaded["edits"]),
            tuple(tuple(command) for command in loaded["commands"]),
        )
        wish = Wish(
            tuple(loaded["set"]), tuple(loaded["unset"]),
            tuple(loaded.get("bind", ())), sharing.parse(loaded.get("share", "")),
        )  # fmt: skip
        return Change(loaded["number"], wish, plan, State(loaded["state"]), loaded["boot_id"])
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, BootError) as error:
        raise BootError("hardware.record-broken", path=str(path), details=repr(error)) from error
