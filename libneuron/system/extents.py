"""How much of a file lies on the disk for it alone: FIEMAP (Documentation/filesystems/fiemap.rst)."""

from __future__ import annotations

import fcntl
import os
import struct
from pathlib import Path

_FIEMAP = 0xC020660B
_SYNC, _LAST, _INLINE, _SHARED = 0x1, 0x1, 0x200, 0x2000
_HEAD, _EXTENT = struct.Struct("<QQIIII"), struct.Struct("<QQQ16xI12x")
_BATCH = 64


def unshared_bytes(path: Path) -> int:
    """Bytes of a regular file that no snapshot or copy shares: what deleting it would free, about.

    Data kept in the file system's own tree (tiny files) counts as nothing, as does what is compressed as its
    size before. Raises: OSError.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        total, start = 0, 0
        while True:
            buffer = bytearray(_HEAD.size + _BATCH * _EXTENT.size)
            _HEAD.pack_into(buffer, 0, start, 2**64 - 1 - start, _SYNC, 0, _BATCH, 0)
            fcntl.ioctl(descriptor, _FIEMAP, buffer)
            count = _HEAD.unpack_from(buffer)[3]
            for index in range(count):
                at = _HEAD.size + index * _EXTENT.size
                logical, _physical, length, flags = _EXTENT.unpack_from(buffer, at)
                if not flags & (_SHARED | _INLINE):
                    total += length
                start = logical + length
                if flags & _LAST:
                    return total
            if count == 0:
                return total
    finally:
        os.close(descriptor)
