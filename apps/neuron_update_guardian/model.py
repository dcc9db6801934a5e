"""What the window shows, made from the history's JSON. Knows no Qt; texts are asked of ``translate``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from typing import Any

from libneuron.errors import Translate


class Mood(Enum):
    """How an entry of the time line came out."""

    GOOD = "good"
    BAD = "bad"
    WAITING = "waiting"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Entry:
    """One update or roll back. ``id`` is what the command line calls it; ``restorable``: its restore point is
    there; ``worse``: check → what is wrong now and was not before; ``size``: bytes that its restore
    point takes for itself, None while that is not known; ``foreign``: the program that made this snapshot."""

    id: str
    at: datetime
    is_rollback: bool
    mood: Mood
    tool: str
    packages: Mapping[str, tuple[str, str]]
    worse: Mapping[str, tuple[str, ...]]
    problems: tuple[str, ...]
    restorable: bool
    pinned: bool
    stage: str
    no_way_back: str
    undone: str = ""
    size: int | None = None
    foreign: str = ""


@dataclass(frozen=True)
class Timeline:
    """Everything the window shows; newest first. ``obstacle`` says why this machine cannot be rolled back."""

    entries: tuple[Entry, ...] = ()
    obstacle: str = ""
    obstacle_hint: str = ""
    held: Mapping[str, str] = field(default_factory=dict)

    @property
    def latest(self) -> Entry | None:
        """The newest entry of our own."""
        return next((item for item in self.entries if not item.foreign), None)

    @property
    def pending(self) -> Entry | None:
        """The roll back that waits for a restart."""
        return next((item for item in self.entries if item.is_rollback and item.mood is Mood.WAITING), None)


def _update(data: Mapping[str, Any]) -> Entry:
    verdict = data.get("verdict") or {}
    healthy = data.get("healthy")
    mood = Mood.UNKNOWN if healthy is None else Mood.GOOD if healthy else Mood.BAD
    if data.get("stage") in ("beginning", "open"):
        mood = Mood.WAITING
    new = verdict.get("new_items", {})
    worse = {name: tuple(new.get(name, ())) for name in verdict.get("regressions", ())}
    worse |= dict.fromkeys(verdict.get("undecided", ()), ())
    return Entry(
        id=str(data["id"]),
        at=datetime.fromisoformat(data["begun"]),
        is_rollback=False,
        mood=mood,
        tool=str(data.get("tool", "")),
        packages={name: (str(pair[0]), str(pair[1])) for name, pair in data.get("packages", {}).items()},
        worse=worse,
        problems=(),
        restorable=bool(data.get("restorable")),
        pinned=bool(data.get("pinned")),
        stage=str(data.get("stage", "")),
        no_way_back=str(data.get("no_way_back", "")),
    )


def _rollback(data: Mapping[str, Any]) -> Entry:
    state = str(data.get("state", ""))
    mood = {"restored": Mood.GOOD, "unverified": Mood.BAD, "abandoned": Mood.UNKNOWN}.get(state, Mood.WAITING)
    return Entry(
        id=str(data["id"]),
        at=datetime.fromisoformat(data["at"]),
        is_rollback=True,
        mood=mood,
        tool="",
        packages={},
        worse={},
        problems=tuple(str(item) for item in data.get("problems", ())),
        restorable=state in ("restored", "unverified"),
        pinned=False,
        stage=state,
        no_way_back="",
        undone=str(data.get("update", "")),
    )


def timeline(data: Mapping[str, Any]) -> Timeline:
    """The history's JSON as entries. Raises: KeyError, ValueError, TypeError where it is no such thing."""
    entries = [_update(item) for item in data.get("updates", ())]
    entries += [_rollback(item) for item in data.get("rollbacks", ())]
    obstacle = data.get("obstacle") or {}
    return Timeline(
        entries=tuple(sorted(entries, key=lambda item: item.at, reverse=True)),
        obstacle=str(obstacle.get("message", "")),
        obstacle_hint=str(obstacle.get("hint", "")),
        held={str(name): str(version) for name, version in data.get("held", {}).items()},
    )


def _foreign(data: Mapping[str, Any], at: datetime) -> Entry:
    return Entry(
        id=f"{data['tool']} {data['id']}",
        at=at,
        is_rollback=False,
        mood=Mood.UNKNOWN,
        tool=str(data["tool"]),
        packages={},
        worse={},
        problems=(str(data["description"]),) if data.get("description") else (),
        restorable=False,
        pinned=False,
        stage="foreign",
        no_way_back="",
        foreign=str(data["tool"]),
    )


def with_holdings(shown: Timeline, data: Mapping[str, Any]) -> Timeline:
    """``shown`` with what its restore points take, and the snapshots of other programs between them.

    Raises: KeyError, ValueError, TypeError where ``data`` is no such thing.
    """
    space = data.get("space", {})
    entries = [
        replace(item, size=int(space[item.id])) if item.id in space else item for item in shown.entries
    ]
    entries += [
        _foreign(item, datetime.fromisoformat(item["at"]))
        for item in data.get("others", ())
        if item.get("at")
    ]
    return replace(shown, entries=tuple(sorted(entries, key=lambda item: item.at, reverse=True)))


def headline(shown: Timeline, translate: Translate) -> tuple[Mood, str]:
    """The state of the machine in one sentence."""
    if shown.pending is not None:
        return Mood.WAITING, translate("Guardian", "A roll back is ready. Restart the computer to finish it.")
    latest = shown.latest
    if latest is None:
        return Mood.UNKNOWN, translate("Guardian", "No update has been recorded on this computer yet.")
    if latest.is_rollback:
        return latest.mood, outcome(latest, translate)
    texts = {
        Mood.GOOD: translate("Guardian", "All is well since the last update."),
        Mood.BAD: translate("Guardian", "Something stopped working after the last update."),
        Mood.WAITING: translate("Guardian", "An update is in progress."),
        Mood.UNKNOWN: translate("Guardian", "The last update has not been judged yet."),
    }
    return latest.mood, texts[latest.mood]


def outcome(entry: Entry, translate: Translate) -> str:
    """How an entry came out, in a few words."""
    if entry.is_rollback:
        return {
            Mood.GOOD: translate("Guardian", "Restored and verified"),
            Mood.BAD: translate("Guardian", "Rolled back, but not all could be verified"),
            Mood.WAITING: translate("Guardian", "Waits for a restart"),
            Mood.UNKNOWN: translate("Guardian", "Given up; nothing was changed"),
        }[entry.mood]
    if entry.foreign:
        return translate("Guardian", "Made by another program")
    if entry.stage == "rolled-back":
        return translate("Guardian", "Rolled back")
    return {
        Mood.GOOD: translate("Guardian", "All is well"),
        Mood.BAD: translate("Guardian", "Something got worse"),
        Mood.WAITING: translate("Guardian", "In progress"),
        Mood.UNKNOWN: translate("Guardian", "Not judged"),
    }[entry.mood]
