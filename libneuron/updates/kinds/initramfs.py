"""Whether an initramfs image is whole, by walking its containers to their ends.

An image is a chain of cpio archives (newc), plain ones first (microcode), the last one usually compressed
(Documentation/driver-api/early-userspace/buffer-format.rst). A file cut short by a full boot partition keeps
its magic number; only the walk to the end shows it. zstd and lz4 are walked by their block headers alone.
"""

from __future__ import annotations

import struct
import zlib
from typing import BinaryIO

_CPIO = (b"070701", b"070702")


def initramfs_problem(file: BinaryIO) -> str | None:
    """What is wrong with the image in ``file`` ("is empty", "is cut short", "is no initramfs"), or None."""
    start = file.read(16)
    if not start:
        return "is empty"
    file.seek(0)
    try:
        if not _whole(file):
            return "is no initramfs"
    except (EOFError, struct.error, zlib.error, ValueError):
        return "is cut short"
    return None


def _exactly(file: BinaryIO, size: int) -> bytes:
    data = file.read(size)
    if len(data) < size:
        raise EOFError
    return data


def _skip(file: BinaryIO, size: int) -> None:
    """Move forward over ``size`` bytes that must exist."""
    if size > 0:
        file.seek(size - 1, 1)
        _exactly(file, 1)


def _whole(file: BinaryIO) -> bool:
    walked = 0
    while True:
        place = file.tell()
        magic = file.read(6)
        if not magic:
            return walked > 0
        if not magic[:4].rstrip(b"\0"):
            file.seek(place + len(magic[:4]))  # archives are padded with zero bytes, in steps of four
            continue
        file.seek(place)
        if magic in _CPIO:
            _cpio(file)
            walked += 1
        elif magic[:2] == b"\x1f\x8b":
            _gzip(file)
            return True
        elif magic[:4] == b"\x28\xb5\x2f\xfd":
            _zstd(file)
            return True
        elif magic[:4] == b"\x02\x21\x4c\x18":
            _lz4(file)
            return True
        elif magic == b"\xfd7zXZ\0":
            _xz(file)
            return True
        else:  # rare formats, for which nothing short of unpacking would tell whether they are whole
            return magic.startswith((b"BZh", b"\x5d\0\0", b"\x89LZO"))


def _cpio(file: BinaryIO) -> None:
    while True:
        head = _exactly(file, 110)
        if head[:6] not in _CPIO:
            raise ValueError
        size, name_size = int(head[54:62], 16), int(head[94:102], 16)
        if name_size > 4096:
            raise ValueError
        name = _exactly(file, name_size)
        _skip(file, -(110 + name_size) % 4)
        if name.rstrip(b"\0") == b"TRAILER!!!":
            return
        _skip(file, size)
        _skip(file, -size % 4)


def _gzip(file: BinaryIO) -> None:
    unpacker = zlib.decompressobj(wbits=31)
    while not unpacker.eof:
        data = file.read(1 << 20)
        if not data:
            raise EOFError
        unpacker.decompress(data, 0)


def _zstd(file: BinaryIO) -> None:
    """Frames and blocks: RFC 8878, section 3.1.1."""
    while True:
        magic = file.read(4)
        if not magic.rstrip(b"\0"):
            return
        (number,) = struct.unpack("<I", magic)
        if 0x184D2A50 <= number <= 0x184D2A5F:
            _skip(file, struct.unpack("<I", _exactly(file, 4))[0])
            continue
        if number != 0xFD2FB528:
            raise ValueError
        descriptor = _exactly(file, 1)[0]
        single, checksum = bool(descriptor & 0x20), bool(descriptor & 4)
        content = (1 if single else 0, 2, 4, 8)[descriptor >> 6]
        _skip(file, (0 if single else 1) + (0, 1, 2, 4)[descriptor & 3] + content)
        last = False
        while not last:
            raw = _exactly(file, 3)
            block = int.from_bytes(raw, "little")
            last, kind, size = bool(block & 1), block >> 1 & 3, block >> 3
            _skip(file, 1 if kind == 1 else size)
        _skip(file, 4 if checksum else 0)


def _lz4(file: BinaryIO) -> None:
    """The legacy frame, the only one the kernel reads: magic, then blocks with their sizes up to the end."""
    _skip(file, 4)
    while True:
        raw = file.read(4)
        if not raw.rstrip(b"\0"):
            return
        size = struct.unpack("<I", raw)[0]
        if size != 0x184C2102:  # another frame may follow
            _skip(file, size)


def _xz(file: BinaryIO) -> None:
    """The stream's footer must stand at the end, before zero padding in steps of four bytes."""
    file.seek(0, 2)
    end = file.tell()
    while end >= 12:
        file.seek(end - 4)
        tail = _exactly(file, 4)
        if tail == b"\0\0\0\0":
            end -= 4
            continue
        if tail[2:] == b"YZ":
            return
        break
    raise EOFError
