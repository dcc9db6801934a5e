"""Where a copy's content lies while it crosses: small ones in memory, large ones in a file without a name.

The file is unlinked as soon as it is open, so nothing stays on the disk however the program ends, and no
other program can find it.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from libneuron.system.clipboard.errors import ClipboardError
from libneuron.system.files import make_private_directory

MIB = 1 << 20
_IN_MEMORY = 1 * MIB


@dataclass(frozen=True)
class SpoolLimits:
    """``most``: bytes of one format; ``reserve``: bytes left free on the disk for everybody else."""

    most: int = 512 * MIB
    reserve: int = 64 * MIB


class Content:
    """One format of one copy, whole and unchangeable; may be read from several threads at once."""

    def __init__(self, data: bytes | int, size: int) -> None:
        """``data`` is the content itself or the descriptor of a file that now belongs to this object."""
        self._data = data
        self.size = size
        self._lock = threading.Lock()

    @classmethod
    def of(cls, data: bytes) -> Content:
        """Content held in memory."""
        return cls(data, len(data))

    def part(self, offset: int, length: int) -> bytes:
        """Up to ``length`` bytes from ``offset``."""
        if isinstance(self._data, bytes):
            return self._data[offset : offset + length]
        with self._lock:
            if self._data < 0:
                raise ValueError("the content was closed")
            return os.pread(self._data, length, offset)

    def parts(self, length: int = MIB) -> Iterator[bytes]:
        """The whole content in pieces."""
        for offset in range(0, self.size, length):
            yield self.part(offset, length)

    def whole(self) -> bytes:
        """All of it at once; for what is known to be small."""
        return b"".join(self.parts())

    def close(self) -> None:
        """Give the file back; nothing can be read any more."""
        if isinstance(self._data, int):
            with self._lock:
                if self._data >= 0:
                    os.close(self._data)
                self._data = -1

    def __del__(self) -> None:
        self.close()


class Spool:
    """Takes one content piece by piece, within limits, and turns it into :class:`Content`."""

    def __init__(self, folder: Path, limits: SpoolLimits) -> None:
        self._folder = folder
        self._limits = limits
        self._memory = bytearray()
        self._file = -1
        self.size = 0

    def expect(self, size: int) -> None:
        """Refuse early what was announced as too large; an announcement may lie, so nothing is allocated."""
        if size > self._limits.most:
            raise ClipboardError("clipboard.too-large", limit=self._limits.most // MIB)

    def write(self, data: bytes) -> None:
        """Take the next piece. Raises: ClipboardError too-large, disk-full."""
        self.expect(self.size + len(data))
        if self._file < 0 and self.size + len(data) > _IN_MEMORY:
            self._to_file()
        if self._file < 0:
            self._memory += data
        else:
            self._append(data)
        self.size += len(data)

    def finish(self) -> Content:
        """What was written, whole."""
        if self._file < 0:
            return Content(bytes(self._memory), self.size)
        content, self._file = Content(self._file, self.size), -1
        return content

    def discard(self) -> None:
        """Forget what was written."""
        self._memory.clear()
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __del__(self) -> None:
        self.discard()

    def _to_file(self) -> None:
        try:
            make_private_directory(self._folder)
            self._file, name = tempfile.mkstemp(dir=self._folder, prefix="copy-")
            Path(name).unlink()
        except OSError as error:
            raise self._full(error) from error
        self._append(bytes(self._memory))
        self._memory.clear()

    def _append(self, data: bytes) -> None:
        try:
            disk = os.fstatvfs(self._file)
            if disk.f_bavail * disk.f_frsize - len(data) < self._limits.reserve:
                raise self._full(None)
            view = memoryview(data)
            while view:
                view = view[os.write(self._file, view) :]
        except OSError as error:
            raise self._full(error) from error

    def _full(self, error: OSError | None) -> ClipboardError:
        try:
            disk = os.statvfs(self._folder)
            free = disk.f_bavail * disk.f_frsize // MIB
        except OSError:
            free = 0
        return ClipboardError(
            "clipboard.disk-full", free=free, folder=self._folder, details=repr(error) if error else ""
        )
