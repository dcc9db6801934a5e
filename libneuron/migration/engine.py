"""The copy engine: chunks of entries are prepared, written by several threads, made durable and renamed.

Order of a chunk, so that a kill or a power cut at any point can be resumed and nothing is ever overwritten:
1. names (and copies of files to be merged) are journalled; 2. data goes to temporary names that follow from
the journal; 3. hashes and inodes are journalled (READY) and 4. ``syncfs`` makes them and the data durable: a
READY entry is only believed where its bytes have that hash; 5. renamed, never over a file; 6. after the next
``syncfs`` the final state is journalled.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from libneuron.errors import Cancelled
from libneuron.migration.carrier import Carried, Carrier, Job
from libneuron.migration.crew import Crew
from libneuron.migration.destination import Destination
from libneuron.migration.folders import FolderMaker
from libneuron.migration.journal import Journal
from libneuron.migration.model import Kind, Note, State
from libneuron.migration.placing import Placer
from libneuron.migration.rows import Row
from libneuron.migration.scan import Source
from libneuron.migration.stopping import Stopped, Troubles
from libneuron.progress import Progress

CHUNK_FILES = 2500
"""Each chunk waits for the disk while the next one is copied: the fastest of four sizes that were tried."""
CHUNK_BYTES = 256 << 20
_JOB_FILES = 250
"""Files of one folder that one thread copies: two threads in one folder would wait for its lock."""
_JOB_BYTES = 16 << 20
_MANY = 500
"""Files from which on starting processes pays."""
_BALLAST = 4 << 20
"""Bytes set aside during a run, so that its journal can be finished on a full disk."""


@dataclass(frozen=True, slots=True)
class _Naming:
    """Files that are being given their names; those where it did not work are the result."""

    rows: list[Row]
    future: Future[list[Row]]


class Engine:
    """One run over one journal. ``folder`` is the run's own folder; ``jobs`` threads copy."""

    def __init__(
        self,
        journal: Journal,
        source: Source,
        destination: Destination,
        progress: Progress,
        *,
        folder: Path,
        jobs: int = 2,
    ) -> None:
        self._journal = journal
        self._destination = destination
        self._progress = progress
        self._jobs = jobs
        self._folder = folder
        self._folders = FolderMaker(journal, destination)
        self._placer = Placer(journal, destination, self._folders, folder=folder, run=journal.get("run"))
        self._carrier = Carrier(journal, source, destination, progress, self._placer)
        self._troubles = Troubles(destination.home, source, progress)
        self._renamed: list[Row] = []
        self._naming: list[_Naming] = []
        self._ballast = folder / "reserve"

    def run(self) -> None:
        """Copy everything that waits.

        Raises: MigrationError no-space, home-failing, home-read-only, source-gone; Cancelled. All can be
        resumed.
        """
        try:
            self._run()
        except Stopped as stopped:
            raise stopped.error from stopped
        except (OSError, sqlite3.DatabaseError) as error:
            raise self._troubles.writing(error) from error

    def _run(self) -> None:
        self._leave_out()
        self._recover()
        self._progress.start(total=self._journal.waiting_bytes(), unit="bytes")
        self._ballast.write_bytes(bytes(_BALLAST))
        many = self._journal.totals().waiting >= _MANY
        try:
            with Crew(self._jobs, self._folder, processes=many) as crew:
                self._copy(crew)
        finally:
            with contextlib.suppress(OSError):  # what went wrong before counts
                self._ballast.unlink(missing_ok=True)
        self._placer.stamp_folders()
        self._progress.finish()

    def _copy(self, crew: Crew) -> None:
        try:
            self._chunks(crew)
            self._settle(crew, [])
            self._settle(crew, [])
        except (Stopped, OSError, sqlite3.DatabaseError):
            self._end_early(crew)
            raise

    def _end_early(self, crew: Crew) -> None:
        """Journal what was renamed, with the room that was set aside where the disk is full."""
        with contextlib.suppress(OSError, sqlite3.DatabaseError):  # resuming finds out by itself
            self._ballast.unlink(missing_ok=True)
            self._settle(crew, [])
            self._settle(crew, [])

    def _leave_out(self) -> None:
        with self._journal.transaction():
            self._journal.database.execute(
                "UPDATE entry SET state = ?, reason = 'by-person' WHERE state = ? AND item IN"
                " (SELECT id FROM item WHERE selected = 0)",
                (int(State.EXCLUDED), int(State.PENDING)),
            )

    def _recover(self) -> None:
        """Rows that a killed run left written but perhaps not renamed, and perhaps not durable either."""
        if not self._journal.rows(State.READY, limit=1):
            return
        self._destination.sync()
        for portion in _portions(self._journal.every(State.READY), CHUNK_FILES):
            for row in portion:
                self._placer.recover(row)
            self._destination.sync()
            with self._journal.transaction():
                self._journal.save(portion)
                self._save_notes()

    def _save_notes(self) -> None:
        for note in self._placer.take_notes():
            self._journal.add_note(note)

    def _chunks(self, crew: Crew) -> None:
        flying: deque[tuple[list[Row], list[Future[list[Carried]]]]] = deque()
        last = 0
        try:
            while not self._carrier.stopping() and (rows := self._next(last)):
                last = rows[-1].id
                self._progress.check()
                jobs = self._prepare(rows)
                flying.append((rows, [crew.submit(self._carrier.carry, job, crew) for job in jobs]))
                if len(flying) > 1:
                    self._commit(crew, *flying.popleft())
        except (Stopped, Cancelled) as error:
            self._carrier.end(error)
        while flying:
            self._commit(crew, *flying.popleft())
        if self._carrier.stop is not None:
            raise self._carrier.stop

    def _next(self, last: int) -> list[Row]:
        rows = self._journal.rows(State.PENDING, after=last, limit=CHUNK_FILES)
        size = 0
        for index, row in enumerate(rows):
            size += row.size
            if size > CHUNK_BYTES and index:
                return rows[:index]
        return rows

    def _prepare(self, rows: list[Row]) -> list[Job]:
        try:
            self._folders.make(row.folder for row in rows if row.folder is not None)
            jobs = list(self._grouped(self._placer.choose(rows)))
        except OSError as error:
            raise Stopped(self._troubles.writing(error)) from error
        return jobs

    def _grouped(self, rows: Iterable[tuple[Row, bytes]]) -> Iterator[Job]:
        """Neighbours with the same folders, few and small enough to share the work among threads."""
        group: list[Row] = []
        key: tuple[int, bytes] | None = None
        size = 0
        for row, target in rows:
            if key is not None and (
                key != (row.directory, target) or len(group) >= _JOB_FILES or size >= _JOB_BYTES
            ):
                yield Job(self._journal.directory(key[0]), key[1], tuple(group))
                group, size = [], 0
            key = (row.directory, target)
            group.append(row)
            size += row.size
        if key is not None:
            yield Job(self._journal.directory(key[0]), key[1], tuple(group))

    def _commit(self, crew: Crew, rows: list[Row], futures: list[Future[list[Carried]]]) -> None:
        ready = [row for row in rows if row.outcome is not None and row.state is State.PENDING
                 and row.kind is Kind.FOLDER]  # fmt: skip
        finished: list[Row] = [row for row in rows if row.state is State.FAILED]
        notes: list[Note] = []
        for future in futures:
            for carried in future.result():
                self._account(carried, ready, finished, notes)
        self._settle(crew, finished, ready, notes)

    def _account(self, carried: Carried, ready: list[Row], finished: list[Row], notes: list[Note]) -> None:
        row, copied = carried.row, carried.copied
        if copied is None:
            row.state, row.reason = State.FAILED, carried.reason
            self._placer.forget(row)
            finished.append(row)
            return
        notes += [Note(row.item, code, params, row.id) for code, params in copied.notes]
        if copied.reason:
            row.state, row.reason = State.EXCLUDED, copied.reason
            self._placer.forget(row)
            finished.append(row)
            return
        row.hash, row.written, row.inode, row.mode = copied.hash, copied.size, copied.inode, copied.mode
        row.outcome = State.TRANSFORMED if copied.changed else State.COPIED
        if copied.beside:
            row.kept = row.kept_hash = None
        ready.append(row)

    def _settle(
        self, crew: Crew, finished: list[Row], ready: Sequence[Row] = (), notes: Iterable[Note] = ()
    ) -> None:
        """Journal the chunk, make it durable and rename it; and journal the chunk before it as done.

        Called twice with nothing it brings the last chunk to its end.
        """
        named = self._named()
        if not (finished or ready or named or self._renamed):
            return
        with self._journal.settling(self._destination):
            self._journal.save_renamed(self._renamed)
            for row in ready:
                row.state = State.READY
            self._journal.save_ready(ready)
            self._journal.save([*finished, *(row for row in ready if row.transform)])
            for note in notes:
                self._journal.add_note(note)
            self._save_notes()
        self._destination.sync()
        for row in named:
            row.state = row.outcome or State.FAILED
        self._renamed = named
        self._naming = list(self._name(crew, ready))

    def _name(self, crew: Crew, ready: Sequence[Row]) -> Iterator[_Naming]:
        """Have the chunk renamed: plain files by the crew, the others here and now."""
        plain = [row for row in ready if self._placer.is_plain(row)]
        chosen = {row.id for row in plain}
        others = [row for row in ready if row.id not in chosen]
        for number, rows in groupby(plain, lambda row: row.folder):
            actual = self._folders.actual_of(number or 0)
            same = list(rows)
            if actual is None:
                others += same
                continue
            for start in range(0, len(same), _JOB_FILES):
                some = same[start : start + _JOB_FILES]
                yield _Naming(some, crew.submit(self._carrier.name, actual, some, crew))
        self._placer.place(others)
        done: Future[list[Row]] = Future()
        done.set_result([])
        yield _Naming(others, done)

    def _named(self) -> list[Row]:
        """Wait until the chunk is renamed; what the crew could not do is done here."""
        named: list[Row] = []
        for naming in self._naming:
            self._placer.place(naming.future.result())
            named += naming.rows
        self._naming = []
        return named


def _portions(rows: Iterator[Row], size: int) -> Iterator[list[Row]]:
    portion: list[Row] = []
    for row in rows:
        portion.append(row)
        if len(portion) >= size:
            yield portion
            portion = []
    if portion:
        yield portion
