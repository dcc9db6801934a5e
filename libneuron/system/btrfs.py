"""btrfs subvolumes through the kernel's own calls: no program to be missing, no text to be parsed.

Structures and numbers: include/uapi/linux/btrfs.h. All need root, except :func:`info` and :func:`children`
(Linux 4.18). Every function raises OSError as the kernel says it.
"""

from __future__ import annotations

import fcntl
import os
import struct
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

TOP = 5
"""Id of the top-level subvolume (BTRFS_FS_TREE_OBJECTID)."""

_FIRST_FREE = 256  # inode number of every subvolume's own root directory
_MAGIC = 0x94
_WRITE, _READ = 1, 2
_SUBVOL_RDONLY = 1 << 1
_NAME_LIMIT = 255


def _number(direction: int, code: int, size: int) -> int:
    return (direction << 30) | (size << 16) | (_MAGIC << 8) | code


_SNAP_DESTROY = _number(_WRITE, 15, 4096)
_TREE_SEARCH = _number(_READ | _WRITE, 17, 4096)
_INO_LOOKUP = _number(_READ | _WRITE, 18, 4096)
_DEFAULT_SUBVOL = _number(_WRITE, 19, 8)
_SNAP_CREATE_V2 = _number(_WRITE, 23, 4096)
_SUBVOL_CREATE_V2 = _number(_WRITE, 24, 4096)
_SUBVOL_GETFLAGS = _number(_READ, 25, 8)
_SUBVOL_SETFLAGS = _number(_WRITE, 26, 8)
_GET_SUBVOL_INFO = _number(_READ, 60, 504)
_GET_SUBVOL_ROOTREF = _number(_READ | _WRITE, 61, 4096)


@dataclass(frozen=True)
class Subvolume:
    """What the kernel knows of a subvolume. ``created`` is seconds since 1970; ``parent_uuid`` is the
    subvolume it is a snapshot of, or None."""

    id: int
    name: str
    parent_id: int
    uuid: str
    parent_uuid: str | None
    readonly: bool
    generation: int
    created: float


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    # A private mount is reached through a link of the kernel's own; every other last part must be no link.
    follow = path.parent == Path("/proc/self/fd")
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
    descriptor = os.open(path, flags if follow else flags | os.O_NOFOLLOW)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _name(name: str) -> bytes:
    raw = os.fsencode(name)
    if not raw or len(raw) > _NAME_LIMIT or b"/" in raw or raw in (b".", b".."):
        raise ValueError(f"not a subvolume name: {name!r}")
    return raw


def _uuid(raw: bytes) -> str | None:
    return str(uuid.UUID(bytes=raw)) if any(raw) else None


def is_subvolume(path: Path) -> bool:
    """Whether ``path`` is the root directory of a btrfs subvolume, and no link to one."""
    try:
        with _opened(path) as descriptor:
            if os.fstat(descriptor).st_ino != _FIRST_FREE:
                return False
            fcntl.ioctl(descriptor, _SUBVOL_GETFLAGS, bytearray(8))
    except OSError:
        return False
    return True


def info(path: Path) -> Subvolume:
    """The subvolume that holds ``path``."""
    buffer = bytearray(504)
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.ioctl(descriptor, _GET_SUBVOL_INFO, buffer)
    finally:
        os.close(descriptor)
    number, name = struct.unpack_from("<Q256s", buffer)
    parent, _directory, generation, flags = struct.unpack_from("<4Q", buffer, 264)
    seconds, nanoseconds = struct.unpack_from("<QI", buffer, 264 + 32 + 48 + 32 + 16)
    return Subvolume(
        id=number,
        name=os.fsdecode(name.rstrip(b"\0")),
        parent_id=parent,
        uuid=_uuid(bytes(buffer[296:312])) or "",
        parent_uuid=_uuid(bytes(buffer[312:328])),
        readonly=bool(flags & 1),  # BTRFS_ROOT_SUBVOL_RDONLY in the tree's own flags
        generation=generation,
        created=seconds + nanoseconds / 1e9,
    )


