"""The journal: one SQLite file that is the plan before the run, its log during it, and its proof after it.

WAL with synchronous=FULL: a commit that returned survives power loss. It lies in the home it describes
(``.local/state/neuron/migration/<run>/journal.db``). Names are stored as bytes, as the file system has them.
One thread writes.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from libneuron.migration.errors import MigrationError
from libneuron.migration.model import FINAL, Decision, Entry, Kind, Note, State, Totals

VERSION = 1
_CHECKPOINT = 4000
"""Pages of 4 KiB in the log before it is worked into the database."""
_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE item (
    id TEXT PRIMARY KEY, position INTEGER NOT NULL, label TEXT NOT NULL, target BLOB NOT NULL,
    selected INTEGER NOT NULL, params TEXT NOT NULL
);
CREATE TABLE directory (id INTEGER PRIMARY KEY, path BLOB NOT NULL);
CREATE TABLE folder (
    id INTEGER PRIMARY KEY, planned BLOB NOT NULL UNIQUE, private INTEGER NOT NULL,
    actual BLOB, existed INTEGER, before INTEGER, mtime INTEGER
);
CREATE TABLE entry (
    id INTEGER PRIMARY KEY, item TEXT NOT NULL, kind TEXT NOT NULL, directory INTEGER NOT NULL,
    name BLOB NOT NULL, size INTEGER NOT NULL, mtime INTEGER NOT NULL,
    state INTEGER NOT NULL, reason TEXT NOT NULL,
    folder INTEGER, target BLOB, transform TEXT NOT NULL, private INTEGER NOT NULL,
    placed BLOB, created INTEGER NOT NULL DEFAULT 0, hash BLOB, inode INTEGER, written INTEGER,
    outcome INTEGER, mode INTEGER, kept BLOB, kept_hash BLOB
);
CREATE TABLE note (
    id INTEGER PRIMARY KEY, item TEXT NOT NULL, entry INTEGER, code TEXT NOT NULL, params TEXT NOT NULL
);
"""
_INDEX = """
CREATE INDEX IF NOT EXISTS entry_open ON entry (id) WHERE state < 10;
CREATE INDEX IF NOT EXISTS note_entry ON note (entry);
"""


@dataclass(frozen=True)
class Item:
    """One thing of the plan that can be chosen or left out."""

    id: str
    label: str
    target: str
    """Below the home; "" for the home itself."""
    selected: bool
    params: dict[str, object]


@dataclass(slots=True)
class Row:
    """One entry of the journal, as the engine works on it."""

    id: int
    item: str
    kind: Kind
    directory: int
    name: bytes
    size: int
    mtime: int
    state: State
    reason: str
    folder: int | None
    target: bytes | None
    transform: str
    private: bool
    placed: bytes | None = None
    """The name it has in its folder, chosen before its first byte was written."""
    created: bool = False
    """Whether the run added it, and undo may remove it."""
    hash: bytes | None = None
    """SHA-256 of what was written."""
    inode: int | None = None
    written: int | None = None
    """Bytes written."""
    outcome: State | None = None
    """The final state it gets once it is renamed."""
    mode: int | None = None
    kept: bytes | None = None
    """For merges: the name of the copy, kept from before the run, in the run's folder."""
    kept_hash: bytes | None = None


@dataclass(slots=True)
class Folder:
    """One folder of the home that the run needs. ``planned`` and ``actual`` are below the home."""

    id: int
    planned: bytes
    private: bool
    actual: bytes | None
    existed: bool | None
    before: int | None
    """Its mtime before the run, in nanoseconds, where it existed."""
    mtime: int | None
    """The mtime it gets: that of its source."""


_ROW = (
    "id, item, kind, directory, name, size, mtime, state, reason, folder, target, transform, private,"
    " placed, created, hash, inode, written, outcome, mode, kept, kept_hash"
)


def _row(values: tuple[object, ...]) -> Row:
    row = Row(*values)  # type: ignore[arg-type] # columns in the order of the fields
    row.kind = _KINDS[row.kind]
    row.state = _STATES[row.state]
    row.private = bool(row.private)
    row.created = bool(row.created)
    row.outcome = None if row.outcome is None else _STATES[row.outcome]
    return row


# Looked up a million times, where calling the enumeration takes five times as long.
_KINDS: dict[str, Kind] = {kind.value: kind for kind in Kind}
_STATES: dict[int, State] = {state.value: state for state in State}


def _came_as_planned(row: Row) -> bool:
    """Whether the general statement about renamed entries says all about this one."""
    if row.kind is Kind.FOLDER:
        return not row.reason
    return (
        row.created
        and row.placed == row.target
        and row.kept is None
        and not row.reason
        and row.outcome in (State.COPIED, State.TRANSFORMED)
    )


