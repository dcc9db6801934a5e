"""Making the plan: the source is walked once, every entry is decided about and written into a journal file.

Nothing in the home is touched. The file is the plan; the run takes it over as its journal.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from libneuron.migration import discover
from libneuron.migration.classify import Claim, Classifier
from libneuron.migration.home import Home
from libneuron.migration.journal import Journal
from libneuron.migration.layouts.common import Layout, Setting
from libneuron.migration.layouts.registry import LAYOUTS
from libneuron.migration.model import Decision, Kind, Note, State
from libneuron.migration.programs import load_programs
from libneuron.migration.rows import Item
from libneuron.migration.rules import Patterns, Rule
from libneuron.migration.scan import Listing, Source
from libneuron.progress import Progress
from libneuron.system.filesystem import free_bytes
from libneuron.system.paths import resources

REST = "other"
"""The item that owns what no other one claims."""
_BLOCK = 4096
"""Bytes that a small file takes on the disk."""


@dataclass(frozen=True)
class Space:
    """Bytes needed and free on the home's file system."""

    needed: int
    free: int

    @property
    def enough(self) -> bool:
        """Whether everything selected fits, with a little left for the system."""
        return self.needed + (64 << 20) <= self.free or self.needed == 0


def space(journal: Journal, home: Path) -> Space:
    """What the selected items need, and what is free."""
    totals = journal.totals()
    return Space(journal.waiting_bytes() + _BLOCK * totals.waiting // 2, free_bytes(home))


def layouts(rules: Iterable[Rule], setting: Setting) -> list[tuple[Rule, Layout]]:
    """The rules that find something in this source, with what they do there."""
    found = []
    for rule in rules:
        layout = LAYOUTS[rule.layout](rule, setting)
        if layout is not None:
            found.append((rule, layout))
    return found


def path_pairs(
    person: discover.Person, home: Path, claims: Iterable[Claim], folders: Iterable[discover.KnownFolder]
) -> tuple[tuple[str, str], ...]:
    """Pairs for :class:`PathMap`: the Windows path of each claim, and where it goes ("" for nowhere)."""
    windows = {folder.path: folder.windows for folder in folders if folder.path is not None}
    pairs = []
    for claim in claims:
        name = windows.get(claim.path) or _windows_name(person, claim.path)
        if name is not None:
            pairs.append((name, "" if claim.exclude else str(home / claim.to)))
    return tuple(pairs)


def _windows_name(person: discover.Person, path: str) -> str | None:
    if not person.path or path == person.path or path.startswith(person.path + "/"):
        rest = path[len(person.path) :].strip("/")
        return "\\".join([str(person.windows), *([rest.replace("/", "\\")] if rest else [])])
    return "C:\\" + path.replace("/", "\\") if person.volume else None


def _roots(person: discover.Person, claims: Iterable[Claim]) -> list[str]:
    """Folders to walk from: the profile, and what lies outside of it; none inside another."""
    roots = [person.path]
    for path in sorted({claim.path for claim in claims}, key=len):
        if not any(root in ("", path) or path.startswith(root + "/") for root in roots):
            roots.append(path)
    return roots


class Planner:
    """Writes one plan. ``progress`` counts entries; its total is unknown."""

    def __init__(self, source: Source, home: Home, rules: tuple[Rule, ...], progress: Progress) -> None:
        self._source = source
        self._home = home
        self._rules = rules
        self._progress = progress
        self._folders: dict[tuple[str, bool], int] = {}
        self._listed: tuple[str, int] | None = None

    def write(self, path: Path, user: str | None) -> Journal:
        """Plan for the person ``user`` into the new file ``path``; the caller closes the journal.

        Raises: MigrationError not-windows, user-not-found, user-needed, source-gone; Cancelled.
        """
        person = discover.choose(discover.people(self._source), user)
        profile = discover.profile(self._source, person)
        setting = Setting(self._source, profile, self._home)
        found = layouts(self._rules, setting)
        claims = [claim for _rule, layout in found for claim in layout.claims]
        if not any(claim.path == person.path for claim in claims):
            claims.append(Claim(REST, person.path, "From Windows", Patterns(())))
        pairs = path_pairs(person, self._home.path, claims, profile.folders)
        journal = Journal(path, create=True)
        try:
            with journal.transaction():
                self._write_head(journal, person, found, profile.notes, pairs)
                self._write_entries(journal, Classifier(claims), _roots(person, claims))
            self._forget_empty(journal)
            journal.index()
        except BaseException:
            journal.close()
            raise
        return journal

    def _write_head(
        self,
        journal: Journal,
        person: discover.Person,
        found: list[tuple[Rule, Layout]],
        notes: tuple[Note, ...],
        pairs: tuple[tuple[str, str], ...],
    ) -> None:
        journal.set("source", str(self._source.origin))
        journal.set("user", person.name)
        journal.set("home", str(self._home.path))
        journal.set("pairs", json.dumps(pairs))
        names, more = discover.installed(self._source, person)
        advice = load_programs(resources() / "migration").advise(names, self._home.family())
        journal.set("programs", json.dumps([one.as_json() for one in advice]))
        self._folder(journal, "", private=False)
        for position, (rule, layout) in enumerate(found):
            params = {**layout.params, "layout": rule.layout}
            journal.add_item(position, Item(rule.id, rule.label, layout.to, True, params))  # noqa: FBT003
            for note in layout.notes:
                journal.add_note(note)
            for code in rule.advice:
                journal.add_note(Note(rule.id, code))
        for note in (*notes, *more):
            journal.add_note(note)

    def _write_entries(self, journal: Journal, classifier: Classifier, roots: list[str]) -> None:
        self._progress.start(total=None, unit="files")
        for root in roots:
            places = {root: classifier.start(root)}
            for listing in self._source.walk(root):
                place = places[listing.path] if listing.more else places.pop(listing.path)
                decisions = [classifier.decide(place, entry) for entry in listing.entries]
                prefix = f"{listing.path}/" if listing.path else ""
                for entry, decision in zip(listing.entries, decisions, strict=True):
                    if entry.kind is Kind.FOLDER and not entry.trouble:
                        places[prefix + entry.name] = classifier.inside(place, entry.name, decision)
                self._write_listing(journal, listing, decisions)
                self._progress.advance(len(listing.entries), item=listing.path)
        self._progress.finish()

    def _write_listing(self, journal: Journal, listing: Listing, decisions: list[Decision]) -> None:
        if self._listed is None or self._listed[0] != listing.path:  # not the next portion of the same folder
            self._listed = listing.path, journal.add_directory(listing.path)
        number = self._listed[1]
        rows = []
        times = []
        for entry, decision in zip(listing.entries, decisions, strict=True):
            folder = None
            if decision.state is State.PENDING:
                planned = decision.folder
                if entry.kind is Kind.FOLDER:
                    planned = f"{planned}/{decision.name}" if planned else decision.name
                folder = self._folder(journal, planned, private=decision.private)
                if entry.kind is Kind.FOLDER:
                    times.append((entry.mtime, folder))
            if decision.renamed:
                journal.add_note(Note(decision.item, "name-shortened", {"name": entry.name[:40] + "…"}))
            rows.append((entry, decision, number, folder))
        journal.add_entries(rows)
        journal.set_folder_times(times)
        if listing.trouble:
            # The folder itself was decided about with its parent, before anybody could know.
            parent, _, name = listing.path.rpartition("/")
            journal.database.execute(
                "UPDATE entry SET state = ?, reason = ? WHERE name = ? AND directory ="
                " (SELECT id FROM directory WHERE path = ?)",
                (int(State.UNAVAILABLE), "unreadable", os.fsencode(name), os.fsencode(parent)),
            )

    def _folder(self, journal: Journal, planned: str, *, private: bool) -> int:
        number = self._folders.get((planned, private))
        if number is None:
            if planned:
                self._folder(journal, planned.rpartition("/")[0], private=False)
            number = journal.add_folder(planned, private=private)
            if len(self._folders) > 1000:  # only neighbours come again
                self._folders.clear()
            self._folders[planned, private] = number
        return number

    @staticmethod
    def _forget_empty(journal: Journal) -> None:
        journal.database.execute(
            "DELETE FROM item WHERE id != ? AND id NOT IN (SELECT DISTINCT item FROM entry)", (REST,)
        )
        journal.database.execute("DELETE FROM note WHERE item != '' AND item NOT IN (SELECT id FROM item)"
                                 " AND code != 'folder-elsewhere'")  # fmt: skip
