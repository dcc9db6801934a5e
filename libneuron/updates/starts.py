"""What happens at a start of the machine: counting those that never complete, judging those that do."""

from __future__ import annotations

from libneuron.progress import Progress
from libneuron.updates.history import Stage, Update
from libneuron.updates.judging import Judged, judge
from libneuron.updates.machine import Machine
from libneuron.updates.published import publish
from libneuron.updates.reverting import resume, roll_back
from libneuron.updates.store import Store, open_store
from libneuron.updates.transaction import flag_unjudged


def early_start(machine: Machine) -> bool:
    """Early in a start: bring nested subvolumes along after a roll back, and count the start of an
    update that nobody judged yet. True where too many did not complete: the update was rolled back,
    restart to take effect.

    An update is rolled back automatically once; what comes after is for a person to decide, so it never
    loops.
    """
    resume(machine, early=True)
    if not machine.settings.automatic:
        return False
    with open_store(machine.root, machine.clock) as store:
        last = _unjudged(machine, store)
        if last is None or last.complete or store.obstacle is not None or not last.point or last.removed:
            return False
        if any(item.update == last.id for item in store.history().rollbacks):
            return False
        store.journal.append("start-begun", id=last.id, boot=machine.boot)
        counted = store.history().update(last.id)
        if counted is None or counted.starts <= machine.settings.attempts:
            return False
    roll_back(machine, last.id, automatic=True)
    return True


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
