"""Runs the checks, compares, and keeps what they said."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from libneuron.progress import Progress
from libneuron.updates.errors import UpdateError
from libneuron.updates.examine import examine
from libneuron.updates.health import Result, Verdict, compare, results_from_json, visible
from libneuron.updates.machine import Machine
from libneuron.updates.store import Store, open_store


@dataclass(frozen=True)
class Judged:
    """Check results and what they mean."""

    update: str
    results: tuple[Result, ...]
    verdict: Verdict
    packages: Mapping[str, tuple[str, str]] = field(default_factory=dict)


def read_baseline(path: Path) -> tuple[Result, ...]:
    """Results from a file that ``check --json`` wrote. Raises: UpdateError baseline-invalid."""
    try:
        data = json.loads(path.read_bytes())
        return results_from_json(data["checks"] if isinstance(data, dict) else data)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UpdateError("updates.baseline-invalid", name=str(path), details=repr(error)) from error


def check(machine: Machine, baseline: tuple[Result, ...] | None, progress: Progress | None = None) -> Judged:
    """Run all checks and compare with ``baseline``. Needs no root; what cannot be seen is unknown."""
    results = examine(machine.checks(), machine.subject(), progress)
    return Judged("", results, compare(baseline, results))


def baseline_of(machine: Machine, identity: str) -> tuple[Result, ...]:
    """The results from before the update ``identity``. Raises: UpdateError no-such-point, not-root."""
    with open_store(machine.root, machine.clock) as store:
        found = store.results(identity, "before") if identity.isdigit() else None
    if found is None:
        raise UpdateError("updates.no-such-point", name=identity)
    return found


def as_json(results: tuple[Result, ...]) -> list[dict[str, Any]]:
    """Check results as they are kept."""
    return [result.as_json() for result in results]


def judge(
    machine: Machine,
    store: Store,
    identity: str,
    when: str,
    progress: Progress | None,
    *,
    offline: bool = False,
) -> Judged:
    """Run the checks, compare them with those before the update, and record the verdict as of ``when``."""
    before = store.results(identity, "before")
    results = examine(machine.checks(), machine.subject(offline=offline), progress)
    verdict = compare(before, visible(results))
    store.save(identity, when, as_json(results))
    store.journal.append("verdict", id=identity, when=when, verdict=verdict.as_json())
    return Judged(identity, results, verdict)
