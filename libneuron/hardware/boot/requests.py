"""What a person may ask of the boot: plan, apply, take back, look at the record. Serves root's command and
the privileged helper alike, so every check stands here and none in a face.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Iterator
from typing import Any

from libneuron.hardware.boot import change, sharing, wishes
from libneuron.hardware.boot.change import Change, Machine, State
from libneuron.hardware.boot.cmdline import Wish
from libneuron.hardware.boot.edits import BootPlan
from libneuron.hardware.boot.errors import BootError
from libneuron.hardware.boot.plan import plan
from libneuron.system.files import make_private_directory

RECORDS = "/var/lib/neuron/hardware/changes"
_WORDS = 32  # more than any advice ever asks for


def wish_of(add: str, remove: str, bind: str = "", share: str = "") -> Wish:
    """A wish from lists with spaces between their words; ``share`` as :func:`sharing.parse` reads it.

    Raises: BootError argument-refused, share-refused, no-wish.
    """
    wish = Wish(tuple(add.split()), tuple(remove.split()), tuple(bind.split()), sharing.parse(share))
    for word in wishes.refused(wish):
        raise BootError("hardware.argument-refused", argument=word)
    words = len(wish.set) + len(wish.unset) + len(wish.bind) + (wish.share is not None)
    if not 0 < words <= _WORDS:
        raise BootError("hardware.no-wish")
    return wish


def _wish_json(wish: Wish) -> dict[str, Any]:
    return {
        "add": list(wish.set),
        "remove": list(wish.unset),
        "bind": list(wish.bind),
        "share": str(wish.share or ""),
    }


def digest(made: BootPlan) -> str:
    """A fingerprint of everything that ``made`` would do: what was shown is what is done."""
    whole = hashlib.sha256()
    parts: list[bytes | None] = [made.loader.encode(), (made.initramfs or "").encode()]
    for edit in made.edits:
        parts += [edit.path.encode(), edit.before, edit.after]
    for command in made.commands:
        parts += [word.encode() for word in command] + [None]
    for part in parts:
        whole.update(b"-" if part is None else b"%d:" % len(part) + part)
    return whole.hexdigest()


def plan_json(made: BootPlan, wish: Wish) -> dict[str, Any]:
    """A plan for a face: diffs, programs, the fingerprint, and what must be typed before it is done."""
    return {
        **_wish_json(wish),
        "loader": made.loader,
        "edits": [{"path": edit.path, "diff": edit.diff()} for edit in made.edits],
        "commands": [list(command) for command in made.commands],
        "digest": digest(made),
        "confirm": " ".join(wishes.risky(wish)),
    }


def apply(machine: Machine, wish: Wish, *, shown: str, typed: str) -> Change:
    """Do what was shown: ``shown`` is the fingerprint of the plan that the person saw, ``typed`` what they
    typed to confirm an option that weakens protection (empty where there is none).

    Raises: BootError plan-changed, not-confirmed, change-cut, nothing-to-do; all of :func:`change.apply`.
    """
    if typed != " ".join(wishes.risky(wish)):
        raise BootError("hardware.not-confirmed", words=" ".join(wishes.risky(wish)))
    with _alone(machine):
        cut = change.pending(machine)
        if cut is not None:
            raise BootError("hardware.change-cut", number=cut.number)
        made = plan(machine.root, wish)
        if digest(made) != shown:
            raise BootError("hardware.plan-changed")
        if not made.edits:
            raise BootError("hardware.nothing-to-do")
        return change.apply(machine, wish, made)


def undo(machine: Machine, number: int) -> Change:
    """Take change ``number`` back. Raises: BootError no-change; all of :func:`change.undo`."""
    with _alone(machine):
        for one in change.history(machine):
            if one.number == number and one.state is not State.UNDONE:
                return change.undo(machine, one)
    raise BootError("hardware.no-change", number=number)


def changes(machine: Machine) -> tuple[Change, ...]:
    """Every change, oldest first; those that wait for a boot are verified if there was one."""
    if not machine.records.is_dir():
        return ()
    with _alone(machine):
        return tuple(change.verify(machine, one) for one in change.history(machine))


def change_json(one: Change) -> dict[str, Any]:
    """A change for a face; without the contents of files, which may be root's own."""
    return {
        "number": one.number,
        "state": one.state.value,
        **_wish_json(one.wish),
        "paths": [edit.path for edit in one.plan.edits],
        "commands": [list(command) for command in one.plan.commands],
    }


@contextlib.contextmanager
def _alone(machine: Machine) -> Iterator[None]:
    """Changes are made one at a time, also by the helper and by root's command at once."""
    folder = make_private_directory(machine.records)
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
