"""What a file system offers beyond Python's ``os``: renames that never overwrite, syncfs, attributes, locks.

Sources: renameat2(2), syncfs(2), xattr(7), proc(5) for /proc/self/fd.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

_RENAME_NOREPLACE = 1
_libc = ctypes.CDLL(None, use_errno=True)


def rename_new(source: bytes, target: bytes, *, source_directory: int, target_directory: int) -> None:
    """Rename without ever replacing: the kernel refuses where ``target`` exists.

    File systems without RENAME_NOREPLACE get a hard link and an unlink, which refuse in the same way.

    Raises: FileExistsError; OSError.
    """
    status = _libc.renameat2(
        source_directory,
        ctypes.c_char_p(source),
        target_directory,
        ctypes.c_char_p(target),
        _RENAME_NOREPLACE,
    )
    if status == 0:
        return
    number = ctypes.get_errno()
    if number not in (errno.EINVAL, errno.ENOSYS):
        raise OSError(number, os.strerror(number), os.fsdecode(target))
    os.link(source, target, src_dir_fd=source_directory, dst_dir_fd=target_directory, follow_symlinks=False)
    os.unlink(source, dir_fd=source_directory)


def sync_file_system(descriptor: int) -> None:
    """Make everything written to the file system of ``descriptor`` durable. Raises: OSError."""
    if _libc.syncfs(descriptor) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def attribute(directory: int, name: str, attribute_name: str) -> bytes | None:
    """An extended attribute of ``name`` in an open directory, following no link; None where there is none."""
    try:
        return os.getxattr(f"/proc/self/fd/{directory}/{name}", attribute_name, follow_symlinks=False)
    except OSError:
        return None


def attribute_names(directory: int, name: str) -> tuple[str, ...]:
    """Names of the extended attributes of ``name`` in an open directory; empty where none can be read."""
    try:
        return tuple(os.listxattr(f"/proc/self/fd/{directory}/{name}", follow_symlinks=False))
    except OSError:
        return ()


def free_bytes(path: Path) -> int:
    """Bytes that an ordinary user may still write on the file system of ``path``."""
    info = os.statvfs(path)
    return info.f_bavail * info.f_frsize


def only_one(path: Path) -> AbstractContextManager[bool]:
    """Hold an exclusive lock on the file ``path`` (created); yields whether it was free.

    The lock ends with the process, also when it is killed.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    return _only_one(descriptor)


def only_one_in(folder: Path) -> AbstractContextManager[bool]:
    """The same with an existing folder as the lock, where a file would be in the way. Raises: OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    return _only_one(descriptor)


@contextlib.contextmanager
def _only_one(descriptor: int) -> Iterator[bool]:
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


_SYNC_FILE_RANGE_WRITE = 2


def start_writeback(descriptor: int, offset: int, length: int) -> None:
    """Begin writing a part of a file to the disk without waiting; a hint, so failure is not an error."""
    if hasattr(_libc, "sync_file_range"):
        _libc.sync_file_range(
            descriptor, ctypes.c_int64(offset), ctypes.c_int64(length), _SYNC_FILE_RANGE_WRITE
        )
