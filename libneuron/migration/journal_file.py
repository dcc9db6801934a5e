"""The journal: one SQLite file that is the plan before the run, its log during it, and its proof after it.

WAL with synchronous=FULL: a commit that returned survives power loss. It lies in the home it describes
(``.local/state/neuron/migration/<run>/journal.db``). Names are stored as bytes, as the file system has them.
One thread writes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from libneuron.migration.errors import MigrationError

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


class JournalFile:
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

    def __enter__(self) -> Self:
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
            if self.database.in_transaction:  # a disk that fails or is full has ended it already
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
