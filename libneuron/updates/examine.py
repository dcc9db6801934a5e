"""Runs checks: all of them, at the same time, each within its own limit."""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence
from dataclasses import replace

from libneuron.errors import NeuronError
from libneuron.progress import Progress
from libneuron.updates.checks import Check
from libneuron.updates.health import Outcome, Result, unknown
from libneuron.updates.subject import Subject


def _look(check: Check, subject: Subject) -> Outcome:
    try:
        return check.probe(replace(subject, limit=check.limit))
    except NeuronError as error:
        return unknown("crashed", problem=error.sentence())
    except PermissionError as error:
        return unknown("no-permission", path=error.filename or "")
    except OSError as error:
        return unknown("crashed", problem=f"{error.strerror}: {error.filename}")


def examine(
    checks: Sequence[Check], subject: Subject, progress: Progress | None = None
) -> tuple[Result, ...]:
    """Run every check and report every one, in the order given.

    Each runs on a thread of its own; one that does not come back within its limit is reported unknown and
    left behind (a thread stuck in the kernel cannot be ended), so it costs its limit and nothing else.
    Raises: Cancelled.
    """
    done: queue.SimpleQueue[tuple[int, Outcome, float]] = queue.SimpleQueue()
    started = subject.clock.monotonic()

    def work(index: int, check: Check) -> None:
        begun = subject.clock.monotonic()
        outcome = _look(check, subject)
        done.put((index, outcome, (subject.clock.monotonic() - begun) * 1000))

    if progress is not None:
        progress.start(total=len(checks), unit="checks")
    for index, check in enumerate(checks):
        threading.Thread(target=work, args=(index, check), name=f"check-{check.id}", daemon=True).start()
    found: dict[int, Result] = {}
    while len(found) < len(checks):
        passed = subject.clock.monotonic() - started
        waiting = [(check.limit, index) for index, check in enumerate(checks) if index not in found]
        limit, index = min(waiting)
        try:
            index, outcome, ms = done.get(timeout=max(0.0, limit + 0.25 - passed))
        except queue.Empty:
            outcome, ms = unknown("timeout", seconds=f"{limit:g}"), limit * 1000
        check = checks[index]
        if index not in found:
            found[index] = Result(check.id, check.title, check.required, outcome, ms)
            if progress is not None:
                progress.advance(1, item=check.title)
    if progress is not None:
        progress.finish()
    return tuple(found[index] for index in range(len(checks)))
