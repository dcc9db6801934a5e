"""The journal of a run: the plan is written through it, the run reads and writes its entries here."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager

from libneuron.migration.destination import Destination
from libneuron.migration.errors import MigrationError
from libneuron.migration.journal_sums import Sums
from libneuron.migration.model import Decision, Entry, Kind, Note, State
from libneuron.migration.rows import COLUMNS, Folder, Item, Row, came_as_planned, row_of

_INDEX = """
CREATE INDEX IF NOT EXISTS note_entry ON note (entry);
"""


class Journal(Sums):
    """An open journal. Use as a context manager."""

    # The plan is written through these.

    def add_item(self, position: int, item: Item) -> None:
        """Add an item."""
        self.database.execute(
            "INSERT INTO item VALUES (?, ?, ?, ?, ?, ?)",
            (
                item.id,
                position,
                item.label,
                os.fsencode(item.target),
                int(item.selected),
                json.dumps(item.params),
            ),
        )

    def add_directory(self, path: str) -> int:
        """Add a folder of the source; returns its number."""
        return int(
            self.database.execute("INSERT INTO directory (path) VALUES (?)", (os.fsencode(path),)).lastrowid
            or 0
        )

    def add_folder(self, planned: str, *, private: bool) -> int:
        """Add a folder of the home (or find it); returns its number."""
        name = os.fsencode(planned)
        self.database.execute(
            "INSERT OR IGNORE INTO folder (planned, private) VALUES (?, ?)", (name, int(private))
        )
        (number,) = self.database.execute("SELECT id FROM folder WHERE planned = ?", (name,)).fetchone()
        return int(number)

    def set_folder_times(self, times: Iterable[tuple[int, int]]) -> None:
        """Note the mtimes that folders of the home get: (nanoseconds, folder)."""
        self.database.executemany("UPDATE folder SET mtime = ? WHERE id = ?", times)

    def add_entries(self, rows: Iterable[tuple[Entry, Decision, int, int | None]]) -> None:
        """Add decided entries: (entry, decision, source directory, folder of the home)."""
        self.database.executemany(
            "INSERT INTO entry (item, kind, directory, name, size, mtime, state, reason, folder, target,"
            " transform, private) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (
                    decision.item,
                    entry.kind.value,
                    directory,
                    os.fsencode(entry.name),
                    entry.size,
                    entry.mtime,
                    int(decision.state),
                    decision.reason,
                    folder,
                    os.fsencode(decision.name) if folder is not None else None,
                    decision.transform,
                    int(decision.private),
                )
                for entry, decision, directory, folder in rows
            ),
        )

    def add_note(self, note: Note) -> None:
        """Add a note."""
        self.database.execute(
            "INSERT INTO note (item, entry, code, params) VALUES (?, ?, ?, ?)",
            (note.item, note.entry, note.code, json.dumps(note.params)),
        )

    def index(self) -> None:
        """Build what the run looks things up by, once the plan is complete."""
        self.database.executescript(_INDEX)

    # Reading.

    def items(self) -> tuple[Item, ...]:
        """All items, in the plan's order."""
        return tuple(
            Item(name, label, os.fsdecode(target), bool(selected), json.loads(params))
            for name, label, target, selected, params in self.database.execute(
                "SELECT id, label, target, selected, params FROM item ORDER BY position"
            )
        )

    def select(self, wanted: frozenset[str]) -> None:
        """Choose the items to bring over. Raises: MigrationError item-not-found."""
        known = [item.id for item in self.items()]
        for name in sorted(wanted):
            if name not in known:
                raise MigrationError("migration.item-not-found", item=name, found=", ".join(known))
        with self.transaction():
            for name in known:
                self.database.execute(
                    "UPDATE item SET selected = ? WHERE id = ?", (int(name in wanted), name)
                )

    def notes(self) -> tuple[Note, ...]:
        """All notes, as they were written."""
        return tuple(
            Note(item, code, json.loads(params), entry)
            for item, entry, code, params in self.database.execute(
                "SELECT item, entry, code, params FROM note ORDER BY id"
            )
        )

    def directory(self, number: int) -> str:
        """The path of a folder of the source."""
        (path,) = self.database.execute("SELECT path FROM directory WHERE id = ?", (number,)).fetchone()
        return os.fsdecode(path)

    def folder(self, number: int) -> Folder:
        """A folder of the home."""
        return self._folders("WHERE id = ?", (number,))[0]

    def folder_named(self, planned: bytes) -> Folder | None:
        """The folder planned at a path, or None."""
        found = self._folders("WHERE planned = ?", (planned,))
        return found[0] if found else None

    def folders(self) -> list[Folder]:
        """All folders, parents before what is in them."""
        return self._folders("ORDER BY length(planned), planned", ())

    def _folders(self, where: str, values: tuple[object, ...]) -> list[Folder]:
        found = self.database.execute(
            f"SELECT id, planned, private, actual, existed, before, mtime FROM folder {where}",  # noqa: S608
            values,
        )
        return [
            Folder(
                number,
                planned,
                bool(private),
                actual,
                None if existed is None else bool(existed),
                before,
                mtime,
            )
            for number, planned, private, actual, existed, before, mtime in found
        ]

    def rows(self, *states: State, after: int = 0, limit: int = 1024) -> list[Row]:
        """At most ``limit`` entries in one of ``states`` with a number over ``after``, by number."""
        marks = ", ".join(str(int(state)) for state in states)
        found = self.database.execute(
            f"SELECT {COLUMNS} FROM entry WHERE id > ? AND state IN ({marks}) ORDER BY id LIMIT ?",  # noqa: S608
            (after, limit),
        )
        return [row_of(values) for values in found]

    def every(self, *states: State, limit: int = 1024) -> Iterator[Row]:
        """All entries in one of ``states``, a portion in memory at a time."""
        last = 0
        while portion := self.rows(*states, after=last, limit=limit):
            yield from portion
            last = portion[-1].id

    def renamed_in(self, folder: int) -> dict[str, str]:
        """Entries in a folder of the home that have another name than the plan's, by that of the plan."""
        found = self.database.execute(
            "SELECT target, placed FROM entry WHERE folder = ? AND placed IS NOT NULL AND placed != target",
            (folder,),
        ).fetchall()
        return {os.fsdecode(target): os.fsdecode(placed) for target, placed in found}

    # Writing during the run.

    def save(self, rows: Iterable[Row]) -> None:
        """Store what changed in ``rows``."""
        self.database.executemany(
            "UPDATE entry SET state = ?, reason = ?, placed = ?, created = ?, hash = ?, inode = ?,"
            " written = ?, outcome = ?, mode = ?, kept = ?, kept_hash = ? WHERE id = ?",
            (
                (
                    int(row.state),
                    row.reason,
                    row.placed,
                    int(row.created),
                    row.hash,
                    row.inode,
                    row.written,
                    None if row.outcome is None else int(row.outcome),
                    row.mode,
                    row.kept,
                    row.kept_hash,
                    row.id,
                )
                for row in rows
            ),
        )

    def save_ready(self, rows: Iterable[Row]) -> None:
        """Store what is known of ``rows`` once they are written: nothing else of them changes until then."""
        self.database.executemany(
            "UPDATE entry SET state = 1, hash = ?, inode = ?, written = ?, outcome = ?, mode = ?"
            " WHERE id = ?",
            ((row.hash, row.inode, row.written, row.outcome, row.mode, row.id) for row in rows),
        )

    def save_renamed(self, rows: list[Row]) -> None:
        """Store that ``rows``, all READY ones between the first and the last, have their names."""
        if not rows:
            return
        numbers = [row.id for row in rows]
        self.database.execute(
            "UPDATE entry SET state = outcome, created = (kind != ?), reason = ''"
            " WHERE id BETWEEN ? AND ? AND state = ?",
            (Kind.FOLDER.value, min(numbers), max(numbers), int(State.READY)),
        )
        self.save(row for row in rows if not came_as_planned(row))

    def settling(self, destination: Destination) -> AbstractContextManager[None]:
        """A transaction that is durable once ``destination`` is synced."""
        # The journal lies in the home; where its folder is another file system's, the commit itself waits.
        return self.ordered_transaction() if destination.syncs(self.path) else self.transaction()

    def save_folders(self, folders: Iterable[Folder]) -> None:
        """Store what changed in ``folders``."""
        self.database.executemany(
            "UPDATE folder SET actual = ?, existed = ?, before = ?, mtime = ? WHERE id = ?",
            (
                (
                    one.actual,
                    None if one.existed is None else int(one.existed),
                    one.before,
                    one.mtime,
                    one.id,
                )
                for one in folders
            ),
        )
