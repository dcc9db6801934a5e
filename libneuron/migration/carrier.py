"""What the copying threads do: the files of one folder, small ones by the thread's process."""

from __future__ import annotations

import contextlib
import errno
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from libneuron.errors import Cancelled
from libneuron.migration.copying import Changed, Copied, Copier, Order, ReadFailed
from libneuron.migration.crew import Crew, Lost
from libneuron.migration.destination import Destination
from libneuron.migration.journal import Journal
from libneuron.migration.naming import temporary
from libneuron.migration.placing import Placer
from libneuron.migration.rows import Row
from libneuron.migration.scan import Source, source_gone
from libneuron.migration.stopping import WHOLE_RUN, Stopped, Troubles
from libneuron.migration.transforms.common import Context
from libneuron.migration.transforms.registry import TRANSFORMS
from libneuron.migration.windowspath import PathMap
from libneuron.migration.worker import SMALL, RenameOrder
from libneuron.progress import Progress
from libneuron.system.errors import SystemAccessError
from libneuron.system.files import directory_beneath

_SHOWN = 256 << 10
"""Bytes from which a file is named while it is copied; a small one stands for its neighbours."""
_TRIES = 3
_TOGETHER = 100
"""Files that a process is asked for at once: longer requests would make Cancel wait."""
_TOGETHER_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class Job:
    """Files of one source folder that go to one folder of the home."""

    source: str
    target: bytes
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Carried:
    """What became of one file."""

    row: Row
    copied: Copied | None
    reason: str = ""


