"""Writing into the home: always below its open descriptor, never through a link, never over a file."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path

from libneuron.system.files import directory_beneath
from libneuron.system.filesystem import sync_file_system

_CACHE = 64
CHUNK = 1 << 20


class Destination:
    """The home, held open. Descriptors of the folders used last are kept; one thread at a time."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.descriptor = os.open(home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._open: OrderedDict[bytes, int] = OrderedDict()
        self._disks = {os.fstat(self.descriptor).st_dev: self.descriptor}

    def close(self) -> None:
        """Close all descriptors."""
        self.forget()
        for descriptor in self._disks.values():
            os.close(descriptor)

    def forget(self) -> None:
        """Close the folders' descriptors, because folders were renamed or removed."""
        while self._open:
            os.close(self._open.popitem()[1])

    def __enter__(self) -> Destination:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def folder(self, path: bytes) -> int:
        """A descriptor of the existing folder ``path``, valid until 64 others were asked for.

        Raises: OSError; SystemAccessError unsafe-path where a link is on the way.
        """
        if not path:
            return self.descriptor
        found = self._open.get(path)
        if found is None:
            with directory_beneath(self.descriptor, path) as descriptor:
                found = os.dup(descriptor)
            disk = os.fstat(found).st_dev
            if disk not in self._disks:  # a file system of its own is mounted there
                self._disks[disk] = os.dup(found)
            if len(self._open) >= _CACHE:
                os.close(self._open.popitem(last=False)[1])
            self._open[path] = found
        else:
            self._open.move_to_end(path)
        return found

    def sync(self) -> None:
        """Make durable what was written to every file system that the folders lie on. Raises: OSError."""
        for descriptor in self._disks.values():
            sync_file_system(descriptor)

    def syncs(self, path: Path) -> bool:
        """Whether :meth:`sync` covers the file ``path``."""
        return path.stat().st_dev in self._disks


def look(folder: int, name: bytes) -> os.stat_result | None:
    """What ``name`` is in an open folder, not following a link; None where there is nothing."""
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


@contextlib.contextmanager
def reading(folder: int, name: bytes) -> Iterator[int]:
    """A descriptor of a regular file, following no link. Raises: OSError (ELOOP for a link)."""
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise IsADirectoryError(21, "not a regular file", os.fsdecode(name))
        yield descriptor
    finally:
        os.close(descriptor)


def file_hash(folder: int, name: bytes, *, uncached: bool = False) -> bytes:
    """SHA-256 of a regular file; ``uncached`` asks the kernel to read it from the disk. Raises: OSError."""
    with reading(folder, name) as descriptor:
        if uncached:
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        made = hashlib.sha256()
        buffer = bytearray(CHUNK)
        view = memoryview(buffer)
        while count := os.readv(descriptor, [buffer]):
            made.update(view[:count])
        return made.digest()


def same_content(folder: int, name: bytes, *, size: int, digest: bytes, uncached: bool = False) -> bool:
    """Whether ``name`` is a regular file of that size and SHA-256; ``uncached`` as in :func:`file_hash`."""
    info = look(folder, name)
    if info is None or not stat.S_ISREG(info.st_mode) or info.st_size != size:
        return False
    try:
        return file_hash(folder, name, uncached=uncached) == digest
    except OSError:
        return False


def discard(folder: int, name: bytes) -> None:
    """Remove a temporary file, which may be gone already."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(name, dir_fd=folder)
