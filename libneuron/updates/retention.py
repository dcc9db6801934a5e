"""Which restore points may go. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from libneuron.updates.history import Stage, Update


def removable(
    updates: Sequence[Update], *, keep: int, in_use: frozenset[str] = frozenset()
) -> tuple[Update, ...]:
    """The updates whose snapshots may be removed so that at most ``keep`` remain, oldest first.

    Never removed: pinned ones, those ``in_use`` by a roll back, the newest, the newest from before an
    update that was confirmed (the last known-good state), and all after that one: none of them has been
    judged good yet.
    """
    there = [item for item in updates if item.point and not item.removed]
    good = [item for item in there if item.stage is Stage.CONFIRMED]
    guarded = {item.id for item in there if item.pinned or item.id in in_use}
    first_guarded = there.index(good[-1]) if good else 0
    guarded |= {item.id for item in there[first_guarded:]}
    spare = max(0, len(there) - max(1, keep))
    return tuple([item for item in there if item.id not in guarded][:spare])
