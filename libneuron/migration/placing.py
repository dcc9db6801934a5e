"""Names in the home: chosen before writing, kept unless taken, given by renames that never overwrite."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from libneuron.migration.destination import (
    CHUNK,
    Destination,
    discard,
    file_hash,
    look,
    reading,
    same_content,
)
from libneuron.migration.folders import FolderMaker
from libneuron.migration.journal import Journal
from libneuron.migration.model import Kind, Note, State
from libneuron.migration.naming import others, temporary
from libneuron.migration.rows import Row
from libneuron.migration.stopping import WHOLE_RUN
from libneuron.migration.storable import inode, moment
from libneuron.migration.transforms.registry import TRANSFORMS
from libneuron.system.errors import SystemAccessError
from libneuron.system.filesystem import rename_new

_EARLIER = 20
"""Names that earlier runs may have given, of which each is compared."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A file as it was before the run."""

    data: bytes
    mode: int


class Placer:
    """Chooses names for a chunk, and gives them once the chunk is durable."""

    def __init__(
        self, journal: Journal, destination: Destination, folders: FolderMaker, *, folder: Path, run: str
    ) -> None:
        self._journal = journal
        self._destination = destination
        self._folders = folders
        self._kept = folder / "kept"
        self._run = run
        self._notes: list[Note] = []
        self._siblings: dict[int, dict[str, str]] = {}

    def choose(self, rows: list[Row]) -> list[tuple[Row, bytes]]:
        """Journal a name for each row; returns the files to write, with their folders.

        A row whose folder could not be made is FAILED; a folder's row gets its outcome at once.
        """
        files: list[tuple[Row, bytes]] = []
        for row in rows:
            actual = self._actual(row)
            if actual is None:
                row.state, row.reason = State.FAILED, "write-error"
            elif row.kind is Kind.FOLDER:
                planned = self._journal.folder(row.folder or 0).planned
                same = planned.rpartition(b"/")[2] == actual.rpartition(b"/")[2]
                row.outcome = State.COPIED if same else State.KEPT_BOTH
            else:
                files.append((row, actual))
        self._name(files)
        return files

    def _actual(self, row: Row) -> bytes | None:
        return None if row.folder is None else self._folders.actual_of(row.folder)

    def _name(self, files: list[tuple[Row, bytes]]) -> None:
        """Choose names and keep copies of what will be merged into, and journal both."""
        changed = []
        for row, actual in files:
            if row.placed is not None:
                continue
            name = row.there
            if self._folders.is_fresh(actual):
                continue  # should somebody have put a file there meanwhile, the rename will refuse
            folder = self._destination.folder(actual)
            info = look(folder, name)
            if self._merges(row):
                self._siblings[row.folder or 0] = self._journal.renamed_in(row.folder or 0)
            if info is None:
                continue
            if self._merges(row) and stat.S_ISREG(info.st_mode):
                self._keep(row, folder, name, info)
            else:
                row.placed = self._free(folder, name)
            changed.append(row)
        for row, _actual in files:
            if row.folder in self._siblings and row.there != row.target:
                self._siblings[row.folder][os.fsdecode(row.target or b"")] = os.fsdecode(row.there)
        if changed:
            # A name becomes durable with the READY state, before anything is renamed to it.
            with self._journal.ordered_transaction():
                self._journal.save(changed)

    @staticmethod
    def _merges(row: Row) -> bool:
        return bool(row.transform) and TRANSFORMS[row.transform].merges

    @staticmethod
    def _free(folder: int, name: bytes) -> bytes:
        return next(
            encoded
            for other in others(os.fsdecode(name))
            if look(folder, encoded := os.fsencode(other)) is None
        )

    def _keep(self, row: Row, folder: int, name: bytes, info: os.stat_result) -> None:
        """A durable copy of an existing file, with its mode and times, before the run changes it."""
        self._kept.mkdir(mode=0o700, exist_ok=True)
        place = self._kept / str(row.id)
        made = hashlib.sha256()
        with reading(folder, name) as old, place.open("wb") as copy:
            while data := os.read(old, CHUNK):
                made.update(data)
                copy.write(data)
            copy.flush()
            os.fchmod(copy.fileno(), stat.S_IMODE(info.st_mode))
            os.utime(copy.fileno(), ns=(info.st_atime_ns, info.st_mtime_ns))
            os.fsync(copy.fileno())
        row.placed = name
        row.kept, row.kept_hash = os.fsencode(place.name), made.digest()

    def kept(self, row: Row) -> Kept | None:
        """The file from before the run that ``row`` is merged into, or None."""
        if row.kept is None:
            return None
        place = self._kept / os.fsdecode(row.kept)
        return Kept(place.read_bytes(), stat.S_IMODE(place.stat().st_mode))

    def siblings(self, row: Row) -> dict[str, str]:
        """Files of the folder that ``row`` goes to, by the name they had: those that get another one."""
        return self._siblings.get(row.folder or 0, {})

    @staticmethod
    def is_plain(row: Row) -> bool:
        """Whether the file gets the name of the plan, or a free one where that is taken, and no more."""
        return row.kind is Kind.FILE and row.kept is None and not row.reason and row.there == row.target

    def place(self, rows: Iterable[Row]) -> None:
        """Rename each durable temporary file to its name; the rows' outcome is true then."""
        for row in rows:
            if row.kind is not Kind.FOLDER:
                self._place(row)

    def _place(self, row: Row) -> None:
        actual = self._actual(row)
        temp = os.fsencode(temporary(self._run, row.id))
        try:
            if actual is None:
                raise FileNotFoundError(2, "the folder is gone")
            folder = self._destination.folder(actual)
            if self._has_its_name(row, folder, temp):
                return
            self._give_name(row, folder, temp)
        except (OSError, SystemAccessError) as error:
            if isinstance(error, OSError) and error.errno in WHOLE_RUN:
                raise
            row.outcome, row.reason = State.FAILED, "write-error"
            self.forget(row)

    @staticmethod
    def _has_its_name(row: Row, folder: int, temp: bytes) -> bool:
        """Whether a process of the crew renamed it and ended before it could say so."""
        info = look(folder, row.there)
        if info is None or inode(info) != row.inode or look(folder, temp) is not None:
            return False
        row.created, row.reason = row.kept is None, ""
        return True

    def forget(self, row: Row) -> None:
        """Remove what may be left of an entry that does not come, also by a run that was killed."""
        actual = self._actual(row)
        with contextlib.suppress(OSError, SystemAccessError):
            if actual is not None:
                discard(self._destination.folder(actual), os.fsencode(temporary(self._run, row.id)))

    def _give_name(self, row: Row, folder: int, temp: bytes) -> None:
        target, digest, size = row.target or b"", row.hash or b"", row.written or 0
        if row.kept is not None and self._unchanged(row, folder):
            os.rename(temp, row.there, src_dir_fd=folder, dst_dir_fd=folder)
            self._note(row, "merged")
            return
        if row.there != target:
            for name in _before(row.there, target):
                if same_content(folder, name, size=size, digest=digest):
                    self._already_there(row, folder, temp, name)
                    return
        if row.reason == "damaged" and self._is_damaged_copy(row, folder):
            os.rename(temp, row.there, src_dir_fd=folder, dst_dir_fd=folder)
            row.reason = ""
            return
        name = target if row.kept is not None else row.there
        names = others(os.fsdecode(target))
        while True:
            try:
                rename_new(temp, name, source_directory=folder, target_directory=folder)
            except FileExistsError:
                if name == target and same_content(folder, target, size=size, digest=digest):
                    self._already_there(row, folder, temp, target)
                    return
                name = os.fsencode(next(names))
                row.placed = name
                with self._journal.transaction():
                    self._journal.save([row])
            else:
                break
        row.placed, row.created, row.reason = name, True, ""
        if name != target:
            row.outcome = State.KEPT_BOTH

    @staticmethod
    def _is_damaged_copy(row: Row, folder: int) -> bool:
        """Whether the file is the run's own, found damaged, and nobody wrote it since."""
        info = look(folder, row.there)
        return row.created and info is not None and moment(info) == row.mtime

    def _unchanged(self, row: Row, folder: int) -> bool:
        try:
            return file_hash(folder, row.there) == row.kept_hash
        except OSError:
            return False

    @staticmethod
    def _already_there(row: Row, folder: int, temp: bytes, name: bytes) -> None:
        discard(folder, temp)
        row.placed, row.created = name, False

    def _note(self, row: Row, code: str) -> None:
        self._notes.append(Note(row.item, code, {}, row.id))

    def take_notes(self) -> list[Note]:
        """The notes made since the last call, for the caller's next transaction."""
        notes, self._notes = self._notes, []
        return notes

    def recover(self, row: Row) -> None:
        """Find out how far a killed run came with a READY row, and bring it to its end or back to PENDING."""
        if row.kind is Kind.FOLDER:
            row.state = row.outcome or State.PENDING
            return
        actual = self._actual(row)
        temp = os.fsencode(temporary(self._run, row.id))
        row.state = State.PENDING
        if actual is None:
            return
        folder = self._destination.folder(actual)
        info = look(folder, row.there)
        if look(folder, temp) is not None:
            size, digest = row.written or 0, row.hash or b""
            # What failed to reach the disk is in memory still, and called clean (the kernel tells only once).
            if not same_content(folder, temp, size=size, digest=digest, uncached=True):
                return
            self._place(row)
            row.state = row.outcome or State.FAILED
        elif info is not None and inode(info) == row.inode:
            row.created = row.kept is None
            row.state = State.KEPT_BOTH if row.there != row.target else row.outcome or State.COPIED
        elif same_content(folder, row.target or b"", size=row.written or 0, digest=row.hash or b""):
            row.placed, row.created = row.target, False
            row.state = row.outcome or State.COPIED

    def stamp_folders(self) -> None:
        """Give the folders that the run made the times of their sources, innermost first."""
        for folder in reversed(self._journal.folders()):
            if folder.existed is False and folder.actual is not None and folder.mtime is not None:
                try:
                    descriptor = self._destination.folder(folder.actual)
                    os.utime(descriptor, ns=(folder.mtime, folder.mtime))
                except (OSError, SystemAccessError):
                    continue  # taken away by somebody meanwhile: nothing to stamp


def _before(name: bytes, target: bytes) -> Iterator[bytes]:
    """The names that were taken when ``name`` was chosen for ``target``: an earlier run may have used one."""
    yield target
    for other in islice(others(os.fsdecode(target)), _EARLIER):
        encoded = os.fsencode(other)
        if encoded == name:
            return
        yield encoded
