"""The steps of a roll back as a pure function from what is seen to what is next.

Progress is read off the disk, never remembered: the journal only names the subvolumes by uuid. So it does not
matter at which write the power went; looking again gives the right next step. There is exactly one step that
changes what the machine starts (COMMIT).

Where boot files lie on a partition of their own, root and partition cannot switch in one step (decision 19):
an entry of our own names the prepared root and its kernel, COMMIT makes it the default, and after the restart
the names are put right behind it, each step harmless by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from libneuron.updates.history import Rollback
from libneuron.updates.loader import StageSeen


class Step(Enum):
    """What to do next."""

    DISCARD = "discard"  # a half-prepared root is in the way: remove it
    PREPARE = "prepare"  # make the new root from the restore point, fit it, check it, record it
    COMMIT = "commit"  # make it the root
    RECORD_COMMIT = "record-commit"  # it is the root already; say so in the journal
    WAIT_FOR_RESTART = "wait-for-restart"
    MOVE_NESTED = "move-nested"  # bring the nested subvolumes over from the replaced root
    SETTLE_ROOT = "settle-root"  # give the running root its proper name
    SETTLE_BOOT = "settle-boot"  # and its boot files theirs
    SWITCH_BACK = "switch-back"  # the machine's own entry starts it again
    CLEAR = "clear"  # remove the staged copies
    VERIFY = "verify"
    CONFLICT = "conflict"  # the root is neither the old nor the new: somebody else changed it
    DONE = "done"


@dataclass(frozen=True)
class Seen:
    """What is on the disk. ``root_uuid`` is what the next start will use, ``running_uuid`` what runs now;
    ``nested_left`` are nested subvolumes still in the replaced root."""

    root_uuid: str | None
    staged_uuid: str | None
    running_uuid: str | None
    nested_left: tuple[str, ...]
    boot: StageSeen | None = None


def decide(rollback: Rollback, seen: Seen) -> Step:
    """The next step of ``rollback``."""
    if rollback.outcome:
        return Step.DONE
    if seen.boot is not None:
        return _decide_staged(rollback, seen, seen.boot)
    if rollback.ready_uuid is None:
        if seen.root_uuid != rollback.root_uuid:
            return Step.CONFLICT
        return Step.PREPARE if seen.staged_uuid is None else Step.DISCARD
    if seen.root_uuid == rollback.root_uuid:
        return Step.COMMIT if seen.staged_uuid == rollback.ready_uuid else Step.CONFLICT
    if seen.root_uuid != rollback.ready_uuid:
        return Step.CONFLICT
    if not rollback.committed:
        return Step.RECORD_COMMIT
    if seen.running_uuid != rollback.ready_uuid:
        return Step.WAIT_FOR_RESTART
    return Step.MOVE_NESTED if seen.nested_left else Step.VERIFY


def _decide_staged(rollback: Rollback, seen: Seen, boot: StageSeen) -> Step:
    if rollback.ready_uuid is not None and seen.running_uuid == rollback.ready_uuid:
        return _finish_staged(rollback, seen, boot)
    if not boot.reachable:
        return Step.WAIT_FOR_RESTART  # too early in a start to say
    if seen.root_uuid != rollback.root_uuid:
        return Step.CONFLICT
    if rollback.ready_uuid is None:
        return Step.PREPARE if seen.staged_uuid is None else Step.DISCARD
    if seen.staged_uuid != rollback.ready_uuid:
        return Step.CONFLICT
    if boot.switched:
        return Step.WAIT_FOR_RESTART if rollback.committed else Step.RECORD_COMMIT
    if rollback.committed or not boot.ready:
        return Step.CONFLICT  # somebody chose another default since
    return Step.COMMIT


def _finish_staged(rollback: Rollback, seen: Seen, boot: StageSeen) -> Step:
    if not rollback.committed:
        return Step.RECORD_COMMIT
    if seen.nested_left:
        return Step.MOVE_NESTED
    if not boot.reachable:
        return Step.WAIT_FOR_RESTART
    if seen.root_uuid != rollback.ready_uuid:
        return Step.SETTLE_ROOT if seen.root_uuid == rollback.root_uuid else Step.CONFLICT
    if not boot.settled:
        return Step.SETTLE_BOOT
    if boot.switched:
        return Step.SWITCH_BACK
    return Step.CLEAR if boot.there else Step.VERIFY
