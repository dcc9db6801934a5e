"""A migration from start to end, as the wizard and the command line drive it.

A *plan* is a journal file outside the home; :meth:`Run.begin` copies it into a run's folder in the home, and
from then on the :class:`Run` is resumed, verified, retried, undone and reported from there.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from libneuron.errors import Translate, english
from libneuron.migration.checks import check_home, check_ready
from libneuron.migration.crew import wait_for_workers
from libneuron.migration.destination import Destination
from libneuron.migration.engine import Engine
from libneuron.migration.errors import MigrationError
from libneuron.migration.home import Home
from libneuron.migration.journal import Journal
from libneuron.migration.model import State
from libneuron.migration.naming import TEMPORARY
from libneuron.migration.report import write_reports
from libneuron.migration.scan import Source
from libneuron.migration.stopping import failing
from libneuron.migration.undo import Undo, Undone, remove_run
from libneuron.migration.verify import Extent, Verification, verify
from libneuron.progress import Progress
from libneuron.system.clock import Clock
from libneuron.system.files import make_private_directory, sync_directory, sync_file
from libneuron.system.filesystem import only_one, only_one_in

PLACE = ".local/state/neuron/migration"
"""Below the home: the folder of all runs."""
_MARK = f"{TEMPORARY}begin"
"""In the home, only while a run begins: which folders above the runs were there before, and their times."""
_CHAIN = (".local", ".local/state", ".local/state/neuron", PLACE)


@dataclass(frozen=True)
class Outcome:
    """How a run, a retry or a check ended."""

    verification: Verification
    report: Path


class Run:
    """One run in a home, whatever state it is in."""

    def __init__(self, home: Path, folder: Path) -> None:
        self.home = home
        self.folder = folder

    @property
    def journal_path(self) -> Path:
        """The journal's file."""
        return self.folder / "journal.db"

    @classmethod
    def last(cls, home: Path) -> Run | None:
        """The newest run in ``home``, or None."""
        place = home / PLACE
        try:
            names = sorted(
                name
                for name in os.listdir(place)
                if not name.startswith(".") and (place / name / "journal.db").exists()
            )
        except OSError:
            return None
        return cls(home, place / names[-1]) if names else None

    @classmethod
    def required(cls, home: Path) -> Run:
        """The newest run in ``home``. Raises: MigrationError nothing-to-resume."""
        found = cls.last(home)
        if found is None:
            raise MigrationError("migration.nothing-to-resume", path=home)
        return found

    @classmethod
    def unfinished(cls, home: Path) -> Run | None:
        """The newest run in ``home`` if it was interrupted, or None."""
        found = cls.last(home)
        if found is None:
            return None
        with Journal(found.journal_path) as journal:
            return found if journal.get("status") != "done" else None

    @classmethod
    def begin(cls, plan: Path, home: Home, *, clock: Clock) -> Run:
        """Make the run's folder in the home from an agreed plan; nothing is copied yet.

        Raises: MigrationError home-missing, home-read-only, home-inside-source, no-space, app-running,
        unfinished.
        """
        with Journal(plan) as journal:
            check_ready(journal, home)
        if cls.unfinished(home.path) is not None:
            raise MigrationError("migration.unfinished", path=home.path)
        number = f"{clock.now():%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
        place = home.path / PLACE
        temporary = place / f".{number}.new"
        try:
            with only_one_in(home.path) as free:
                if not free:
                    raise MigrationError("migration.busy", path=home.path)
                chain = _note_chain(home.path, number)
                for part in _CHAIN[:-1]:
                    (home.path / part).mkdir(exist_ok=True)
                make_private_directory(place)
                for name in os.listdir(place):
                    if name.startswith("."):  # of a run that was killed while it began
                        shutil.rmtree(place / name)
                make_private_directory(temporary)
                _take_over(plan, temporary, number, clock, chain)
                temporary.rename(place / number)
                sync_directory(place)
                (home.path / _MARK).unlink()
        except OSError as error:
            shutil.rmtree(temporary, ignore_errors=True)
            raise failing(home.path, error) from error
        return cls(home.path, place / number)

    @contextlib.contextmanager
    def _open(self) -> Iterator[tuple[Journal, Destination]]:
        """The journal and the home, for one process at a time.

        Raises: MigrationError busy; and what becomes of an OSError in the block: home-failing, no-space.
        """
        check_home(self.home)
        try:
            with self._opened() as both:
                yield both
        except (OSError, sqlite3.DatabaseError) as error:
            raise failing(self.home, error) from error

    @contextlib.contextmanager
    def _opened(self) -> Iterator[tuple[Journal, Destination]]:
        with only_one(self.folder / "lock") as free:
            if not free:
                raise MigrationError("migration.busy", path=self.home)
            wait_for_workers(self.folder)
            (self.home / _MARK).unlink(missing_ok=True)  # killed just after it began
            with Journal(self.journal_path) as journal, Destination(self.home) as destination:
                yield journal, destination

    def go_on(
        self,
        source: Source,
        progress: Progress,
        *,
        extent: Extent = Extent.SAMPLE,
        translate: Translate = english,
        jobs: int = 2,
    ) -> Outcome:
        """Copy what still waits, check it, write the report.

        Raises: MigrationError busy, other-source, no-space, source-gone, home-failing, home-read-only;
        Cancelled. After each of them it can go on again.
        """
        with self._open() as (journal, destination):
            self._check(journal, source)
            journal.set("status", "running")
            Engine(journal, source, destination, progress, folder=self.folder, jobs=jobs).run()
            found = verify(journal, destination, progress, extent)
            _mark_damaged(journal, found)
            journal.set("status", "done")
            return Outcome(found, write_reports(journal, self.folder, found, translate))

    def verify(
        self, progress: Progress, *, extent: Extent = Extent.FULL, translate: Translate = english
    ) -> Outcome:
        """Read what arrived again from the disk. Damaged files become failed ones: a retry mends them."""
        with self._open() as (journal, destination):
            found = verify(journal, destination, progress, extent)
            _mark_damaged(journal, found)
            return Outcome(found, write_reports(journal, self.folder, found, translate))

    def retry(self, source: Source, progress: Progress, *, translate: Translate = english) -> Outcome:
        """Try again what failed, and nothing else. Raises: as :meth:`go_on`."""
        with self._open() as (journal, _destination):
            self._check(journal, source)
            with journal.transaction():
                journal.database.execute(
                    "UPDATE entry SET state = ?, reason = CASE reason WHEN 'damaged' THEN reason ELSE '' END"
                    " WHERE state = ?",
                    (int(State.PENDING), int(State.FAILED)),
                )
        return self.go_on(source, progress, translate=translate)

    def undo(self, progress: Progress) -> Undone:
        """Take everything back, and remove the run's own folder at last.

        Raises: MigrationError busy, home-failing; Cancelled. Can be repeated after each of them.
        """
        with self._open() as (journal, destination):
            journal.set("status", "undoing")
            done = Undo(journal, destination, progress, folder=self.folder).run()
            chain = json.loads(journal.get("chain", "[]"))
        remove_run(self.folder)
        _unmake(self.home, chain)
        return done

    def report(self, *, translate: Translate = english) -> Path:
        """Write the report again from the journal; returns the HTML file, whose neighbour is the JSON."""
        with self._open() as (journal, _destination):
            return write_reports(journal, self.folder, None, translate)

    def _check(self, journal: Journal, source: Source) -> None:
        if journal.get("status") == "undoing":
            raise MigrationError("migration.undo-unfinished", path=self.home)
        if Path(journal.get("source")) != source.origin:
            raise MigrationError(
                "migration.other-source", source=journal.get("source"), user=journal.get("user")
            )

    @property
    def source(self) -> Path:
        """Where the run came from."""
        with Journal(self.journal_path) as journal:
            return Path(journal.get("source"))


