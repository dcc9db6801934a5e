"""Start-menu shortcuts (.lnk), read strictly as [MS-SHLLINK] describes them. No I/O.

Only what an icon needs: where the shortcut points and where its icon lies. Launching hands the shortcut
itself to Windows, which also knows the kinds that have no path (store apps, advertised installers).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

_HEADER = struct.Struct("<I16sIIQQQIiIHHII")
_CLSID = bytes.fromhex("0114020000000000c000000000000046")
_HAS_ID_LIST, _HAS_LINK_INFO, _HAS_NAME, _HAS_RELATIVE_PATH = 0x1, 0x2, 0x4, 0x8
_HAS_WORKING_DIR, _HAS_ARGUMENTS, _HAS_ICON_LOCATION, _IS_UNICODE = 0x10, 0x20, 0x40, 0x80
_LOCAL_BASE_PATH = 0x1
_ENVIRONMENT_BLOCK, _ICON_BLOCK = 0xA0000001, 0xA0000007
MAXIMUM = 1024 * 1024
"""Shortcuts are a few hundred bytes; what is larger is none."""


@dataclass(frozen=True)
class Shortcut:
    """Where a shortcut points. Paths may hold variables (%ProgramFiles%); empty where it does not say."""

    target: str
    arguments: str
    icon: str
    icon_index: int


class _Bytes:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, count: int) -> bytes:
        piece = self._data[self._at : self._at + count]
        if len(piece) != count:
            raise ValueError("a shortcut that ends too early")
        self._at += count
        return piece

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "little")

    def left(self) -> int:
        return len(self._data) - self._at


def parse(data: bytes) -> Shortcut:
    """Read a shortcut. Raises: ValueError for anything the specification does not allow."""
    if len(data) > MAXIMUM:
        raise ValueError("too large for a shortcut")
    rest = _Bytes(data)
    header, clsid, flags, _, _, _, _, _, icon_index, *_others = _HEADER.unpack(rest.take(_HEADER.size))
    if header != _HEADER.size or clsid != _CLSID:
        raise ValueError("not a shortcut")
    if flags & _HAS_ID_LIST:
        rest.take(rest.number(2))
    target = _link_info(rest) if flags & _HAS_LINK_INFO else ""
    strings: dict[int, str] = {}
    for flag in (_HAS_NAME, _HAS_RELATIVE_PATH, _HAS_WORKING_DIR, _HAS_ARGUMENTS, _HAS_ICON_LOCATION):
        if flags & flag:
            count = rest.number(2)
            if flags & _IS_UNICODE:
                strings[flag] = rest.take(count * 2).decode("utf-16-le", "replace")
            else:
                strings[flag] = rest.take(count).decode("cp1252", "replace")
    blocks = _extra(rest)
    return Shortcut(
        target=target or blocks.get(_ENVIRONMENT_BLOCK, ""),
        arguments=strings.get(_HAS_ARGUMENTS, ""),
        icon=blocks.get(_ICON_BLOCK, "") or strings.get(_HAS_ICON_LOCATION, ""),
        icon_index=icon_index,
    )


def _link_info(rest: _Bytes) -> str:
    size = rest.number(4)
    if size < 28:
        raise ValueError("a link information block shorter than its header")
    body = size.to_bytes(4, "little") + rest.take(size - 4)
    _, header, flags, _, local, _, suffix = struct.unpack_from("<7I", body)
    if not flags & _LOCAL_BASE_PATH:
        return ""
    if header >= 0x24 and len(body) >= 0x24:
        local_wide, suffix_wide = struct.unpack_from("<II", body, 28)
        return _wide(body, local_wide) + _wide(body, suffix_wide)
    return _narrow(body, local) + _narrow(body, suffix)


def _narrow(body: bytes, start: int) -> str:
    end = body.find(b"\0", start)
    if not 0 < start <= end:
        raise ValueError("a path outside its block")
    return body[start:end].decode("cp1252", "replace")


def _wide(body: bytes, start: int) -> str:
    end = start
    while body[end : end + 2] not in (b"\0\0", b"", body[end : end + 1]):
        end += 2
    if not 0 < start < len(body) or body[end : end + 2] != b"\0\0":
        raise ValueError("a path outside its block")
    return body[start:end].decode("utf-16-le", "replace")


def _extra(rest: _Bytes) -> dict[int, str]:
    """Data blocks that hold a path with variables: 260 bytes, then 520 bytes of UTF-16."""
    found: dict[int, str] = {}
    while rest.left() >= 4:
        size = rest.number(4)
        if size < 4:
            break  # the terminal block
        body = rest.take(size - 4)
        signature = int.from_bytes(body[:4], "little")
        if signature in (_ENVIRONMENT_BLOCK, _ICON_BLOCK) and size == 0x314:
            found[signature] = body[264:784].decode("utf-16-le", "replace").partition("\0")[0]
    return found
