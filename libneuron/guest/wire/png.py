"""What a PNG is by its chunks, known before anything is decoded (PNG specification, 5 and 11.2.1 IHDR)."""

from __future__ import annotations

import struct

SIGNATURE = b"\x89PNG\r\n\x1a\n"
"""How each begins (5.2)."""
_PICTURE = frozenset((b"IHDR", b"PLTE", b"tRNS", b"IDAT"))
_MOST = 50_000  # chunks; encoders put 8 KiB and more into each
_END = b"\0\0\0\0IEND\xae\x42\x60\x82"


def size(data: bytes) -> tuple[int, int] | None:
    """Width and height in pixels; None where ``data`` does not start as a PNG with at least one pixel."""
    if len(data) < 33 or not data.startswith(SIGNATURE) or data[12:16] != b"IHDR":
        return None
    width, height = (int(side) for side in struct.unpack(">II", data[16:24]))
    return (width, height) if width and height else None


def bare(data: bytes) -> bytes:
    """``data`` without all that is not its picture; empty where it is not a whole PNG.

    Texts and profiles are compressed as well, and no size in the header bounds them: an icon of 460 KB with
    60 texts takes 2 GB and 15 s to open.
    """
    kept: list[bytes | memoryview] = [SIGNATURE]
    view, at = memoryview(data), len(SIGNATURE)
    for _ in range(_MOST if size(data) else 0):
        if len(view) - at < 12:
            break
        end = at + 12 + int.from_bytes(view[at : at + 4], "big")
        kind = bytes(view[at + 4 : at + 8])
        if kind == b"IEND":
            return b"".join((*kept, _END))
        if kind in _PICTURE and end <= len(view):
            kept.append(view[at:end])
        at = end
    return b""
