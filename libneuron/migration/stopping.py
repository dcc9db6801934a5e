"""What ends a whole run early, as errors for the person."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from libneuron.migration.copying import out_of_space
from libneuron.migration.errors import MigrationError
from libneuron.migration.scan import Source
from libneuron.progress import Progress


class Stopped(Exception):  # noqa: N818 — carries the reason from a thread to the run
    """The whole run has to stop; what is written so far is kept."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(str(error))
        self.error = error


class Troubles:
    """Says what an error of the disks means for the run."""

    def __init__(self, home: Path, source: Source, progress: Progress) -> None:
        self._home = home
        self._source = source
        self._progress = progress

    def source_answers(self) -> bool:
        """Whether the source can be read at all."""
        try:
            os.listdir(self._source.descriptor)
        except OSError:
            return False
        return True

    def gone(self, error: OSError) -> MigrationError:
        """The source went away."""
        return MigrationError("migration.source-gone", path=self._source.top, details=str(error))

    def writing(self, error: OSError) -> MigrationError:
        """The home takes no more."""
        if out_of_space(error):
            return self._full(error)
        return MigrationError("migration.home-read-only", path=self._home, details=str(error))

    def journal(self, error: sqlite3.OperationalError) -> MigrationError:
        """The journal, which lies in the home, takes no more."""
        if "full" in str(error):
            return self._full(error)
        return MigrationError("migration.home-read-only", path=self._home, details=str(error))

    def _full(self, error: Exception) -> MigrationError:
        view = self._progress.view()
        left = f"{max(0, (view.total or 0) - view.done) / (1 << 20):.0f} MiB"
        return MigrationError("migration.no-space", path=self._home, missing=left, details=str(error))
