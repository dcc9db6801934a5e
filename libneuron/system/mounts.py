"""Mounts: what is mounted where, and file systems opened privately, without a mount point.

:func:`open_detached` uses the kernel's descriptor-based calls (fsopen, fsconfig, fsmount; Linux 5.2): the
mount has no name, nobody else sees it, and it is gone when the descriptor closes, also after kill -9.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from libneuron.system.files import Root

_FSOPEN, _FSCONFIG, _FSMOUNT = 430, 431, 432  # the same on every architecture since 5.2
_CLOEXEC = 1
_SET_FLAG, _SET_STRING, _CREATE = 0, 1, 6  # enum fsconfig_command, linux/mount.h
_RENAMEAT2 = {"x86_64": 316, "aarch64": 276, "riscv64": 276}
_EXCHANGE = 2  # RENAME_EXCHANGE, linux/fs.h

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Mount:
    """One line of /proc/self/mountinfo. ``root`` is the part of the file system that is mounted."""

    device: str
    root: str
    point: str
    options: frozenset[str]
    kind: str
    source: str
    super_options: frozenset[str]

    @property
    def writable(self) -> bool:
        """Whether neither the mount nor the file system is read-only."""
        return "ro" not in self.options and "ro" not in self.super_options


def _unescape(text: str) -> str:
    for code, char in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, char)
    return text


def parse_mountinfo(text: str) -> tuple[Mount, ...]:
    """The mounts in the text of a mountinfo file (proc(5)), in order; senseless lines are left out."""
    found = []
    for line in text.splitlines():
        left, dash, right = line.partition(" - ")
        words, tail = left.split(" "), right.split(" ")
        if not dash or len(words) < 6 or len(tail) < 3:
            continue
        found.append(
            Mount(
                device=words[2],
                root=_unescape(words[3]),
                point=_unescape(words[4]),
                options=frozenset(words[5].split(",")),
                kind=tail[0],
                source=_unescape(tail[1]),
                super_options=frozenset(tail[2].split(",")),
            )
        )
    return tuple(found)


def mounts(root: Root) -> tuple[Mount, ...]:
    """The mounts of a machine as its first process sees them; empty where it does not say.

    A hardened service has a view of its own, with places made read-only; that must not pass for the
    machine's.
    """
    text = root.text("/proc/1/mountinfo", limit=4 << 20) or root.text("/proc/self/mountinfo", limit=4 << 20)
    return parse_mountinfo(text or "")


def mounted_at(found: tuple[Mount, ...], point: str) -> Mount | None:
    """What is mounted on ``point`` itself; the last one covers those before."""
    return next((mount for mount in reversed(found) if mount.point == point), None)


def _call(number: int, *arguments: object) -> int:
    result = int(_libc.syscall(ctypes.c_long(number), *arguments))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


@contextlib.contextmanager
def open_detached(
    device: str, kind: str, *, options: Mapping[str, str], readonly: bool = False
) -> Iterator[Path]:
    """Mount ``device`` nowhere; yields a path that leads into it while the block runs.

    The path goes through /proc/self/fd, so it means nothing to other processes. Raises: OSError.
    """
    context = _call(_FSOPEN, kind.encode(), ctypes.c_uint(_CLOEXEC))
    try:
        _config(context, _SET_STRING, b"source", os.fsencode(device))
        for key, value in options.items():
            _config(context, _SET_STRING, key.encode(), value.encode())
        if readonly:
            _config(context, _SET_FLAG, b"ro", None)
        _config(context, _CREATE, None, None)
        top = _call(
            _FSMOUNT, ctypes.c_int(context), ctypes.c_uint(_CLOEXEC), ctypes.c_uint(1 if readonly else 0)
        )
    finally:
        os.close(context)
    try:
        yield Path(f"/proc/self/fd/{top}")
    finally:
        os.close(top)


def _config(context: int, command: int, key: bytes | None, value: bytes | None) -> None:
    _call(_FSCONFIG, ctypes.c_int(context), ctypes.c_uint(command), key, value, ctypes.c_int(0))


def exchange(one: Path, other: Path) -> None:
    """Swap two names in one step (renameat2, RENAME_EXCHANGE): there is no moment without either.

    Raises: OSError (EINVAL where the file system cannot do it).
    """
    number = _RENAMEAT2.get(os.uname().machine, 276)
    here = ctypes.c_int(-100)  # AT_FDCWD
    _call(number, here, os.fsencode(one), here, os.fsencode(other), ctypes.c_uint(_EXCHANGE))


def sync_filesystem(path: Path) -> None:
    """Make everything on the file system that holds ``path`` durable (syncfs). Raises: OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if _libc.syncfs(ctypes.c_int(descriptor)) < 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))
    finally:
        os.close(descriptor)
