"""What a plan or a run comes to, as values for the command line, the wizard and the report."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass

from libneuron.errors import Translate, english
from libneuron.migration import notes
from libneuron.migration.journal import Journal
from libneuron.migration.model import FINAL, Note, State, Totals
from libneuron.migration.programs import Advice
from libneuron.migration.reasons import REASONS
from libneuron.migration.rows import Item

WORDS = {
    State.COPIED: "copied",
    State.TRANSFORMED: "transformed",
    State.EXCLUDED: "excluded",
    State.KEPT_BOTH: "kept_both",
    State.UNAVAILABLE: "unavailable",
    State.FAILED: "failed",
}
_TELLING = ("failed", "kept_both", "transformed", "copied", "unavailable", "excluded")
"""The most telling word first: an item has the first that any of its entries has."""
_ENTRY_NOTES = 50
"""Notes about single entries that an item's list holds; the report's tables hold them all."""


@dataclass(frozen=True)
class ItemSummary:
    """One item. ``count`` and ``size`` (bytes) are of what comes over; ``notes`` are sentences."""

    item: Item
    totals: Totals
    count: int
    size: int
    notes: tuple[str, ...]

    @property
    def state(self) -> str:
        """The most telling state of its entries; "planned" while any waits, "empty" without any."""
        if self.totals.waiting:
            return "planned"
        counts = self.totals.as_json()
        return next((word for word in _TELLING if counts[word]), "empty")


def items(journal: Journal, translate: Translate = english) -> tuple[ItemSummary, ...]:
    """All items with their sums and notes."""
    sizes = journal.item_sizes()
    totals = journal.totals_by_item()
    told: dict[str, list[str]] = {}
    for note in journal.notes():
        if note.entry is not None and len(told.get(note.item, [])) >= _ENTRY_NOTES:
            continue
        sentence = notes.text(note, translate)
        if sentence not in told.setdefault(note.item, []):
            told[note.item].append(sentence)
    for name, count in journal.already_there().items():
        told.setdefault(name, []).append(
            notes.text(Note(name, "already-there", {"count": str(count)}), translate)
        )
    return tuple(
        ItemSummary(
            item,
            totals.get(item.id, Totals()),
            *sizes.get(item.id, (0, 0)),
            tuple(told.get(item.id, ())),
        )
        for item in journal.items()
    )


def programs(journal: Journal) -> tuple[Advice, ...]:
    """The programs that were installed in Windows, and what does their work here."""
    return tuple(Advice(**one) for one in json.loads(journal.get("programs", "[]")))


@dataclass(frozen=True)
class Line:
    """One entry that did not simply come over. Paths as shown to a person; ``reason`` is a sentence."""

    state: str
    item: str
    path: str
    reason: str
    placed: str
    size: int


def lines(journal: Journal, *states: State, translate: Translate = english) -> Iterator[Line]:
    """The entries in these states, in the order of the scan."""
    wanted = states or FINAL
    for row in journal.every(*wanted):
        folder = journal.directory(row.directory)
        path = f"{folder}/{os.fsdecode(row.name)}" if folder else os.fsdecode(row.name)
        placed = ""
        if row.hash is not None and row.folder is not None:
            above = os.fsdecode(journal.folder(row.folder).actual or b"")
            placed = f"{above}/{os.fsdecode(row.there)}" if above else os.fsdecode(row.there)
        reason = translate(*REASONS[row.reason]) if row.reason else ""
        yield Line(WORDS[row.state], row.item, _shown(path), reason, _shown(placed), row.size)


def _shown(path: str) -> str:
    """Undecodable bytes of a name as replacement characters, which every output can hold."""
    return os.fsencode(path).decode("utf-8", "replace")


def ok(totals: Totals) -> bool:
    """Whether everything that could come has come."""
    return totals.failed == 0 and totals.waiting == 0


def left_out(journal: Journal, translate: Translate = english) -> Iterator[tuple[str, int]]:
    """How many entries were left out for each reason, most first."""
    for reason, count in journal.database.execute(
        "SELECT reason, count(*) FROM entry WHERE state = ? GROUP BY reason ORDER BY count(*) DESC, reason",
        (int(State.EXCLUDED),),
    ):
        yield translate(*REASONS[reason]), count


def general_notes(journal: Journal, translate: Translate = english) -> tuple[str, ...]:
    """Notes about the source as a whole, or about items that are not there."""
    known = {item.id for item in journal.items()}
    return tuple(notes.text(note, translate) for note in journal.notes() if note.item not in known)
