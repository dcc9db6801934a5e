"""Walking the source: descriptors all the way down, no link or junction ever followed, nothing written."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from libneuron.migration import ntfs
from libneuron.migration.errors import MigrationError
from libneuron.migration.model import Entry, Kind
from libneuron.system.errors import SystemAccessError
from libneuron.system.files import directory_beneath
from libneuron.system.filesystem import attribute, attribute_names

_GONE = (errno.ENODEV, errno.ENXIO, errno.ENOTCONN, errno.ESTALE, errno.ESHUTDOWN)
"""What a file system answers when its drive was unplugged or its driver ended."""


def source_gone(error: OSError) -> bool:
    """Whether ``error`` means that the whole source went away, not one file."""
    return error.errno in _GONE


@dataclass(frozen=True, slots=True)
class Listing:
    """One folder of the source. ``path`` is relative to the source's top, "" for the top itself.

    ``trouble`` is set where the folder could not be opened or read; the entries are then what was seen.
    """

    path: str
    entries: tuple[Entry, ...]
    trouble: str = ""


class Source:
    """A readable folder, held open so that nobody can swap it. Use as a context manager."""

    def __init__(self, top: Path, *, origin: Path | None = None) -> None:
        """Open ``top``; ``origin`` is what it stands for (a disk image).

        Raises: MigrationError source-missing.
        """
        self.top = top
        self.origin = (origin or top).resolve()
        try:
            self.descriptor = os.open(top, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise MigrationError("migration.source-missing", path=top, details=str(error)) from error
        self.is_ntfs = attribute(self.descriptor, ".", ntfs.ATTRIBUTES) is not None

    def __enter__(self) -> Source:
        return self

    def __exit__(self, *_exc: object) -> None:
        os.close(self.descriptor)

    @contextlib.contextmanager
    def folder(self, path: str) -> Iterator[int]:
        """A descriptor of the folder ``path``, "" for the top. Raises: OSError; SystemAccessError."""
        if not path:
            yield self.descriptor
            return
        with directory_beneath(self.descriptor, os.fsencode(path)) as descriptor:
            yield descriptor

    def listing(self, path: str) -> Listing:
        """What lies in the folder ``path``. Raises: MigrationError source-gone."""
        try:
            with self.folder(path) as descriptor:
                return Listing(path, tuple(self._entries(descriptor)))
        except OSError as error:
            if source_gone(error):
                raise MigrationError("migration.source-gone", path=self.top, details=str(error)) from error
            return Listing(path, (), "unreadable")
        except SystemAccessError:  # replaced by a link since its parent was listed
            return Listing(path, (), "link")

    def _entries(self, descriptor: int) -> Iterator[Entry]:
        with os.scandir(descriptor) as found:
            items = sorted(found, key=lambda item: item.name)
        for item in items:
            yield from self._entry(descriptor, item)

    def _entry(self, descriptor: int, item: os.DirEntry[str]) -> Iterator[Entry]:
        trouble, target = "", ""
        streams: tuple[tuple[str, int], ...] = ()
        if self.is_ntfs:
            trouble, target = _ntfs_trouble(descriptor, item.name)
            if not trouble:
                streams = _streams(descriptor, item.name)
        try:
            info = item.stat(follow_symlinks=False)
        except OSError as error:
            if source_gone(error):
                raise
            # ntfs-3g lists reparse points that it cannot stat; the directory's own type is all there is.
            kind = Kind.LINK if item.is_symlink() else Kind.FILE
            yield Entry(item.name, kind, 0, 0, trouble or "unreadable", target)
            return
        kind = _kind(info.st_mode)
        if kind is Kind.LINK and not trouble:
            trouble = "link"
            target = _read_link(descriptor, item.name)
        elif kind is Kind.SPECIAL:
            trouble = "special"
        elif trouble == "cloud" and kind is Kind.FILE and _is_whole(info):
            trouble = ""
        elif trouble == "cloud" and kind is Kind.FOLDER:
            trouble = ""  # a folder of the cloud that this driver can list
        size = info.st_size if kind is Kind.FILE else 0
        yield Entry(item.name, kind, size, info.st_mtime_ns, trouble, target)
        for stream, length in streams:
            yield Entry(f"{item.name}:{stream}", Kind.STREAM, length, info.st_mtime_ns)

    def walk(self, path: str) -> Iterator[Listing]:
        """Every folder from ``path`` down, parents before children, each once."""
        waiting = [path]
        while waiting:
            here = self.listing(waiting.pop())
            yield here
            prefix = f"{here.path}/" if here.path else ""
            waiting.extend(
                prefix + entry.name
                for entry in reversed(here.entries)
                if entry.kind is Kind.FOLDER and not entry.trouble
            )

    def read(self, path: str, *, limit: int) -> bytes | None:
        """A file's bytes, or None where it is absent, unreadable, longer than ``limit`` or behind a link."""
        data = self.start(path, limit + 1)
        return data if data is not None and len(data) <= limit else None

    def start(self, path: str, size: int) -> bytes | None:
        """The first ``size`` bytes of a file, or None where it is absent, unreadable or behind a link."""
        parent, _, name = path.rpartition("/")
        try:
            with self.folder(parent) as folder:
                descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
            with os.fdopen(descriptor, "rb") as file:
                return file.read(size) if stat.S_ISREG(os.fstat(descriptor).st_mode) else None
        except (OSError, SystemAccessError):
            return None

    def names(self, path: str) -> tuple[str, ...]:
        """Sorted names in a folder that are not links; empty where it is absent or unreadable."""
        try:
            with self.folder(path) as folder, os.scandir(folder) as found:
                return tuple(sorted(item.name for item in found if not item.is_symlink()))
        except (OSError, SystemAccessError):
            return ()

    def find(self, path: str) -> str | None:
        """The real spelling of ``path``, compared without case as Windows does; None where it is absent."""
        here = ""
        for part in path.split("/"):
            wanted = part.casefold()
            names = [name for name in self.names(here) if name.casefold() == wanted]
            if not names:
                return None
            name = part if part in names else names[0]
            here = f"{here}/{name}" if here else name
        return here


def _kind(mode: int) -> Kind:
    if stat.S_ISREG(mode):
        return Kind.FILE
    if stat.S_ISDIR(mode):
        return Kind.FOLDER
    return Kind.LINK if stat.S_ISLNK(mode) else Kind.SPECIAL


def _is_whole(info: os.stat_result) -> bool:
    # A cloud file that is kept on the disk has all its blocks; some drivers read the others as zeros.
    return info.st_blocks * 512 >= info.st_size


def _ntfs_trouble(descriptor: int, name: str) -> tuple[str, str]:
    attributes = ntfs.flags(attribute(descriptor, name, ntfs.ATTRIBUTES))
    reparse = attribute(descriptor, name, ntfs.REPARSE) if attributes & ntfs.REPARSE_POINT else None
    return ntfs.trouble(ntfs.tag(reparse), attributes), ntfs.link_target(reparse or b"")


def _streams(descriptor: int, name: str) -> tuple[tuple[str, int], ...]:
    # ntfs-3g shows named streams as "user." attributes (its default, streams_interface=xattr).
    found = []
    for shown in attribute_names(descriptor, name):
        if shown.startswith("user."):
            data = attribute(descriptor, name, shown)
            found.append((shown.removeprefix("user."), len(data or b"")))
    return tuple(sorted(found))


def _read_link(descriptor: int, name: str) -> str:
    try:
        return os.readlink(name, dir_fd=descriptor)
    except OSError:
        return ""
