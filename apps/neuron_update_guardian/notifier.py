"""Tells the person how an update or roll back went: once, in this session or the next. Knows no Qt.

Started by a path unit when the verdict is published, and at log-in. What was told is remembered with the
person's state, so nothing is told twice and nothing is lost by a log-out in between.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from libneuron.errors import Translate
from libneuron.system.bus import Bus
from libneuron.system.files import make_private_directory, write_atomic
from libneuron.system.notifications import Note, Urgency, notify
from neuron_update_guardian.model import Entry, Mood, Timeline, outcome

APP_ID = "org.neuronos.UpdateGuardian"


@dataclass(frozen=True)
class News:
    """Something to tell. ``key`` changes when there is something new to say; ``entry`` is what it is
    about.
    """

    key: str
    note: Note
    entry: str


def news(shown: Timeline, told: str, translate: Translate) -> News | None:
    """What is to be told about the newest entry, or None where it was told or there is nothing to tell."""
    latest = shown.latest
    if latest is None or latest.stage in ("beginning", "open", "preparing", "abandoned"):
        return None
    key = f"{latest.id} {latest.stage} {latest.mood.value}"
    if key == told or (latest.mood is Mood.UNKNOWN and not latest.is_rollback):
        return None
    return News(
        key,
        _note(latest, can_roll_back=latest.restorable and not shown.obstacle, translate=translate),
        latest.id,
    )


def _note(entry: Entry, *, can_roll_back: bool, translate: Translate) -> Note:
    name = translate("Guardian", "Update Guardian")
    if entry.is_rollback:
        details = "; ".join(entry.problems)
        urgency = Urgency.NORMAL if entry.mood is not Mood.BAD else Urgency.CRITICAL
        return Note(APP_ID, name, outcome(entry, translate), details, urgency)
    if entry.mood is Mood.GOOD:
        count = len(entry.packages)
        body = translate("Notifier", "{count} packages changed; every check is as good as before.").format(
            count=count
        )
        return Note(APP_ID, name, translate("Notifier", "Updated, all good"), body, Urgency.LOW)
    wrong = [item for items in entry.worse.values() for item in items] or list(entry.worse)
    actions = {"details": translate("Notifier", "Details")}
    if can_roll_back:
        actions["rollback"] = translate("Notifier", "Roll back")
    actions["keep"] = translate("Notifier", "Keep")
    return Note(
        APP_ID,
        name,
        translate("Notifier", "Something stopped working after the update"),
        ", ".join(wrong[:4]) + ("…" if len(wrong) > 4 else ""),
        Urgency.CRITICAL,
        actions,
        translate("Notifier", "Open Update Guardian to see more or to roll back."),
    )


def read_told(state: Path) -> str:
    """The key that was told last, "" where none was."""
    try:
        return str(json.loads((state / "told.json").read_bytes())["key"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def remember(state: Path, key: str) -> None:
    """Note that ``key`` was told. Raises: OSError."""
    make_private_directory(state)
    write_atomic(state / "told.json", json.dumps({"key": key}).encode(), mode=0o600)


async def tell(bus: Bus, item: News, state: Path, *, wait: float | None = None) -> str | None:
    """Show ``item`` and wait for the person's choice, where the desktop offers one; returns it.

    It counts as told once it is shown. Raises: SystemAccessError where no notification server runs.
    """
    return await notify(bus, item.note, wait=wait, shown=lambda: remember(state, item.key))
