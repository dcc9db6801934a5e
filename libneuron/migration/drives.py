"""Drives that are mounted here and look like Windows, for a person to choose from.

Source: proc_pid_mounts(5): one file system a line; "\\040" and its like stand for special characters.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from libneuron.system.files import Root

_WINDOWS = frozenset({"ntfs", "ntfs3", "fuseblk", "exfat", "vfat"})
_OCTAL = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True)
class Drive:
    """One mounted drive. Sizes in bytes; ``people`` are the names of the profiles on it."""

    path: Path
    device: str
    size: int
    free: int
    people: tuple[str, ...]
    is_open: bool = True
    """Whether it is mounted; what is on it is not known before."""

    @property
    def has_windows(self) -> bool:
        """Whether somebody's Windows files are on it."""
        return bool(self.people)


def _plain(text: str) -> str:
    return _OCTAL.sub(lambda found: chr(int(found.group(1), 8)), text)


def mounted(table: str) -> tuple[tuple[str, Path], ...]:
    """Device and mount point of each drive with a file system of Windows, from the text of a mount table."""
    found = []
    for line in table.splitlines():
        parts = line.split()
        if len(parts) >= 3 and parts[2] in _WINDOWS:
            found.append((_plain(parts[0]), Path(_plain(parts[1]))))
    return tuple(found)


def drives(root: Root) -> tuple[Drive, ...]:
    """The mounted drives of Windows kinds, those with people first. Looks at each drive: may be slow."""
    made = []
    for device, place in mounted(root.text("/proc/self/mounts") or ""):
        path = root.path(str(place))
        try:
            info = os.statvfs(path)
        except OSError:
            continue  # unplugged, but still in the table
        made.append(
            Drive(
                path,
                device,
                info.f_blocks * info.f_frsize,
                info.f_bavail * info.f_frsize,
                _people(path / "Users"),
            )
        )
    return tuple(sorted(made, key=lambda drive: (not drive.has_windows, str(drive.path))))


def _people(users: Path) -> tuple[str, ...]:
    try:
        return tuple(
            sorted(
                name
                for name in os.listdir(users)
                if (users / name / "AppData").is_dir() and name.casefold() != "default"
            )
        )
    except OSError:
        return ()
