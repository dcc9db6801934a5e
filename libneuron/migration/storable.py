"""Numbers as the journal can hold them: SQLite's have 64 bits and a sign, file systems know others.

A garbled date on NTFS may be 29,000 years away, and some file systems give inodes of 64 bits without a sign.
"""

from __future__ import annotations

import os

_LAST = (1 << 63) - 1
_LARGEST = 1 << 45


def moment(info: os.stat_result) -> int:
    """A file's mtime in nanoseconds since 1970, or the nearest date from 1677 to 2262."""
    return max(-_LAST, min(_LAST, info.st_mtime_ns))


def inode(info: os.stat_result) -> int:
    """What tells a file from its neighbours."""
    return info.st_ino & _LAST


def size_of(info: os.stat_result) -> int:
    """Bytes, 32 TiB at most, whatever a damaged disk says: sums must be held as well."""
    return min(info.st_size, _LARGEST)
