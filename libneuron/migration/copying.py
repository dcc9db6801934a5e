"""Copying one file: read once, hashed and written on the way, under a temporary name.

Several threads do this at a time: reading, writing and hashing all let other threads run.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

from libneuron.migration.storable import inode
from libneuron.migration.transforms.common import LIMIT, Context, NotUnderstood, Result, Transform
from libneuron.system.filesystem import start_writeback

_BUFFER = 1 << 20
_TOLD = 128 << 10
"""Bytes of small files that are counted at once."""
_WRITEBACK = 32 << 20
_ALONE = 4 << 20
"""Bytes from which a file's hashing gets a thread beside its reading and writing."""


class ReadFailed(Exception):  # noqa: N818 — carries an OSError across to the accounting
    """The source could not be read; ``cause`` is the OSError."""

    def __init__(self, cause: OSError) -> None:
        super().__init__(str(cause))
        self.cause = cause


class Changed(Exception):  # noqa: N818 — as above
    """The file changed while it was read."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What was written: SHA-256, bytes, inode; ``changed`` where a transform made it differ."""

    hash: bytes
    size: int
    inode: int
    changed: bool = False
    notes: tuple[tuple[str, dict[str, str]], ...] = ()
    mode: int | None = None
    reason: str = ""
    """Set where a transform decided that nothing comes; nothing was written then."""
    beside: bool = False
    """Set where it could not be merged with the file that is there, and has to stand beside it."""


@dataclass(frozen=True, slots=True)
class Order:
    """One file to copy. The mtime of the source goes along."""

    name: bytes
    temporary: bytes
    private: bool
    transform: Transform | None = None
    context: Context | None = None
    mode: int | None = None
    """For merges: that of the file which is there."""


def _read(descriptor: int, buffer: bytearray) -> int:
    try:
        return os.readv(descriptor, [buffer])
    except OSError as error:
        raise ReadFailed(error) from error


def _write(descriptor: int, data: memoryview) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _open_source(folder: int, name: bytes) -> tuple[int, os.stat_result]:
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except OSError as error:
        raise ReadFailed(error) from error
    info = os.fstat(descriptor)
    if not stat.S_ISREG(info.st_mode):
        os.close(descriptor)
        raise Changed
    return descriptor, info


def _create(folder: int, name: bytes, *, private: bool) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    mode = 0o600 if private else 0o666  # less the umask
    try:
        return os.open(name, flags, mode, dir_fd=folder)
    except FileExistsError:  # left by a run that was killed
        os.unlink(name, dir_fd=folder)
        return os.open(name, flags, mode, dir_fd=folder)


class Copier:
    """Copies files; one per thread, because it owns a buffer and a hashing thread."""

    def __init__(self, advance: Callable[[int], None]) -> None:
        """``advance`` hears of every piece of bytes written, and may raise Cancelled."""
        self._advance = advance
        self._buffers = (bytearray(_BUFFER), bytearray(_BUFFER))
        self._hasher: ThreadPoolExecutor | None = None
        self._uncounted = 0

    def close(self) -> None:
        """End the hashing thread."""
        if self._hasher is not None:
            self._hasher.shutdown()

    def tell(self) -> None:
        """Count the small files that were not counted yet. Raises: Cancelled."""
        amount, self._uncounted = self._uncounted, 0
        self._advance(amount)

    def _count(self, amount: int) -> None:
        self._uncounted += amount
        if self._uncounted >= _TOLD:
            self.tell()

    def copy(self, order: Order, source: int, target: int) -> Copied:
        """Copy from the open folder ``source`` to the temporary name in the open folder ``target``.

        On any failure the temporary file is removed. Raises: ReadFailed, Changed, OSError (writing),
        Cancelled.
        """
        reading, info = _open_source(source, order.name)
        try:
            if order.transform is not None and info.st_size <= LIMIT:
                return self._transformed(order, order.transform, reading, info, target)
            return self._plain(order, reading, info, target)
        finally:
            os.close(reading)

    def _plain(self, order: Order, reading: int, info: os.stat_result, target: int) -> Copied:
        first = _read(reading, self._buffers[0])
        writing = _create(target, order.temporary, private=order.private)
        try:
            if first < _BUFFER and first == info.st_size:
                data = memoryview(self._buffers[0])[:first]
                digest = hashlib.sha256(data).digest()
                _write(writing, data)
                size = first
                self._count(size)
            else:
                digest, size = self._stream(reading, writing, info.st_size, first)
            self._check(reading, info, size)
            return self._finish(writing, info, Copied(digest, size, 0))
        except BaseException:
            _remove(target, order.temporary)
            raise
        finally:
            os.close(writing)

    def _stream(self, reading: int, writing: int, expected: int, count: int) -> tuple[bytes, int]:
        made = hashlib.sha256()
        if self._hasher is None and expected >= _ALONE:
            self._hasher = ThreadPoolExecutor(1, thread_name_prefix="neuron-hash")
        waiting: Future[None] | None = None
        size = flushed = turn = 0
        try:
            while count:
                data = memoryview(self._buffers[turn])[:count]
                if waiting is not None:
                    waiting.result()
                waiting = self._hash(made, data)
                _write(writing, data)
                size += count
                if size - flushed >= _WRITEBACK:
                    start_writeback(writing, flushed, size - flushed)
                    flushed = size
                self._advance(count)
                turn = 1 - turn
                count = _read(reading, self._buffers[turn])
        finally:
            if waiting is not None:
                waiting.result()  # the buffers are used again
        return made.digest(), size

    def _hash(self, made: hashlib._Hash, data: memoryview) -> Future[None] | None:
        if self._hasher is None:
            made.update(data)
            return None
        return self._hasher.submit(made.update, data)

    @staticmethod
    def _check(reading: int, before: os.stat_result, size: int) -> None:
        after = os.fstat(reading)
        if size != before.st_size or after.st_mtime_ns != before.st_mtime_ns:
            raise Changed

    @staticmethod
    def _finish(writing: int, info: os.stat_result, made: Copied) -> Copied:
        if made.mode is not None:
            os.fchmod(writing, made.mode)
        os.utime(writing, ns=(info.st_mtime_ns, info.st_mtime_ns))
        return replace(made, inode=inode(os.fstat(writing)))

    def _transformed(
        self, order: Order, transform: Transform, reading: int, info: os.stat_result, target: int
    ) -> Copied:
        parts = []
        while count := _read(reading, self._buffers[0]):
            parts.append(bytes(memoryview(self._buffers[0])[:count]))
        data = b"".join(parts)
        self._check(reading, info, len(data))
        if order.context is None:
            raise ValueError("a transform needs a context")
        beside = False
        try:
            result = transform.run(data, order.context)
        except NotUnderstood:
            beside = order.context.existing is not None
            result = Result(data, (("not-understood", {}),), mode=0o600 if order.private else None)
        if result.data is None:
            return Copied(b"", 0, 0, changed=True, notes=result.notes, reason=result.reason)
        writing = _create(target, order.temporary, private=order.private)
        try:
            _write(writing, memoryview(result.data))
            self._count(info.st_size)
            digest = hashlib.sha256(result.data).digest()
            mode = result.mode if order.mode is None or beside else order.mode
            made = Copied(digest, len(result.data), 0, result.data != data, result.notes, mode, beside=beside)
            return self._finish(writing, info, made)
        except BaseException:
            _remove(target, order.temporary)
            raise
        finally:
            os.close(writing)


def _remove(folder: int, name: bytes) -> None:
    with contextlib.suppress(OSError):
        os.unlink(name, dir_fd=folder)
