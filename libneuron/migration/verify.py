"""Proving that what was written is still there: read again from the disk, compared with the journal."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from enum import StrEnum

from libneuron.migration.destination import Destination, file_hash, look
from libneuron.migration.journal import Journal
from libneuron.migration.model import ARRIVED, Kind
from libneuron.migration.rows import Row
from libneuron.migration.storable import inode, moment
from libneuron.progress import Progress
from libneuron.system.errors import SystemAccessError

SAMPLE = 20
"""Of how many plainly copied files one is read again when sampling."""


class Extent(StrEnum):
    """How much is read again."""

    FULL = "full"
    SAMPLE = "sample"
    """Everything transformed, and one in twenty of the rest."""
    NONE = "none"


class Verdict(StrEnum):
    """What became of a file."""

    SAME = "same"
    CHANGED = "changed"
    """Written by somebody since the run: it has another size or time."""
    MISSING = "missing"
    DAMAGED = "damaged"
    """Size and time are as the run left them, the bytes are not."""


@dataclass
class Verification:
    """What was found. The paths are below the home."""

    checked: int = 0
    changed: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    damaged_rows: list[Row] = field(default_factory=list)
    missing_rows: list[Row] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing is missing or damaged; what the person changed is theirs."""
        return not self.missing and not self.damaged

    def as_json(self) -> dict[str, object]:
        """For the command line and the report."""
        return {
            "checked": self.checked,
            "changed": self.changed,
            "missing": self.missing,
            "damaged": self.damaged,
        }


def wanted(row: Row, extent: Extent) -> bool:
    """Whether a row is to be read again."""
    if row.kind is not Kind.FILE or row.hash is None:
        return False
    if extent is Extent.SAMPLE:
        return bool(row.transform) or row.id % SAMPLE == 0
    return extent is Extent.FULL


def examine(row: Row, destination: Destination, actual: bytes) -> Verdict:
    """Compare one file with its row, from the disk."""
    name = row.there
    try:
        folder = destination.folder(actual)
        info = look(folder, name)
        if info is None:
            return Verdict.MISSING
        if file_hash(folder, name, uncached=True) == row.hash:
            return Verdict.SAME
    except (FileNotFoundError, NotADirectoryError, SystemAccessError):
        return Verdict.MISSING
    except OSError:  # it is there, and its disk does not give it back
        return Verdict.DAMAGED
    return Verdict.DAMAGED if untouched(row, info) else Verdict.CHANGED


def untouched(row: Row, info: os.stat_result) -> bool:
    """Whether size, time and inode are as the run left them (a file that was there before has its own)."""
    return (
        row.created and info.st_size == row.written and moment(info) == row.mtime and inode(info) == row.inode
    )


def verify(
    journal: Journal, destination: Destination, progress: Progress, extent: Extent = Extent.FULL
) -> Verification:
    """Read again what arrived. Files are synced and dropped from the cache first. Raises: Cancelled."""
    found = Verification()
    if extent is Extent.NONE:
        return found
    total = sum(row.written or 0 for row in journal.every(*ARRIVED) if wanted(row, extent))
    progress.start(total=total, unit="bytes")
    folders: dict[int, bytes] = {}
    for row in journal.every(*ARRIVED):
        if not wanted(row, extent) or row.folder is None:
            continue
        if row.folder not in folders:
            if len(folders) > 10_000:
                folders.clear()
            folders[row.folder] = journal.folder(row.folder).actual or b""
        actual = folders[row.folder]
        path = os.fsdecode(b"/".join(part for part in (actual, row.there) if part))
        verdict = examine(row, destination, actual)
        found.checked += 1
        if verdict is not Verdict.SAME:
            {
                Verdict.CHANGED: found.changed,
                Verdict.MISSING: found.missing,
                Verdict.DAMAGED: found.damaged,
            }[verdict].append(path)
        if verdict is Verdict.DAMAGED:
            found.damaged_rows.append(row)
        elif verdict is Verdict.MISSING:
            found.missing_rows.append(row)
        progress.advance(row.written or 0, item=path)
    progress.finish()
    return found