def _arguments(name: str, *, source: int = 0, flags: int = 0) -> bytearray:
    return bytearray(struct.pack("<qQQ4Q4040s", source, 0, flags, 0, 0, 0, 0, _name(name)))


def create(parent: Path, name: str) -> None:
    """Create an empty subvolume ``name`` in the directory ``parent``."""
    with _opened(parent) as directory:
        fcntl.ioctl(directory, _SUBVOL_CREATE_V2, _arguments(name))


def snapshot(source: Path, parent: Path, name: str, *, readonly: bool) -> None:
    """Snapshot the subvolume ``source`` as ``name`` in ``parent``.

    Fails with ETXTBSY over an active swap file.
    """
    with _opened(source) as origin, _opened(parent) as directory:
        flags = _SUBVOL_RDONLY if readonly else 0
        fcntl.ioctl(directory, _SNAP_CREATE_V2, _arguments(name, source=origin, flags=flags))


def delete(parent: Path, name: str) -> None:
    """Delete the subvolume ``name`` in ``parent``; it must not be mounted nor hold subvolumes itself."""
    with _opened(parent) as directory:
        fcntl.ioctl(directory, _SNAP_DESTROY, bytearray(struct.pack("<q4088s", 0, _name(name))))


def set_readonly(path: Path, *, readonly: bool) -> None:
    """Switch a subvolume between read-only and writable."""
    buffer = bytearray(8)
    with _opened(path) as descriptor:
        fcntl.ioctl(descriptor, _SUBVOL_GETFLAGS, buffer)
        (flags,) = struct.unpack("<Q", buffer)
        flags = flags | _SUBVOL_RDONLY if readonly else flags & ~_SUBVOL_RDONLY
        fcntl.ioctl(descriptor, _SUBVOL_SETFLAGS, bytearray(struct.pack("<Q", flags)))


def set_default(path: Path) -> None:
    """Make the subvolume at ``path`` the one that is mounted where none is named."""
    number = info(path).id
    with _opened(path) as descriptor:
        fcntl.ioctl(descriptor, _DEFAULT_SUBVOL, bytearray(struct.pack("<Q", number)))


def default(path: Path) -> int:
    """Id of the subvolume that is mounted where none is named."""
    # The directory item "default" in the root tree's directory: root tree 1, directory 6, type 84.
    key = struct.pack("<7Q4I4Q", 1, 6, 6, 0, 2**64 - 1, 0, 2**64 - 1, 84, 84, 4, 0, 0, 0, 0, 0)
    buffer = bytearray(key + bytes(4096 - len(key)))
    with _opened(path) as descriptor:
        fcntl.ioctl(descriptor, _TREE_SEARCH, buffer)
    (found,) = struct.unpack_from("<I", buffer, 64)
    place = 104
    for _ in range(found):
        (length,) = struct.unpack_from("<I", buffer, place + 28)
        item = buffer[place + 32 : place + 32 + length]
        number, size = struct.unpack_from("<Q", item)[0], struct.unpack_from("<H", item, 27)[0]
        if bytes(item[30 : 30 + size]) == b"default":
            return int(number)
        place += 32 + length
    return TOP


def children(path: Path) -> tuple[str, ...]:
    """Paths, relative to the subvolume at ``path``, of the subvolumes directly inside it, sorted."""
    found: list[str] = []
    lowest = 0
    with _opened(path) as descriptor:
        while True:
            buffer = bytearray(4096)
            struct.pack_into("<Q", buffer, 0, lowest)
            more = False
            try:
                fcntl.ioctl(descriptor, _GET_SUBVOL_ROOTREF, buffer)
            except OSError as error:
                if error.errno != 75:  # EOVERFLOW: the table is full and there is more
                    raise
                more = True
            count = buffer[4088]
            for index in range(count):
                number, directory = struct.unpack_from("<QQ", buffer, 8 + 16 * index)
                found.append(_directory(descriptor, directory) + _child_name(path, number))
                lowest = number + 1
            if not more:
                return tuple(sorted(found))


