"""The files of a restore point that are not the same any more, and what it takes for itself."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from libneuron.system import btrfs
from libneuron.system.extents import unshared_bytes
from libneuron.updates.volume import Volume


def _below(top: Path, relative: str) -> Iterator[tuple[str, os.stat_result]]:
    """``relative`` if it is no directory, else everything in it that is none; links are not followed."""
    try:
        found = (top / relative).lstat()
    except OSError:
        return  # it came after the restore point
    if not stat.S_ISDIR(found.st_mode):
        yield relative, found
        return
    for folder, _folders, names in os.walk(top / relative):
        for name in names:
            path = Path(folder, name)
            with contextlib.suppress(OSError):
                yield str(path.relative_to(top)), path.lstat()


def differing(volume: Volume, point: str) -> tuple[str, ...]:
    """Regular files and links of ``point`` that were changed or removed since, relative to the root, sorted.

    Raises: OSError.
    """
    volume.sync()  # the tree is searched on disk
    now, then = volume.path(volume.layout.path), volume.path(point)
    found: set[str] = set()
    for changed in btrfs.changed_files(now, then, btrfs.info(then).generation):
        if (now / changed).is_dir() and not (now / changed).is_symlink():
            continue  # what changed in it is listed by itself
        kinds = (stat.S_ISREG, stat.S_ISLNK)
        found |= {name for name, info in _below(then, changed) if any(kind(info.st_mode) for kind in kinds)}
    return tuple(sorted(found))


def own_bytes(volume: Volume, point: str, kept: Path) -> int:
    """About how much removing ``point`` and its ``kept`` boot files would free.

    Only files that differ from now are looked at: all others share their data with the running system.
    Raises: OSError.
    """
    top = volume.path(point)
    total = 0
    for name in differing(volume, point):
        with contextlib.suppress(OSError):
            total += unshared_bytes(top / name)
    for folder, _folders, names in os.walk(kept):
        total += sum(Path(folder, name).lstat().st_size for name in names)
    return total
