"""A small PNG writer over zlib, and the reading of a PNG's size (W3C, "PNG Specification")."""

from __future__ import annotations

import struct
import zlib

from libneuron.guest.wire.png import SIGNATURE as SIGNATURE

_RGB, _RGBA = 2, 6


def encode(width: int, height: int, pixels: bytes, *, alpha: bool, level: int = 1) -> bytes:
    """PNG of ``pixels``: RGB, or RGBA if ``alpha``, eight bits each, rows from the top without padding.

    Level 1: a screenshot shall be there soon, and is sent once. Each row is stored as the difference to the
    row above (filter 2) where it equals it, which is what screens are made of.
    """
    stride = width * (4 if alpha else 3)
    if width < 1 or height < 1 or len(pixels) != stride * height:
        raise ValueError(f"{len(pixels)} bytes are not {width}×{height} pixels")
    packer = zlib.compressobj(level)
    same = b"\x02" + bytes(stride)
    view = memoryview(pixels)
    data: list[bytes] = []
    previous: memoryview | None = None
    for start in range(0, len(pixels), stride):
        row = view[start : start + stride]
        if row == previous:
            data.append(packer.compress(same))
        else:
            data.append(packer.compress(b"\x00"))
            data.append(packer.compress(row))
        previous = row
    data.append(packer.flush())
    header = struct.pack(">IIBBBBB", width, height, 8, _RGBA if alpha else _RGB, 0, 0, 0)
    return b"".join((
        SIGNATURE, _chunk(b"IHDR", header), _chunk(b"IDAT", b"".join(data)), _chunk(b"IEND", b""),
    ))  # fmt: skip


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def size(data: bytes) -> tuple[int, int]:
    """Width and height that a PNG claims. Raises: ValueError if it is none."""
    if len(data) < 33 or not data.startswith(SIGNATURE) or data[12:16] != b"IHDR":
        raise ValueError("not a PNG image")
    width, height = struct.unpack_from(">II", data, 16)
    if not width or not height:
        raise ValueError("an image without pixels")
    return width, height
