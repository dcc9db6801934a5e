"""What happens at a start of the machine: counting those that never complete, judging those that do."""

from __future__ import annotations

from libneuron.progress import Progress
from libneuron.updates.bootplace import boot_place
from libneuron.updates.history import Stage, Update
from libneuron.updates.judging import Judged, judge
from libneuron.updates.machine import Machine
from libneuron.updates.published import publish
from libneuron.updates.reverting import resume, roll_back
from libneuron.updates.store import FATAL, Store, open_store
from libneuron.updates.transaction import flag_unjudged


def early_start(machine: Machine) -> None:
    """Before local file systems are mounted: bring nested subvolumes along after a roll back, and count the
    start of an update that nobody judged yet.
    """
    resume(machine, early=True)
    if not machine.settings.automatic:
        return
    with open_store(machine.root, machine.clock) as store:
        last = _awaited(machine, store)
        if last is not None:
            store.journal.append("start-begun", id=last.id, boot=machine.boot)


def fall_back(machine: Machine) -> bool:
    """Once boot partitions are mounted: where too many starts did not complete, roll the update back. True
    where that was done, restart to take effect.

    An update is rolled back automatically once; what comes after is for a person to decide, so it never
    loops. Where the kernels are not seen in the place that they had before the update, it waits for a start
    in which they are.

    Raises: as :func:`libneuron.updates.reverting.roll_back`.
    """
    if not machine.settings.automatic:
        return False
    with open_store(machine.root, machine.clock) as store:
        last = _awaited(machine, store)
        if last is None or last.starts <= machine.settings.attempts:
            return False
        if store.obstacle is not None or last.boot_place != boot_place(machine.root):
            return False
    roll_back(machine, last.id, automatic=True)
    return True


def _awaited(machine: Machine, store: Store) -> Update | None:
    """The update whose first complete start is awaited, if it could still be rolled back by itself."""
    last = _unjudged(machine, store)
    if last is None or last.complete or not last.point or last.removed:
        return None
    if store.obstacle is not None and store.obstacle.code in FATAL:
        return None
    if any(item.update == last.id for item in store.history().rollbacks):
        return None
    return last


def _unjudged(machine: Machine, store: Store) -> Update | None:
    """The newest update if it ended before this start and nobody said yet that it is good."""
    past = store.history()
    last = past.updates[-1] if past.updates else None
    if last is None or last.stage is not Stage.ENDED or last.boot == machine.boot:
        return None
    return last


def after_start(machine: Machine, *, progress: Progress | None = None) -> Judged | None:
    """After the first start with an update: judge again; a healthy one is confirmed. None where there is
    none.
    """
    with open_store(machine.root, machine.clock) as store:
        last = _unjudged(machine, store)
        judged = None
        if last is not None:
            store.journal.append("start-complete", id=last.id)
            judged = judge(machine, store, last.id, "boot", progress)
            if judged.verdict.healthy:
                store.journal.append("update-confirmed", id=last.id)
            flag_unjudged(machine, unjudged=False)
        publish(machine, store)
        return judged
