"""What is remembered of a boot change: enough to take it back, durable before the first file is touched."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from libneuron.hardware.boot import sharing
from libneuron.hardware.boot.cmdline import Wish
from libneuron.hardware.boot.edits import BootPlan, FileEdit
from libneuron.hardware.boot.errors import BootError
from libneuron.system.files import Root, make_private_directory, write_atomic
from libneuron.system.runner import Runner

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
    """One change as recorded: its number, wish, plan, state, and the boot during which it was made.

    ``left_alone``: the files with kernel words that were there then and needed no change; None in records of
    releases that did not note it.
    """

    number: int
    wish: Wish
    plan: BootPlan
    state: State
    boot_id: str
    left_alone: tuple[str, ...] | None


@dataclass(frozen=True)
class Machine:
    """What a change works on: the file system, the programs, and where records lie (root's own, 0700)."""

    root: Root
    runner: Runner
    records: Path


def history(machine: Machine) -> tuple[Change, ...]:
    """All recorded changes, oldest first."""
    try:
        names = sorted(path for path in machine.records.iterdir() if _NAME.fullmatch(path.name))
    except FileNotFoundError:
        return ()
    return tuple(_load(path) for path in names)


def write(machine: Machine, change: Change) -> None:
    """Make ``change`` durable, before or after what it tells of. Raises: OSError."""
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
            "left_alone": change.left_alone,
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
        noted = loaded.get("left_alone")
        left_alone = None if noted is None else tuple(map(str, noted))
        return Change(loaded["number"], wish, plan, State(loaded["state"]), loaded["boot_id"], left_alone)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, BootError) as error:
        raise BootError("hardware.record-broken", path=str(path), details=repr(error)) from error
