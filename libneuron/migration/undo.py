"""Taking a migration back: what was added goes, what was merged returns, what was changed is kept aside."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from dataclasses import dataclass, field
from pathlib import Path

from libneuron.migration.destination import Destination, discard, file_hash, look
from libneuron.migration.journal import Journal
from libneuron.migration.model import Kind, State
from libneuron.migration.naming import others, temporary
from libneuron.migration.rows import Folder, Row
from libneuron.migration.storable import inode
from libneuron.progress import Progress
from libneuron.system.errors import SystemAccessError
from libneuron.system.filesystem import rename_new

ASIDE = "Kept from Windows"
"""The folder in the home for files that were changed since the migration."""


@dataclass
class Undone:
    """What was done. ``kept`` are paths below the home."""

    removed: int = 0
    restored: int = 0
    kept: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, object]:
        """For the command line."""
        return {"removed": self.removed, "restored": self.restored, "kept": self.kept}


class Undo:
    """Takes back one run; can be repeated after a kill, because each step looks at the disk first."""

    def __init__(
        self, journal: Journal, destination: Destination, progress: Progress, *, folder: Path
    ) -> None:
        self._journal = journal
        self._destination = destination
        self._progress = progress
        self._kept = folder / "kept"
        self._run = journal.get("run")
        self._folders: dict[int, bytes | None] = {}
        self._done = Undone()

    def run(self) -> Undone:
        """Take everything back. Raises: OSError; Cancelled (can be repeated)."""
        totals = self._journal.totals()
        self._progress.start(total=totals.seen, unit="files")
        for row in self._journal.every(*State):
            if row.folder is not None and row.kind is Kind.FILE:
                self._take_back(row)
            self._progress.advance(1, item=os.fsdecode(row.name))
        self._destination.forget()
        self._remove_folders()
        self._destination.sync()
        self._progress.finish()
        return self._done

    def _actual(self, row: Row) -> bytes | None:
        number = row.folder or 0
        if number not in self._folders:
            if len(self._folders) > 10_000:
                self._folders.clear()
            self._folders[number] = self._journal.folder(number).actual
            if self._folders[number] is None and not self._journal.folder(number).planned:
                self._folders[number] = b""
        return self._folders[number]

    def _take_back(self, row: Row) -> None:
        actual = self._actual(row)
        if actual is None:
            return
        try:
            folder = self._destination.folder(actual)
        except (FileNotFoundError, SystemAccessError):
            return
        discard(folder, os.fsencode(temporary(self._run, row.id)))
        if row.hash is None:
            return
        info = look(folder, row.there)
        if row.kept is not None:
            self._restore(row, folder, actual, info)
        elif info is not None and self._is_ours(row, info):
            if self._same(row, folder):
                os.unlink(row.there, dir_fd=folder)
                self._done.removed += 1
            else:
                self._keep_aside(row, folder, actual)

    def _is_ours(self, row: Row, info: os.stat_result) -> bool:
        # READY: killed between renaming and journalling; the inode tells whose the file is. A person's
        # editor replaces files by renaming too: such a file has another inode, and is kept aside.
        return row.created or (row.state is State.READY and inode(info) == row.inode)

    @staticmethod
    def _same(row: Row, folder: int) -> bool:
        try:
            return file_hash(folder, row.there) == row.hash
        except OSError:
            return False

    def _restore(self, row: Row, folder: int, actual: bytes, info: os.stat_result | None) -> None:
        copy = self._kept / os.fsdecode(row.kept or b"")
        if not copy.exists():
            return  # restored by an undo that was interrupted
        name = row.there
        if info is not None:
            digest = file_hash(folder, name) if stat.S_ISREG(info.st_mode) else b""
            if digest == row.kept_hash:
                return  # never merged
            if digest != row.hash:
                self._keep_aside(row, folder, actual)
        data = copy.stat()
        temp = os.fsencode(temporary(self._run, row.id))
        discard(folder, temp)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with os.fdopen(os.open(temp, flags, 0o600, dir_fd=folder), "wb") as file:
            file.write(copy.read_bytes())
            file.flush()
            os.fchmod(file.fileno(), stat.S_IMODE(data.st_mode))
            os.utime(file.fileno(), ns=(data.st_atime_ns, data.st_mtime_ns))
            os.fsync(file.fileno())
        os.rename(temp, name, src_dir_fd=folder, dst_dir_fd=folder)
        self._done.restored += 1

    def _keep_aside(self, row: Row, folder: int, actual: bytes) -> None:
        """Move a changed file to the folder for such files, under the path it had."""
        name = row.there
        above = os.fsencode(ASIDE) + (b"/" + actual if actual else b"")
        here = self._destination.descriptor
        opened: list[int] = []
        try:
            for part in above.split(b"/"):
                with contextlib.suppress(FileExistsError):
                    os.mkdir(part, 0o700, dir_fd=here)
                here = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=here)
                opened.append(here)
            names = others(os.fsdecode(name))
            new = name
            while True:
                try:
                    rename_new(name, new, source_directory=folder, target_directory=here)
                    break
                except FileExistsError:
                    new = os.fsencode(next(names))
        finally:
            for descriptor in opened:
                os.close(descriptor)
        self._done.kept.append(os.fsdecode(above + b"/" + new))

    def _remove_folders(self) -> None:
        """Folders that the run made, where they are empty; the others get their times back."""
        for folder in sorted(
            self._journal.folders(), key=lambda one: (one.planned.count(b"/"), one.planned), reverse=True
        ):
            if folder.actual:
                with contextlib.suppress(OSError, SystemAccessError):  # not empty, or gone: not ours to force
                    self._remove_folder(folder)

    def _remove_folder(self, folder: Folder) -> None:
        actual = folder.actual or b""
        above, _, name = actual.rpartition(b"/")
        if folder.existed is False:
            os.rmdir(name, dir_fd=self._destination.folder(above))
        elif folder.before is not None:
            os.utime(self._destination.folder(actual), ns=(folder.before, folder.before))


def remove_run(folder: Path) -> None:
    """Remove a run's own folder, journal last: as long as it is there, the undo can be repeated."""
    for name in sorted(folder.iterdir()):
        if name.name.startswith("journal.db"):
            continue
        if name.is_dir():
            shutil.rmtree(name)
        else:
            name.unlink()
    for name in sorted(folder.iterdir(), reverse=True):
        name.unlink()
    folder.rmdir()
