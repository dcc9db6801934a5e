"""Reads the log of a block device's writes (the format of drivers/md/dm-log-writes.c) and replays it."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_MAGIC = 0x6A736677736872
_FLUSH, _FUA, _DISCARD = 1, 2, 4


@dataclass(frozen=True)
class Write:
    """One logged request. ``place`` and ``size`` in bytes; ``data`` is where its content lies in the log."""

    place: int
    size: int
    flags: int
    data: int

    @property
    def settles(self) -> bool:
        """Whether everything written before it was durable once it was done."""
        return bool(self.flags & (_FLUSH | _FUA))


def read_log(path: Path) -> list[Write]:
    """The requests of the log at ``path``, in order."""
    with path.open("rb") as file:
        magic, _version, count, sector = struct.unpack("<QQQI", file.read(28))
        assert magic == _MAGIC
        found = []
        place = sector
        for _ in range(count):
            file.seek(place)
            start, length, flags, _extra = struct.unpack("<4Q", file.read(32))
            place += sector
            has_data = not flags & _DISCARD
            found.append(Write(start * sector, length * sector, flags, place))
            if has_data:
                place += length * sector
        return found


def cuts(base: Path, log: Path) -> Iterator[tuple[int, Path]]:
    """``base`` as it would be had the power gone after each settled request; (number of requests, the image).

    One image is yielded again and again, each time further on: copy it before writing to it.
    """
    writes = read_log(log)
    with log.open("rb") as source, base.open("r+b") as target:
        for number, write in enumerate(writes, 1):
            if write.size and not write.flags & _DISCARD:
                target.seek(write.place)
                source.seek(write.data)
                target.write(source.read(write.size))
            if write.settles:
                target.flush()
                os.fsync(target.fileno())
                yield number, base
