"""One file from the top folder of a disc image, without mounting it. Pure; sizes are bounded before use.

Source: ECMA-119 (ISO 9660) 8.4, 9.1 and the Joliet specification: sector 16 onwards hold volume descriptors,
the supplementary one with escape %/@, %/C or %/E has names in UCS-2 big endian.
"""

from __future__ import annotations

from collections.abc import Callable

_SECTOR = 2048
_MAX_FOLDER = 256 * 1024
_JOLIET = (b"%/@", b"%/C", b"%/E")

ReadAt = Callable[[int, int], bytes]
"""(offset, size) → bytes; fewer at the end."""


def _roots(read: ReadAt) -> list[tuple[bytes, bool]]:
    """Root folder records, Joliet first, each with whether its names are UCS-2."""
    found: list[tuple[bytes, bool]] = []
    for number in range(16, 32):
        sector = read(number * _SECTOR, _SECTOR)
        if len(sector) < _SECTOR or sector[1:6] != b"CD001" or sector[0] == 255:
            break
        if sector[0] == 2 and sector[88:91] in _JOLIET:
            found.insert(0, (sector[156:190], True))
        elif sector[0] == 1:
            found.append((sector[156:190], False))
    return found


def _entry(record: bytes) -> tuple[int, int]:
    return int.from_bytes(record[2:6], "little") * _SECTOR, int.from_bytes(record[10:14], "little")


def find(read: ReadAt, name: str, *, limit: int) -> bytes | None:
    """The file ``name`` from the top folder, or None: no such file, larger than ``limit``, no ISO 9660."""
    for root, joliet in _roots(read):
        offset, size = _entry(root)
        if size > _MAX_FOLDER:
            continue
        folder = read(offset, size)
        at = 0
        while at < len(folder):
            length = folder[at]
            if length < 34 or at + length > len(folder):
                at = (at // _SECTOR + 1) * _SECTOR  # records do not cross sectors: the rest is padding
                continue
            record = folder[at : at + length]
            at += length
            raw = record[33 : 33 + record[32]]
            text = raw.decode("utf-16-be" if joliet else "ascii", "replace").split(";")[0]
            if text.lower() == name.lower() and not record[25] & 2:
                offset, size = _entry(record)
                return read(offset, size) if size <= limit else None
    return None
