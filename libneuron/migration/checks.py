"""What has to be right before the first byte is written; each problem is a sentence for the person."""

from __future__ import annotations

import os
from pathlib import Path

from libneuron.migration.errors import MigrationError
from libneuron.migration.home import Home
from libneuron.migration.journal import Journal
from libneuron.migration.plan import space
from libneuron.migration.running import is_running


def check_home(home: Path) -> None:
    """Raises: MigrationError home-missing, home-read-only."""
    if not home.is_dir():
        raise MigrationError("migration.home-missing", path=home)
    if not os.access(home, os.W_OK | os.X_OK):
        raise MigrationError("migration.home-read-only", path=home)


def check_ready(journal: Journal, home: Home) -> None:
    """Whether the plan can be carried out in this home now.

    Raises: MigrationError home-missing, home-read-only, home-inside-source, no-space, app-running.
    """
    check_home(home.path)
    source = Path(journal.get("source"))
    if home.path.resolve().is_relative_to(source):
        raise MigrationError("migration.home-inside-source", path=home.path)
    room = space(journal, home.path)
    if not room.enough:
        raise MigrationError(
            "migration.no-space", path=home.path, missing=mebibytes(room.needed - room.free + (64 << 20))
        )
    for item in journal.items():
        if item.selected and is_running(home, item.target, str(item.params.get("layout", ""))):
            raise MigrationError("migration.app-running", app=item.label)


def mebibytes(size: int) -> str:
    """A size for a sentence."""
    return f"{max(1, round(size / (1 << 20)))} MiB"