class Journal:
    """An open journal. Use as a context manager."""

    def __init__(self, path: Path, *, create: bool = False) -> None:
        """Open (or create) ``path``. Raises: MigrationError journal-damaged."""
        self.path = path
        if not create and not path.exists():
            raise MigrationError("migration.journal-damaged", path=path, details="missing")
        try:
            self.database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self.database.execute("PRAGMA journal_mode=WAL")
            self.database.execute("PRAGMA synchronous=FULL")
            self.database.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT}")
            if create:
                self.database.executescript(_SCHEMA)
                self.set("version", str(VERSION))
            elif self.get("version") != str(VERSION):
                raise MigrationError(
                    "migration.journal-damaged", path=path, details=f"version {self.get('version')}"
                )
        except sqlite3.DatabaseError as error:
            raise MigrationError("migration.journal-damaged", path=path, details=str(error)) from error

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self.database.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of the block's changes or none; durable when it ends."""
        self.database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.database.execute("ROLLBACK")
            raise
        self.database.execute("COMMIT")

    @contextmanager
    def ordered_transaction(self) -> Iterator[None]:
        """As :meth:`transaction`, but durable only with the next one: survives a kill, not a power cut.

        What the next transaction says can rely on it, because the log is written in order.
        """
        self.database.execute("PRAGMA synchronous=NORMAL")
        try:
            with self.transaction():
                yield
        finally:
            self.database.execute("PRAGMA synchronous=FULL")

    def get(self, key: str, default: str = "") -> str:
        """A value about the whole run."""
        found = self.database.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return str(found[0]) if found else default

    def set(self, key: str, value: str) -> None:
        """Set a value about the whole run."""
        self.database.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

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
            f"SELECT {_ROW} FROM entry WHERE id > ? AND state IN ({marks}) ORDER BY id LIMIT ?",  # noqa: S608
            (after, limit),
        )
        return [_row(values) for values in found]

    def every(self, *states: State, limit: int = 1024) -> Iterator[Row]:
        """All entries in one of ``states``, a portion in memory at a time."""
        last = 0
        while portion := self.rows(*states, after=last, limit=limit):
            yield from portion
            last = portion[-1].id

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

    def name_as_planned(self, first: int, last: int) -> None:
        """Give the waiting entries in this range of numbers the names of the plan, where they have none."""
        self.database.execute(
            "UPDATE entry SET placed = target WHERE id BETWEEN ? AND ? AND state = ? AND placed IS NULL"
            " AND folder IS NOT NULL AND kind != ?",
            (first, last, int(State.PENDING), Kind.FOLDER.value),
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
        self.save(row for row in rows if not _came_as_planned(row))

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

    # Sums.

    def totals(self) -> Totals:
        """How many entries ended where."""
        return _totals(self.database.execute("SELECT state, count(*) FROM entry GROUP BY state").fetchall())

    def totals_by_item(self) -> dict[str, Totals]:
        """The same for each item."""
        counts: dict[str, list[tuple[int, int]]] = {}
        for item, state, count in self.database.execute(
            "SELECT item, state, count(*) FROM entry GROUP BY item, state"
        ):
            counts.setdefault(item, []).append((state, count))
        return {item: _totals(found) for item, found in counts.items()}

    def already_there(self) -> dict[str, int]:
        """Per item: files that needed no copy, because the home had the same ones."""
        return dict(
            self.database.execute(
                "SELECT item, count(*) FROM entry WHERE kind = 'file' AND state IN (10, 11) AND created = 0"
                " AND kept IS NULL AND hash IS NOT NULL GROUP BY item"
            ).fetchall()
        )

    def waiting_bytes(self) -> int:
        """Bytes still to be written for what is selected."""
        (size,) = self.database.execute(
            "SELECT coalesce(sum(entry.size), 0) FROM entry JOIN item ON item.id = entry.item"
            " WHERE state = 0 AND selected = 1"
        ).fetchone()
        return int(size)

    def item_sizes(self) -> dict[str, tuple[int, int]]:
        """Per item: entries that come over, and their bytes."""
        return {
            name: (count, size)
            for name, count, size in self.database.execute(
                "SELECT item, count(*), coalesce(sum(size), 0) FROM entry"
                " WHERE state < 10 OR state IN (10, 11, 13) GROUP BY item"
            )
        }


def _totals(found: list[tuple[int, int]]) -> Totals:
    counts: dict[State, int] = dict.fromkeys(FINAL, 0)
    waiting = 0
    for state, count in found:
        if state >= State.COPIED:
            counts[State(state)] = count
        else:
            waiting += count
    return Totals(
        copied=counts[State.COPIED],
        transformed=counts[State.TRANSFORMED],
        excluded=counts[State.EXCLUDED],
        kept_both=counts[State.KEPT_BOTH],
        unavailable=counts[State.UNAVAILABLE],
        failed=counts[State.FAILED],
        waiting=waiting,
    )