class _Unusable(Exception):  # noqa: N818 — carries a reason to the accounting
    """A folder cannot be entered: nothing in it comes over."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Carrier:
    """Does jobs, in whichever thread. ``stop`` is set where the whole run has to end."""

    def __init__(
        self, journal: Journal, source: Source, destination: Destination, progress: Progress, placer: Placer
    ) -> None:
        self._source = source
        self._top = destination.descriptor
        self._home = os.fsencode(destination.home)
        self._progress = progress
        self._placer = placer
        self._troubles = Troubles(destination.home, source, progress)
        self._run = journal.get("run")
        self._paths = PathMap(tuple((one, two) for one, two in json.loads(journal.get("pairs", "[]"))))
        self._params = _params(journal)
        self.stop: Stopped | None = None

    def end(self, error: Cancelled | Stopped) -> None:
        """Have the run end; the first reason counts."""
        self.stop = self.stop or (error if isinstance(error, Stopped) else Stopped(error))

    def stopping(self) -> bool:
        """Whether the run has to end."""
        return self.stop is not None

    def carry(self, job: Job, crew: Crew) -> list[Carried]:
        """Copy the files to their temporary names."""
        done: list[Carried] = []
        if self.stopping():
            return done
        copier = Copier(self._progress.advance)
        try:
            self._progress.advance(0, item=os.fsdecode(job.rows[0].name))
            with self._folder(job.source) as source, self._target(job.target) as target:
                for row in self._by_process(job, crew, source, target, done):
                    if self.stopping():
                        break
                    done.append(self._one(copier, row, job, source, target))
                copier.tell()
        except (Cancelled, Stopped) as error:
            self.end(error)
        except _Unusable as folder:
            known = {one.row.id for one in done}
            done += [Carried(row, None, folder.reason) for row in job.rows if row.id not in known]
        finally:
            copier.close()
        return done

    @contextlib.contextmanager
    def _folder(self, path: str) -> Iterator[int]:
        """A folder of the source. Raises: _Unusable; Stopped."""
        with contextlib.ExitStack() as stack:
            try:
                descriptor = stack.enter_context(self._source.folder(path))
            except OSError as error:
                if source_gone(error) or not self._troubles.source_answers():
                    raise Stopped(self._troubles.gone(error)) from error
                raise _Unusable("read-error") from error
            except SystemAccessError as error:  # replaced by a link since it was planned
                raise _Unusable("read-error") from error
            yield descriptor

    @contextlib.contextmanager
    def _target(self, path: bytes) -> Iterator[int]:
        """A folder of the home. Raises: _Unusable; Stopped."""
        if not path:
            yield self._top
            return
        with contextlib.ExitStack() as stack:
            try:
                descriptor = stack.enter_context(directory_beneath(self._top, path))
            except OSError as error:
                if error.errno in WHOLE_RUN:
                    raise Stopped(self._troubles.writing(error)) from error
                raise _Unusable("write-error") from error
            except SystemAccessError as error:
                raise _Unusable("write-error") from error
            yield descriptor

    def _by_process(
        self, job: Job, crew: Crew, source: int, target: int, done: list[Carried]
    ) -> Iterator[Row]:
        """Have the small files copied that need no change; yields the others, and what did not work."""
        small = [row for row in job.rows if not row.transform and row.size <= SMALL]
        worker = crew.worker() if len(small) > 1 else None
        if worker is None:
            yield from job.rows
            return
        chosen = {row.id for row in small}
        yield from (row for row in job.rows if row.id not in chosen)
        for rows in _pieces(small):
            if self.stopping():
                return
            orders = [
                (row.name, os.fsencode(temporary(self._run, row.id)), 0o600 if row.private else 0o666)
                for row in rows
            ]
            try:
                answers = worker.copy(source, target, orders)
            except Lost:
                crew.lost()
                answers = [None] * len(rows)
            good = 0
            for row, answer in zip(rows, answers, strict=True):
                if answer is not None:
                    done.append(Carried(row, Copied(*answer)))
                    good += answer[1]
                    if answer[1]:
                        self._troubles.could_read(job.source, row.name)
            self._progress.advance(good)
            yield from (row for row, answer in zip(rows, answers, strict=True) if answer is None)

    def _one(self, copier: Copier, row: Row, job: Job, source: int, target: int) -> Carried:
        order = self._order(row, job.target)
        if row.size >= _SHOWN:
            self._progress.advance(0, item=os.fsdecode(row.name))
        reason = ""
        for _ in range(_TRIES):
            try:
                carried = Carried(row, copier.copy(order, source, target))
            except Changed:
                reason = "changed"
            except ReadFailed as error:
                if source_gone(error.cause) or not self._troubles.source_answers():
                    raise Stopped(self._troubles.gone(error.cause)) from error
                reason = "vanished" if error.cause.errno == errno.ENOENT else "read-error"
            except OSError as error:
                if error.errno in WHOLE_RUN:
                    raise Stopped(self._troubles.writing(error)) from error
                impossible = error.errno in (errno.EINVAL, errno.EILSEQ, errno.ENAMETOOLONG)
                reason = "name" if impossible else "write-error"
            else:
                if row.size:
                    self._troubles.could_read(job.source, row.name)
                return carried
        return Carried(row, None, reason)

    def _order(self, row: Row, folder: bytes) -> Order:
        temp = os.fsencode(temporary(self._run, row.id))
        if not row.transform:
            return Order(row.name, temp, row.private)
        transform = TRANSFORMS[row.transform]
        place = b"/".join(part for part in (self._home, folder, row.there) if part)
        params = self._params.get(row.item, {})
        kept = self._placer.kept(row) if transform.merges else None
        existing, mode = (kept.data, kept.mode) if kept else (None, None)
        siblings = self._placer.siblings(row) if transform.merges else {}
        context = Context(os.fsdecode(place), self._paths, params, existing, siblings)
        return Order(row.name, temp, row.private, transform, context, mode)

    def name(self, folder: bytes, rows: Sequence[Row], crew: Crew) -> list[Row]:
        """Give plain durable files in one folder their names; returns those where it did not work."""
        worker = crew.worker()
        if worker is None:
            return list(rows)
        orders: list[RenameOrder] = [(os.fsencode(temporary(self._run, row.id)), row.there) for row in rows]
        try:
            with self._target(folder) as target:
                answers = worker.rename(target, orders)
        except Lost:
            crew.lost()
            return list(rows)
        except (_Unusable, Stopped):
            return list(rows)  # done once more one by one, where the reason is found out
        left = []
        for row, worked in zip(rows, answers, strict=True):
            if worked:
                row.created = True
            else:
                left.append(row)
        return left


def _params(journal: Journal) -> dict[str, dict[str, object]]:
    """What each item's transforms are told, and what other items that come as well lend them."""
    items = journal.items()
    told = {item.id: dict(item.params) for item in items}
    for item in items:
        lends = item.params.get("lends") if item.selected else None
        for other, params in lends.items() if isinstance(lends, dict) else ():
            told.setdefault(other, {}).update(params)
    return told


def _pieces(rows: Sequence[Row]) -> Iterator[list[Row]]:
    piece: list[Row] = []
    size = 0
    for row in rows:
        if piece and (len(piece) >= _TOGETHER or size + row.size > _TOGETHER_BYTES):
            yield piece
            piece, size = [], 0
        piece.append(row)
        size += row.size
    if piece:
        yield piece
