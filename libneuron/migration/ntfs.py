"""What NTFS says about a file beyond Unix: attributes and reparse points. Bytes in, values out.

Sources: [MS-FSCC] 2.1.2 (reparse points) and 2.6 (file attributes); ntfs-3g's extended attributes
``system.ntfs_attrib`` and ``system.ntfs_reparse_data`` (both little-endian).
"""

from __future__ import annotations

import struct

ATTRIBUTES = "system.ntfs_attrib"
REPARSE = "system.ntfs_reparse_data"

REPARSE_POINT = 0x400
ENCRYPTED = 0x4000
OFFLINE = 0x1000
RECALL_ON_OPEN = 0x40000
RECALL_ON_DATA_ACCESS = 0x400000
_NOT_HERE = OFFLINE | RECALL_ON_OPEN | RECALL_ON_DATA_ACCESS

MOUNT_POINT = 0xA0000003
SYMLINK = 0xA000000C
_CLOUD_MASK = 0xFFFF0FFF
_CLOUD = 0x9000001A
_TROUBLES = {
    0x80000017: "compressed",  # WOF: compressed by Windows ("compact /exe"), holds programs
    0x80000013: "deduplicated",
    0x8000001B: "app-link",  # a Store app's alias, 0 bytes of data
    0xA000001D: "linux-link",  # a symbolic link made by WSL
    0x80000023: "linux-special",  # AF_UNIX
    0x80000024: "linux-special",
    0x80000025: "linux-special",
    0x80000026: "linux-special",
}


def flags(data: bytes | None) -> int:
    """The attribute bits, 0 where there are none to read."""
    return struct.unpack_from("<I", data)[0] if data is not None and len(data) >= 4 else 0


def tag(data: bytes | None) -> int:
    """The reparse tag, 0 where there is none."""
    return struct.unpack_from("<I", data)[0] if data is not None and len(data) >= 8 else 0


def is_cloud(value: int) -> bool:
    """Whether a tag is of the OneDrive family (0x9000001A … 0x9000F01A)."""
    return value & _CLOUD_MASK == _CLOUD


def trouble(value: int, attributes: int) -> str:
    """Why an entry with this reparse tag and these attributes is not copied; empty for a plain one."""
    if value in (MOUNT_POINT, SYMLINK):
        return "link"
    if attributes & ENCRYPTED:
        return "encrypted"
    if is_cloud(value) or attributes & _NOT_HERE:
        return "cloud"
    if value:
        return _TROUBLES.get(value, "reparse-point")
    return ""


def link_target(data: bytes) -> str:
    """Where a junction or symbolic link points, in Windows terms; empty where the data is damaged."""
    value = tag(data)
    fixed = {MOUNT_POINT: 8, SYMLINK: 12}.get(value)
    if fixed is None or len(data) < 8 + fixed:
        return ""
    start, size, shown, shown_size = struct.unpack_from("<HHHH", data, 8)
    body = data[8 + fixed :]
    raw = body[shown : shown + shown_size] or body[start : start + size]
    return raw.decode("utf-16-le", "replace").removeprefix("\\??\\")
