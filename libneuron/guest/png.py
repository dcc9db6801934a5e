"""The size of a PNG by its header, known before anything is decoded (PNG specification, 11.2.1 IHDR)."""

from __future__ import annotations

import struct

_START = b"\x89PNG\r\n\x1a\n"


def size(data: bytes) -> tuple[int, int] | None:
    """Width and height in pixels; None where ``data`` does not start as a PNG with at least one pixel."""
    if len(data) < 33 or not data.startswith(_START) or data[12:16] != b"IHDR":
        return None
    width, height = (int(side) for side in struct.unpack(">II", data[16:24]))
    return (width, height) if width and height else None
