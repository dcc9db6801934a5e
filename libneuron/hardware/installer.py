"""What a person decided while the system was being installed: saved by them, carried out by the installer.

The choice is a small file of the live user; the installer's job runs as root and takes nothing from it but
kernel words, each checked again. An ACS override is never part of it: it needs a system that runs.
"""

from __future__ import annotations

import json
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from libneuron.hardware.boot import change, requests, wishes
from libneuron.hardware.boot.change import Change
from libneuron.hardware.boot.cmdline import Wish
from libneuron.hardware.boot.plan import plan
from libneuron.hardware.errors import HardwareError
from libneuron.system.elsewhere import ChrootRunner
from libneuron.system.files import Root, make_private_directory, write_atomic
from libneuron.system.runner import Runner

NAME = "hardware-choice.json"
SESSIONS = "/run/user"
_LIMIT = 1 << 16  # bytes; a choice has a few hundred


@dataclass(frozen=True)
class Choice:
    """``wish`` is what the new system shall start with; empty where the person wants nothing changed."""

    wish: Wish


def save(path: Path, choice: Choice) -> None:
    """Write the choice, for its owner alone. Raises: HardwareError choice-unwritable."""
    data = {"format": 1, "add": list(choice.wish.set), "remove": list(choice.wish.unset)}
    try:
        make_private_directory(path.parent)
        write_atomic(path, json.dumps(data).encode(), mode=0o600, durable=False)
    except OSError as error:
        raise HardwareError("hardware.choice-unwritable", path=path, details=str(error)) from error


def load(path: Path) -> Choice:
    """Read a choice that anybody may have written; no link is followed. Raises: HardwareError
    choice-unreadable.
    """
    try:
        wish = _read(path)
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise HardwareError("hardware.choice-unreadable", path=path, details=repr(error)) from error
    refused = wishes.refused(wish) + wishes.risky(wish)
    if refused:
        raise HardwareError("hardware.choice-unreadable", path=path, details=f"not allowed: {refused}")
    return Choice(wish)


def _read(path: Path) -> Wish:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("no file")
        data = json.loads(file.read(_LIMIT))
    if data["format"] != 1:
        raise ValueError("another format")
    return Wish(_words(data["add"]), _words(data["remove"]))


def _words(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > 32 or not all(isinstance(word, str) for word in value):
        raise ValueError("no list of words")
    return tuple(value)


def find(sessions: Path) -> Path | None:
    """The newest choice in any own directory of a session below ``sessions``; None where nobody chose."""
    found = []
    for session in sorted(sessions.glob("*")) if sessions.is_dir() else []:
        path = session / "neuron" / NAME
        try:
            info = path.lstat()
        except OSError:
            continue
        if re.fullmatch(r"\d+", session.name) and info.st_uid in (int(session.name), 0):
            found.append((info.st_mtime, path))
    return max(found)[1] if found else None


def carry_out(target: Path, choice: Choice, runner: Runner) -> Change | None:
    """Do ``choice`` in the system installed below ``target``; None where there is nothing to do.

    It is recorded there as a change like every other: verified after the first start, taken back on a click.
    Raises: BootError; a program's error (then the target is as before).
    """
    if choice.wish == Wish():
        return None
    root = Root(target)
    machine = change.Machine(root, ChrootRunner(runner, target), root.path(requests.RECORDS))
    made = plan(root, choice.wish)
    if not made.edits:
        return None
    return requests.apply(machine, choice.wish, shown=requests.digest(made), typed="")