def _note_chain(home: Path, number: str) -> list[list[int]]:
    """Write down which folders above the runs are there and their times, before any of them is made.

    A run that was killed while it began left its note, and what it says is still how the home was.
    """
    chain = [_before(home / part) for part in ("", *_CHAIN)]
    with contextlib.suppress(OSError, ValueError):  # none, or killed before anything was made
        left = json.loads((home / _MARK).read_bytes())
        if not (home / PLACE / left["number"]).exists():
            chain = left["chain"]
    with (home / _MARK).open("w") as file:
        json.dump({"number": number, "chain": chain}, file)
        file.flush()
        os.fsync(file.fileno())
    sync_directory(home)
    return chain


def _take_over(plan: Path, folder: Path, number: str, clock: Clock, chain: Sequence[Sequence[int]]) -> None:
    """Make the plan the journal of the run ``number`` in ``folder``."""
    shutil.copyfile(plan, folder / "journal.db")
    sync_file(folder / "journal.db")
    with Journal(folder / "journal.db") as journal:
        journal.set("run", number.rpartition("-")[2])
        journal.set("started", clock.now().isoformat(timespec="seconds"))
        journal.set("status", "running")
        journal.set("chain", json.dumps(chain))


def _mark_damaged(journal: Journal, found: Verification) -> None:
    with journal.transaction():
        for rows, reason in ((found.damaged_rows, "damaged"), (found.missing_rows, "missing")):
            for row in rows:
                row.state, row.reason = State.FAILED, reason
            journal.save(rows)


def _before(path: Path) -> list[int]:
    try:
        return [1, path.stat().st_mtime_ns]
    except OSError:
        return [0, 0]


def _unmake(home: Path, chain: list[list[int]]) -> None:
    """Remove the folders above the runs that the first run made, and give the others their times back."""
    paths = [home / part if part else home for part in ("", *_CHAIN)]
    for path, (existed, mtime) in reversed(list(zip(paths, chain, strict=True))):
        with contextlib.suppress(OSError):  # holds something else by now
            if existed:
                os.utime(path, ns=(mtime, mtime))
            else:
                path.rmdir()
