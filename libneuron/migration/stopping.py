"""What ends a whole run early, as errors for the person."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path

from libneuron.migration.destination import reading
from libneuron.migration.errors import MigrationError
from libneuron.migration.scan import Source
from libneuron.progress import Progress
from libneuron.system.errors import SystemAccessError


class Stopped(Exception):  # noqa: N818 — carries the reason from a thread to the run
    """The whole run has to stop; what is written so far is kept."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(str(error))
        self.error = error


FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
WHOLE_RUN = FULL | {errno.EIO, errno.EROFS}
"""Errors of the home that will hit everything that comes after, too: its disk is full, or fails."""


def failing(home: Path, error: OSError | sqlite3.DatabaseError, *, left: int = 0) -> MigrationError:
    """The home, or the journal in it, takes no more; ``left`` bytes would still have come.

    SQLite calls a database malformed, too, whose disk fails under it; should it be so, opening it says that.
    """
    if isinstance(error, (sqlite3.ProgrammingError, sqlite3.IntegrityError)):
        raise error  # a fault of ours
    if error.errno in FULL if isinstance(error, OSError) else "full" in str(error):
        missing = f"{max(1, round(left / (1 << 20)))} MiB"
        return MigrationError("migration.no-space", path=home, missing=missing, details=str(error))
    refused = isinstance(error, OSError) and error.errno not in WHOLE_RUN
    code = "migration.home-read-only" if refused else "migration.home-failing"
    return MigrationError(code, path=home, details=str(error))


class Troubles:
    """Says what an error of the disks means for the run."""

    def __init__(self, home: Path, source: Source, progress: Progress) -> None:
        self._home = home
        self._source = source
        self._progress = progress
        self._readable: tuple[str, bytes] | None = None

    def source_answers(self) -> bool:
        """Whether the source can be read at all: its top, and a file that could be read before."""
        try:
            os.listdir(self._source.descriptor)
            if self._readable is not None:
                path, name = self._readable
                with self._source.folder(path) as folder, reading(folder, name) as file:
                    # A dead drive's folders, and what was read last, may be in memory still.
                    os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
                    os.pread(file, 1, 0)
        except (OSError, SystemAccessError):
            return False
        return True

    def could_read(self, path: str, name: bytes) -> None:
        """Tell of a file of the source, not an empty one, that was just read."""
        self._readable = path, name

    def gone(self, error: OSError) -> MigrationError:
        """The source went away."""
        return MigrationError("migration.source-gone", path=self._source.top, details=str(error))

    def writing(self, error: OSError | sqlite3.DatabaseError) -> MigrationError:
        """The home, or the journal in it, takes no more."""
        view = self._progress.view()
        return failing(self._home, error, left=(view.total or 0) - view.done)
