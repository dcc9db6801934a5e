"""The size of a PNG by its header, known before anything is decoded (PNG specification, 11.2.1 IHDR)."""

from __future__ import annotations

import struct

SIGNATURE = b"\x89PNG\r\n\x1a\n"
"""How each begins (5.2)."""


def size(data: bytes) -> tuple[int, int] | None:
    """Width and height in pixels; None where ``data`` does not start as a PNG with at least one pixel."""
    if len(data) < 33 or not data.startswith(SIGNATURE) or data[12:16] != b"IHDR":
        return None
    width, height = (int(side) for side in struct.unpack(">II", data[16:24]))
    return (width, height) if width and height else None
