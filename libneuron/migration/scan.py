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
from libneuron.migration.ahead import Ahead
from libneuron.migration.errors import MigrationError
from libneuron.migration.model import Entry, Kind
from libneuron.migration.storable import moment, size_of
from libneuron.system.errors import SystemAccessError
from libneuron.system.files import directory_beneath
from libneuron.system.filesystem import attribute, attribute_names

_GONE = (errno.ENODEV, errno.ENXIO, errno.ENOTCONN, errno.ESTALE, errno.ESHUTDOWN)
"""What a file system answers when its drive was unplugged or its driver ended."""
_THREADS = 3
"""Folders of an NTFS drive that are listed at a time: its driver answers three questions about each file."""
_PORTION = 4000
"""Names of one folder that are looked at together."""


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
    more: bool = False
    """Whether more of the folder follows."""


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

    def portions(self, path: str) -> Iterator[Listing]:
        """What lies in the folder ``path``, some thousand entries at a time.

        Raises: MigrationError source-gone.
        """
        try:
            with self.folder(path) as descriptor:
                names, links = _names(descriptor)
                for start in range(0, len(names) or 1, _PORTION):
                    some = names[start : start + _PORTION]
                    entries = (one for name in some for one in self._entry(descriptor, name, links))
                    yield Listing(path, tuple(entries), more=start + _PORTION < len(names))
        except OSError as error:
            if source_gone(error):
                raise MigrationError("migration.source-gone", path=self.top, details=str(error)) from error
            yield Listing(path, (), "unreadable")
        except SystemAccessError:  # replaced by a link since its parent was listed
            yield Listing(path, (), "link")

    def _entry(self, descriptor: int, name: str, links: frozenset[str]) -> Iterator[Entry]:
        trouble, target = "", ""
        streams: tuple[tuple[str, int], ...] = ()
        if self.is_ntfs:
            trouble, target = _ntfs_trouble(descriptor, name)
            if not trouble:
                streams = _streams(descriptor, name)
        try:
            info = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
        except OSError as error:
            if source_gone(error):
                raise
            # ntfs-3g lists reparse points that it cannot stat; the directory's own word is all there is.
            kind = Kind.LINK if name in links else Kind.FILE
            yield Entry(name, kind, 0, 0, trouble or "unreadable", target)
            return
        kind = _kind(info.st_mode)
        if kind is Kind.LINK and not trouble:
            trouble = "link"
            target = _read_link(descriptor, name)
        elif kind is Kind.SPECIAL:
            trouble = "special"
        elif trouble == "cloud" and kind is Kind.FILE and _is_whole(info):
            trouble = ""
        elif trouble == "cloud" and kind is Kind.FOLDER:
            trouble = ""  # a folder of the cloud that this driver can list
        size = size_of(info) if kind is Kind.FILE else 0
        yield Entry(name, kind, size, moment(info), trouble, target)
        for stream, length in streams:
            yield Entry(f"{name}:{stream}", Kind.STREAM, length, moment(info))

    def walk(self, path: str) -> Iterator[Listing]:
        """Every folder from ``path`` down, parents before children, each once, large ones in portions."""
        waiting = [path]
        with Ahead(self.portions, threads=_THREADS if self.is_ntfs else 0) as ahead:
            while waiting:
                below: list[str] = []
                for here in ahead.take(waiting.pop()):
                    prefix = f"{here.path}/" if here.path else ""
                    below += [
                        prefix + entry.name
                        for entry in here.entries
                        if entry.kind is Kind.FOLDER and not entry.trouble
                    ]
                    if not here.more:
                        waiting += reversed(below)
                        ahead.want(reversed(waiting[-_THREADS:]))
                    yield here

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


def _names(descriptor: int) -> tuple[list[str], frozenset[str]]:
    """Sorted names in an open folder, and which of them the folder calls links."""
    # Names alone: a folder may hold a million, and what else there is to know of them is five times as much.
    names, links = [], []
    with os.scandir(descriptor) as found:
        for item in found:
            names.append(item.name)
            if item.is_symlink():
                links.append(item.name)
    names.sort()
    return names, frozenset(links)


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