def _directory(descriptor: int, inode: int) -> str:
    if inode == _FIRST_FREE:
        return ""
    buffer = bytearray(4096)
    struct.pack_into("<QQ", buffer, 0, 0, inode)
    fcntl.ioctl(descriptor, _INO_LOOKUP, buffer)
    return os.fsdecode(bytes(buffer[16:]).split(b"\0", 1)[0])


def _child_name(path: Path, number: int) -> str:
    """The name of subvolume ``number``, from its back reference (root tree, type ROOT_BACKREF 144)."""
    key = struct.pack("<7Q4I4Q", 1, number, number, 0, 2**64 - 1, 0, 2**64 - 1, 144, 144, 1, 0, 0, 0, 0, 0)
    buffer = bytearray(key + bytes(4096 - len(key)))
    with _opened(path) as descriptor:
        fcntl.ioctl(descriptor, _TREE_SEARCH, buffer)
    (size,) = struct.unpack_from("<H", buffer, 104 + 32 + 16)
    return os.fsdecode(bytes(buffer[104 + 32 + 18 : 104 + 32 + 18 + size]))


def changed_files(now: Path, then: Path, generation: int) -> tuple[str, ...]:
    """Paths that differ between a subvolume and an earlier snapshot of it, relative to both, sorted.

    The file system's own tree is asked for inodes written after ``generation`` (that of the snapshot), so the
    cost follows the changes and not the number of files. Changed directories are listed on both sides, which
    finds what came and what went.
    """
    found: set[str] = set()
    with _opened(now) as descriptor:
        for inode in _inodes_since(descriptor, generation + 1):
            try:
                relative = "" if inode == _FIRST_FREE else _directory(descriptor, inode).rstrip("/")
            except OSError:
                continue  # deleted while we looked
            path = now / relative
            if inode == _FIRST_FREE or (path.is_dir() and not path.is_symlink()):
                found |= _came_and_went(now, then, relative)
            elif not _same(path, then / relative):
                found.add(relative)
    return tuple(sorted(found))


def _same(one: Path, other: Path) -> bool:
    try:
        left, right = one.lstat(), other.lstat()
    except OSError:
        return False
    return (left.st_ino, left.st_ctime_ns, left.st_size) == (right.st_ino, right.st_ctime_ns, right.st_size)


def _came_and_went(now: Path, then: Path, relative: str) -> set[str]:
    sides = []
    for top in (now, then):
        try:
            sides.append(set(os.listdir(top / relative)))
        except OSError:
            sides.append(set())
    prefix = f"{relative}/" if relative else ""
    return {f"{prefix}{name}" for name in sides[0] ^ sides[1]}


def _inodes_since(descriptor: int, generation: int) -> Iterator[int]:
    """Inode numbers in a subvolume whose item was written in ``generation`` or later (type INODE_ITEM 1)."""
    lowest = _FIRST_FREE
    while True:
        key = struct.pack(
            "<7Q4I4Q", 0, lowest, 2**64 - 257, 0, 2**64 - 1, generation, 2**64 - 1, 1, 1, 4096, 0, 0, 0, 0, 0
        )
        buffer = bytearray(key + bytes(4096 - len(key)))
        fcntl.ioctl(descriptor, _TREE_SEARCH, buffer)
        (count,) = struct.unpack_from("<I", buffer, 64)
        if count == 0:
            return
        place = 104
        for _ in range(count):
            _transid, inode, _offset, kind, length = struct.unpack_from("<QQQII", buffer, place)
            # The search gives whole leaves that are new enough; the inode's own transid is what counts.
            if kind == 1 and struct.unpack_from("<Q", buffer, place + 32 + 8)[0] >= generation:
                yield inode
            lowest = inode + 1
            place += 32 + length
