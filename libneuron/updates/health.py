"""Values of health: what one check found, and how two sets of findings compare. Pure.

A check names the *items* that are wrong (units, files, packages). Comparing sets of items instead of
yes/no is what lets a machine with a failing unit from before still notice a second one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from libneuron.errors import Translate, english
from libneuron.updates.texts import CHECK_TEXTS


class State(Enum):
    """How a check came out."""

    OK = "ok"
    FAILED = "failed"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not-applicable"


@dataclass(frozen=True)
class Outcome:
    """What a check kind found. ``code`` is a key of CHECK_TEXTS; ``items`` are the things that are wrong."""

    state: State
    code: str
    items: tuple[str, ...] = ()
    params: Mapping[str, object] = field(default_factory=dict)

    def sentence(self, translate: Translate = english) -> str:
        """The outcome as one sentence."""
        shown = ", ".join(self.items[:8]) + ("…" if len(self.items) > 8 else "")
        return translate(*CHECK_TEXTS[self.code]).format_map({**self.params, "items": shown})


def ok(code: str = "ok", **params: object) -> Outcome:
    """All is well."""
    return Outcome(State.OK, code, params=params)


def failed(code: str, items: Iterable[str], **params: object) -> Outcome:
    """``items`` are wrong; an empty collection means that all is well."""
    wrong = tuple(sorted(set(items)))
    return Outcome(State.FAILED, code, wrong, params) if wrong else ok()


def unknown(code: str, **params: object) -> Outcome:
    """The check could not find out."""
    return Outcome(State.UNKNOWN, code, params=params)


def not_applicable(code: str = "not-applicable", **params: object) -> Outcome:
    """This machine does not have what the check looks at."""
    return Outcome(State.NOT_APPLICABLE, code, params=params)


@dataclass(frozen=True)
class Result:
    """One check's outcome on one occasion. ``ms`` is the time it took in milliseconds."""

    id: str
    title: str
    required: bool
    outcome: Outcome
    ms: float

    def as_json(self, translate: Translate = english) -> dict[str, Any]:
        """The object of ``check --json``, plus what a comparison needs to read it back."""
        return {
            "id": self.id,
            "title": self.title,
            "ok": self.outcome.state in (State.OK, State.NOT_APPLICABLE),
            "required": self.required,
            "state": self.outcome.state.value,
            "detail": self.outcome.sentence(translate),
            "ms": round(self.ms, 1),
            "items": list(self.outcome.items),
            "code": self.outcome.code,
            "params": {key: str(value) for key, value in self.outcome.params.items()},
        }


@dataclass(frozen=True)
class Regression:
    """A check that got worse: ``items`` are wrong now and were not before."""

    id: str
    required: bool
    items: tuple[str, ...]


@dataclass(frozen=True)
class Verdict:
    """The comparison of now with before.

    ``worse`` holds required checks that got worse, ``warnings`` the wanted ones; ``before_too`` those that
    failed before in the same way; ``undecided`` required checks that could be made only before, or that fail
    and could not be made before; ``compared`` is False where there was nothing to compare with.
    """

    worse: tuple[Regression, ...]
    warnings: tuple[Regression, ...]
    before_too: tuple[str, ...]
    undecided: tuple[str, ...]
    compared: bool
    checked: int

    @property
    def healthy(self) -> bool:
        """Nothing required got worse, and nothing required escaped judgement."""
        return not self.worse and not self.undecided

    @property
    def regressions(self) -> tuple[str, ...]:
        """Ids of the required checks that got worse."""
        return tuple(item.id for item in self.worse)

    def as_json(self) -> dict[str, Any]:
        """For the journal and for ``--json``."""
        return {
            "healthy": self.healthy,
            "regressions": list(self.regressions),
            "new_items": {item.id: list(item.items) for item in (*self.worse, *self.warnings)},
            "warnings": [item.id for item in self.warnings],
            "failing_before_too": list(self.before_too),
            "undecided": list(self.undecided),
            "compared": self.compared,
            "checked": self.checked,
        }


def results_from_json(data: Iterable[Mapping[str, Any]]) -> tuple[Result, ...]:
    """Results saved by :meth:`Result.as_json`.

    Raises: KeyError, ValueError where the data is no such thing.
    """
    return tuple(
        Result(
            id=str(item["id"]),
            title=str(item.get("title", item["id"])),
            required=bool(item["required"]),
            outcome=Outcome(
                State(item["state"]),
                code if (code := str(item.get("code", "saved"))) in CHECK_TEXTS else "saved",
                tuple(str(name) for name in item.get("items", ())),
                {"detail": str(item.get("detail", "")), **item.get("params", {})},
            ),
            ms=float(item.get("ms", 0)),
        )
        for item in data
    )


OFFLINE = "offline"
"""The code of what cannot be seen in a start for the update alone."""


def filled(results: tuple[Result, ...], earlier: tuple[Result, ...]) -> tuple[Result, ...]:
    """``results`` of a start for the update alone, with what was last seen of that which is down in it."""
    known = {result.id: result for result in earlier}
    return tuple(
        known.get(result.id, result) if result.outcome.code == OFFLINE else result for result in results
    )


def visible(results: tuple[Result, ...]) -> tuple[Result, ...]:
    """``results`` without what cannot be seen in a start for the update alone."""
    return tuple(result for result in results if result.outcome.code != OFFLINE)


def compare(before: Iterable[Result] | None, after: Iterable[Result]) -> Verdict:
    """What got worse since ``before``; with None every failing check counts as having got worse.

    A failing check counts when it was not failing before, or when it names an item it did not name before.
    A check that did not exist before is compared with "fine": it came with the update.
    """
    now = tuple(after)
    earlier = {result.id: result.outcome for result in before or ()}
    worse: list[Regression] = []
    warnings: list[Regression] = []
    before_too: list[str] = []
    undecided: list[str] = []
    for result in now:
        was = earlier.get(result.id)
        if result.outcome.state is State.FAILED:
            known = was.items if was is not None and was.state is State.FAILED else ()
            new = tuple(item for item in result.outcome.items if item not in known)
            if was is not None and was.state is State.UNKNOWN and result.required:
                undecided.append(result.id)  # it may have been so before: no reason to blame the update
            elif new or was is None or was.state is State.OK:
                found = Regression(result.id, result.required, new)
                (worse if result.required else warnings).append(found)
            else:
                before_too.append(result.id)
        elif (
            result.outcome.state is State.UNKNOWN
            and result.required
            and (was is None or was.state in (State.OK, State.FAILED))
        ):
            undecided.append(result.id)
    return Verdict(
        tuple(worse), tuple(warnings), tuple(before_too), tuple(undecided), before is not None, len(now)
    )
