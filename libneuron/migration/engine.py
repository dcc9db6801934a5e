"""The copy engine: chunks of entries are prepared, written by several threads, made durable and renamed.

Order of a chunk, so that a kill or a power cut at any point can be resumed and nothing is ever overwritten:
1. names (and copies of files to be merged) are journalled; 2. data goes to temporary names that follow from
the journal; 3. ``syncfs``; 4. hashes and inodes are journalled (READY); 5. renamed, never over a file;
6. after the next ``syncfs`` the final state is journalled.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import sqlite3
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from libneuron.errors import Cancelled
from libneuron.migration.copying import Changed, Copied, Copier, Order, ReadFailed, out_of_space
from libneuron.migration.destination import Destination
from libneuron.migration.errors import MigrationError
from libneuron.migration.folders import FolderMaker
from libneuron.migration.journal import Journal, Row
from libneuron.migration.model import Kind, Note, State
from libneuron.migration.naming import temporary
from libneuron.migration.placing import Placer
from libneuron.migration.scan import Source, source_gone
from libneuron.migration.transforms.common import Context
from libneuron.migration.transforms.registry import TRANSFORMS
from libneuron.migration.windowspath import PathMap
from libneuron.progress import Progress
from libneuron.system.errors import SystemAccessError
from libneuron.system.filesystem import sync_file_system

CHUNK_FILES = 4000
CHUNK_BYTES = 256 << 20
_JOB_FILES = 250
"""Files of one folder that one thread copies: two threads in one folder would wait for its lock."""
_JOB_BYTES = 16 << 20
_SHOWN = 256 << 10
"""Bytes from which a file is named while it is copied; a small one stands for its neighbours."""
_TRIES = 3
_BALLAST = 4 << 20
"""Bytes set aside during a run, so that its journal can be finished on a full disk."""


@dataclass(frozen=True, slots=True)
class _Job:
    """Files of one source folder that go to one folder of the home."""

    source: str
    target: bytes
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class _Outcome:
    row: Row
    copied: Copied | None
    reason: str = ""


class Stopped(Exception):  # noqa: N818 — carries the reason from a thread to the run
    """The whole run has to stop; what is written so far is kept."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(str(error))
        self.error = error


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
        self._source = source
        self._destination = destination
        self._progress = progress
        self._jobs = jobs
        self._run = journal.get("run")
        self._folders = FolderMaker(journal, destination)
        self._placer = Placer(journal, destination, self._folders, folder=folder, run=self._run)
        self._paths = PathMap(tuple((one, two) for one, two in json.loads(journal.get("pairs", "[]"))))
        self._params = {item.id: item.params for item in journal.items()}
        self._home = os.fsencode(destination.home)
        self._stop: Stopped | None = None
        self._renamed: list[Row] = []
        self._ballast = folder / "reserve"

    def run(self) -> None:
        """Copy everything that waits.

        Raises: MigrationError no-space, home-read-only, source-gone; Cancelled. All can be resumed.
        """
        self._leave_out()
        self._recover()
        self._progress.start(total=self._journal.waiting_bytes(), unit="bytes")
        self._ballast.write_bytes(bytes(_BALLAST))
        try:
            self._chunks()
            self._settle([])
        except Stopped as stopped:
            self._end_early()
            raise stopped.error from stopped
        except OSError as error:
            self._end_early()
            raise self._write_trouble(error) from error
        except sqlite3.OperationalError as error:
            self._end_early()
            raise self._journal_trouble(error) from error
        finally:
            self._ballast.unlink(missing_ok=True)
        self._placer.stamp_folders()
        self._progress.finish()

    def _end_early(self) -> None:
        """Journal what was renamed, with the room that was set aside where the disk is full."""
        self._ballast.unlink(missing_ok=True)
        with contextlib.suppress(OSError, sqlite3.OperationalError):  # resuming finds out by itself
            self._settle([])

    def _journal_trouble(self, error: sqlite3.OperationalError) -> MigrationError:
        home = self._destination.home
        if "full" in str(error):
            return MigrationError("migration.no-space", path=home, missing=self._left(), details=str(error))
        return MigrationError("migration.home-read-only", path=home, details=str(error))

    def _leave_out(self) -> None:
        with self._journal.transaction():
            self._journal.database.execute(
                "UPDATE entry SET state = ?, reason = 'by-person' WHERE state = ? AND item IN"
                " (SELECT id FROM item WHERE selected = 0)",
                (int(State.EXCLUDED), int(State.PENDING)),
            )

    def _recover(self) -> None:
        """Rows that a killed run left durable but perhaps not renamed."""
        for portion in _portions(self._journal.every(State.READY), CHUNK_FILES):
            for row in portion:
                self._placer.recover(row)
            sync_file_system(self._destination.descriptor)
            with self._journal.transaction():
                self._journal.save(portion)
                self._save_notes()

    def _save_notes(self) -> None:
        for note in self._placer.take_notes():
            self._journal.add_note(note)

    def _chunks(self) -> None:
        with ThreadPoolExecutor(self._jobs, thread_name_prefix="neuron-copy") as pool:
            flying: deque[tuple[list[Row], list[Future[list[_Outcome]]]]] = deque()
            last = 0
            try:
                while not self._stopping() and (rows := self._next(last)):
                    last = rows[-1].id
                    self._progress.check()
                    jobs = self._prepare(rows)
                    flying.append((rows, [pool.submit(self._work, job) for job in jobs]))
                    if len(flying) > 1:
                        self._commit(*flying.popleft())
            except (Stopped, Cancelled) as error:
                self._stop = self._stop or (error if isinstance(error, Stopped) else Stopped(error))
            while flying:
                self._commit(*flying.popleft())
        if self._stop is not None:
            raise self._stop

    def _next(self, last: int) -> list[Row]:
        rows = self._journal.rows(State.PENDING, after=last, limit=CHUNK_FILES)
        size = 0
        for index, row in enumerate(rows):
            size += row.size
            if size > CHUNK_BYTES and index:
                return rows[:index]
        return rows

    def _prepare(self, rows: list[Row]) -> list[_Job]:
        try:
            self._folders.make(row.folder for row in rows if row.folder is not None)
            jobs = list(self._grouped(self._placer.choose(rows)))
        except OSError as error:
            raise Stopped(self._write_trouble(error)) from error
        return jobs

    def _grouped(self, rows: Iterable[tuple[Row, bytes]]) -> Iterator[_Job]:
        """Neighbours with the same folders, few and small enough to share the work among threads."""
        group: list[Row] = []
        key: tuple[int, bytes] | None = None
        size = 0
        for row, target in rows:
            if key is not None and (
                key != (row.directory, target) or len(group) >= _JOB_FILES or size >= _JOB_BYTES
            ):
                yield _Job(self._journal.directory(key[0]), key[1], tuple(group))
                group, size = [], 0
            key = (row.directory, target)
            group.append(row)
            size += row.size
        if key is not None:
            yield _Job(self._journal.directory(key[0]), key[1], tuple(group))

    # In the copying threads.

    def _work(self, job: _Job) -> list[_Outcome]:
        if self._stopping():
            return []
        outcomes: list[_Outcome] = []
        copier = Copier(self._advance)
        try:
            self._progress.advance(0, item=os.fsdecode(job.rows[0].name))
            with self._source.folder(job.source) as source, Destination(self._destination.home) as home:
                target = home.folder(job.target)
                for row in job.rows:
                    if self._stopping():
                        break
                    outcomes.append(self._one(copier, row, job.target, source, target))
                copier.tell()
        except (Cancelled, Stopped) as error:
            self._stop = self._stop or (error if isinstance(error, Stopped) else Stopped(error))
        except (OSError, SystemAccessError) as error:
            done = {outcome.row.id for outcome in outcomes}
            if isinstance(error, OSError) and source_gone(error):
                self._stop = self._stop or Stopped(self._gone(error))
            else:
                outcomes += [_Outcome(row, None, "read-error") for row in job.rows if row.id not in done]
        finally:
            copier.close()
        return outcomes

    def _stopping(self) -> bool:
        return self._stop is not None

    def _advance(self, amount: int) -> None:
        self._progress.advance(amount)

    def _one(self, copier: Copier, row: Row, folder: bytes, source: int, target: int) -> _Outcome:
        order = self._order(row, folder)
        if row.size >= _SHOWN:
            self._progress.advance(0, item=os.fsdecode(row.name))
        reason = ""
        for _ in range(_TRIES):
            try:
                return _Outcome(row, copier.copy(order, source, target))
            except Changed:
                reason = "changed"
            except ReadFailed as error:
                if source_gone(error.cause) or not self._source_answers():
                    raise Stopped(self._gone(error.cause)) from error
                reason = "vanished" if error.cause.errno == errno.ENOENT else "read-error"
            except OSError as error:
                if out_of_space(error) or error.errno == errno.EROFS:
                    raise Stopped(self._write_trouble(error)) from error
                reason = (
                    "name"
                    if error.errno in (errno.EINVAL, errno.EILSEQ, errno.ENAMETOOLONG)
                    else ("write-error")
                )
        return _Outcome(row, None, reason)

    def _order(self, row: Row, folder: bytes) -> Order:
        temp = os.fsencode(temporary(self._run, row.id))
        if not row.transform:
            return Order(row.name, temp, row.private)
        transform = TRANSFORMS[row.transform]
        place = b"/".join(part for part in (self._home, folder, row.placed or b"") if part)
        existing = self._placer.kept_bytes(row) if transform.merges else None
        context = Context(os.fsdecode(place), self._paths, self._params.get(row.item, {}), existing)
        return Order(row.name, temp, row.private, transform, context)

    def _source_answers(self) -> bool:
        try:
            os.listdir(self._source.descriptor)
        except OSError:
            return False
        return True

    def _gone(self, error: OSError) -> MigrationError:
        return MigrationError("migration.source-gone", path=self._source.top, details=str(error))

    def _write_trouble(self, error: OSError) -> MigrationError:
        home = self._destination.home
        if out_of_space(error):
            left = self._left()
            return MigrationError("migration.no-space", path=home, missing=left, details=str(error))
        return MigrationError("migration.home-read-only", path=home, details=str(error))

    def _left(self) -> str:
        view = self._progress.view()
        return f"{max(0, (view.total or 0) - view.done) / (1 << 20):.0f} MiB"

    # Back in the run's own thread.

    def _commit(self, rows: list[Row], futures: list[Future[list[_Outcome]]]) -> None:
        ready = [row for row in rows if row.outcome is not None and row.state is State.PENDING
                 and row.kind is Kind.FOLDER]  # fmt: skip
        finished: list[Row] = [row for row in rows if row.state is State.FAILED]
        notes: list[Note] = []
        for future in futures:
            for outcome in future.result():
                self._account(outcome, ready, finished, notes)
        self._settle(finished, ready, notes)

    def _account(self, outcome: _Outcome, ready: list[Row], finished: list[Row], notes: list[Note]) -> None:
        row, copied = outcome.row, outcome.copied
        if copied is None:
            row.state, row.reason = State.FAILED, outcome.reason
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
        ready.append(row)

    def _settle(
        self, finished: list[Row], ready: list[Row] | None = None, notes: Iterable[Note] = ()
    ) -> None:
        """Make the chunk durable, journal it, rename it; and journal the chunk before it as done."""
        ready = ready or []
        if not (finished or ready or self._renamed):
            return
        sync_file_system(self._destination.descriptor)
        with self._journal.transaction():
            for row in self._renamed:
                row.state = row.outcome or State.FAILED
            self._journal.save_renamed(self._renamed)
            for row in ready:
                row.state = State.READY
            self._journal.save_ready(ready)
            self._journal.save(finished)
            for note in notes:
                self._journal.add_note(note)
            self._save_notes()
        self._renamed = self._placer.place(ready)


def _portions(rows: Iterator[Row], size: int) -> Iterator[list[Row]]:
    portion: list[Row] = []
    for row in rows:
        portion.append(row)
        if len(portion) >= size:
            yield portion
            portion = []
    if portion:
        yield portion
