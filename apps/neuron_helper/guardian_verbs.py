"""The Update Guardian's verbs. A restore point is named by its number; paths are derived in the library."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from libneuron.progress import Progress
from libneuron.updates import guardian, published
from libneuron.updates.guardian import Judged, Machine
from neuron_helper.verbs import Verb, matching, switch

_READ = "org.neuronos.updates.read"
_CHECK = "org.neuronos.updates.check"
_MANAGE = "org.neuronos.updates.manage"
_ROLLBACK = "org.neuronos.updates.rollback"

_UPDATE = r"[0-9]{1,9}"
_POINT = r"r?[0-9]{1,9}"


def judged_json(judged: Judged) -> dict[str, Any]:
    """Results and verdict for the bus."""
    return {
        "update": judged.update,
        "checks": [result.as_json() for result in judged.results],
        "verdict": judged.verdict.as_json(),
    }


def guardian_verbs(machine: Callable[[], Machine]) -> tuple[Verb, ...]:
    """The verbs; ``machine`` is asked anew for each call, so that changed settings count."""

    def history(_given: Mapping[str, Any], _progress: Progress) -> Any:
        return published.history_json(guardian.history(machine()))

    def check(_given: Mapping[str, Any], progress: Progress) -> Any:
        here = machine()
        past = guardian.history(here)
        last = past.updates[-1].id if past.updates else None
        baseline = guardian.baseline_of(here, last) if last is not None else None
        return judged_json(guardian.check(here, baseline, progress))

    def begin(_given: Mapping[str, Any], progress: Progress) -> Any:
        begun = guardian.begin(machine(), tool="by hand", progress=progress)
        return {"update": begun.update, "joined": begun.joined, "no_way_back": begun.obstacle}

    def end(_given: Mapping[str, Any], progress: Progress) -> Any:
        return judged_json(guardian.end(machine(), progress=progress))

    def confirm(given: Mapping[str, Any], _progress: Progress) -> Any:
        return {"update": guardian.confirm(machine(), given["update"])}

    def pin(given: Mapping[str, Any], _progress: Progress) -> Any:
        guardian.pin(machine(), given["update"], pinned=given["pinned"])
        return {}

    def preview(given: Mapping[str, Any], _progress: Progress) -> Any:
        seen = guardian.look_ahead(machine(), given["point"]).as_json()
        return {
            **seen,
            "files": [],
        }  # anyone at the desk may look: names in other people's folders stay hidden

    def diff(given: Mapping[str, Any], _progress: Progress) -> Any:
        found = guardian.changes(machine(), given["one"], given["other"])
        return {"packages": {name: list(pair) for name, pair in found.items()}}

    def rollback(given: Mapping[str, Any], progress: Progress) -> Any:
        return published.rollback_json(guardian.roll_back(machine(), given["point"], progress=progress))

    def drop(_given: Mapping[str, Any], _progress: Progress) -> Any:
        return published.rollback_json(guardian.drop(machine()))

    update = matching("update", _UPDATE)
    point = matching("point", _POINT)
    return (
        Verb("UpdatesHistory", _READ, (), history),
        Verb("UpdatesCheck", _CHECK, (), check),
        Verb("UpdatesPreview", _READ, (point,), preview),
        Verb("UpdatesDiff", _READ, (matching("one", _UPDATE), matching("other", rf"{_UPDATE}|now")), diff),
        Verb("UpdatesBegin", _MANAGE, (), begin),
        Verb("UpdatesEnd", _MANAGE, (), end),
        Verb("UpdatesConfirm", _MANAGE, (update,), confirm),
        Verb("UpdatesPin", _MANAGE, (update, switch("pinned")), pin),
        Verb("UpdatesRollback", _ROLLBACK, (point,), rollback),
        Verb("UpdatesDrop", _ROLLBACK, (), drop),
    )
