"""The copying process: many small files at a time, in folders whose descriptors it is handed.

Started by :mod:`libneuron.migration.crew`: Python's threads take turns, and small files are all Python. It
opens no path of its own, decides nothing and gives no reasons: what it cannot do, the run does again and
finds out why. It ends with the run, also when that is killed. Imports little, because its start counts.

Messages are one packet each: a letter and the orders' words, between NULs, which no name holds. Answers are
records of one length.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import socket
import stat
import struct
from collections.abc import Iterable, Sequence

from libneuron.migration.storable import inode
from libneuron.system.filesystem import rename_new
from libneuron.system.lifeline import end_with

PACKET = 128 << 10
"""Bytes of the longest message."""
SMALL = 1 << 20
"""Bytes up to which a file is read at once."""
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

_COPIED = struct.Struct("<32sQQ")

CopyOrder = tuple[bytes, bytes, int]
"""Name in the source, temporary name in the home, mode (less the umask)."""
CopyAnswer = tuple[bytes, int, int] | None
"""SHA-256, bytes, inode; None where it did not work, and nothing is left of it."""
RenameOrder = tuple[bytes, bytes]
"""Temporary name, final name."""


def _read(folder: int, name: bytes) -> tuple[bytes, int] | None:
    """A small regular file's bytes and mtime, None where it is none or changed while it was read."""
    descriptor = os.open(name, _READ, dir_fd=folder)
    try:
        info = os.fstat(descriptor)
        if not stat.S_ISREG(info.st_mode) or info.st_size > SMALL:
            return None
        data = os.read(descriptor, info.st_size + 1)
        after = os.fstat(descriptor)
        if len(data) != info.st_size or after.st_mtime_ns != info.st_mtime_ns or after.st_size != len(data):
            return None
        return data, info.st_mtime_ns
    finally:
        os.close(descriptor)


def copy(source: int, target: int, order: CopyOrder) -> CopyAnswer:
    """Copy one small file between two open folders."""
    name, temporary, mode = order
    try:
        found = _read(source, name)
        if found is None:
            return None
        data, mtime = found
        descriptor = os.open(temporary, _WRITE, mode, dir_fd=target)
        try:
            if os.write(descriptor, data) != len(data):
                os.unlink(temporary, dir_fd=target)
                return None
            os.utime(descriptor, ns=(mtime, mtime))
            return hashlib.sha256(data).digest(), len(data), inode(os.fstat(descriptor))
        except OSError:
            os.unlink(temporary, dir_fd=target)
            return None
        finally:
            os.close(descriptor)
    except OSError:
        return None


def rename(folder: int, order: RenameOrder) -> bool:
    """Give a file its name; whether that worked, because nothing had the name."""
    try:
        rename_new(order[0], order[1], source_directory=folder, target_directory=folder)
    except OSError:
        return False
    return True


def copy_request(orders: Iterable[CopyOrder]) -> bytes:
    """The message that asks for copies."""
    return b"\0".join((b"c", *(word for name, part, mode in orders for word in (name, part, b"%o" % mode))))


def rename_request(orders: Iterable[RenameOrder]) -> bytes:
    """The message that asks for names."""
    return b"\0".join((b"r", *(word for order in orders for word in order)))


def copy_answers(message: bytes) -> list[CopyAnswer]:
    """What a request for copies was answered."""
    # No file has the inode 0.
    return [found if found[2] else None for found in _COPIED.iter_unpack(message)]


def rename_answers(message: bytes) -> list[bool]:
    """What a request for names was answered."""
    return [bool(found) for found in message]


def answer(message: bytes, folders: Sequence[int]) -> bytes:
    """Do what a message asks for: copy from the first folder to the second, or rename in the only one."""
    verb, *words = message.split(b"\0")
    if verb == b"c":
        orders = zip(words[::3], words[1::3], words[2::3], strict=True)
        copied = (copy(folders[0], folders[1], (name, part, int(mode, 8))) for name, part, mode in orders)
        return b"".join(_COPIED.pack(*(found or (b"", 0, 0))) for found in copied)
    return bytes(rename(folders[0], order) for order in zip(words[::2], words[1::2], strict=True))


def main(descriptor: int, parent: int, lock: str) -> None:
    """Answer the requests on the socket ``descriptor`` until it is closed; ``lock`` is held all the time.

    A run that goes on after another was killed waits for that lock: a killed run's worker may be inside its
    last system call still.
    """
    held = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
    fcntl.flock(held, fcntl.LOCK_SH)
    if not end_with(parent):
        return
    with socket.socket(fileno=descriptor) as channel:
        while True:
            message, folders, _flags, _address = socket.recv_fds(channel, PACKET, 2)
            if not message:
                return
            try:
                channel.send(answer(message, folders))
            finally:
                for folder in folders:
                    os.close(folder)
