"""Disk images: raw, VHDX, VHD, qcow2, VMDK, VDI, opened read-only without root and without changing a byte.

QEMU's storage daemon shows a partition of any of them as a plain file (``--export type=fuse``), dislocker one
that BitLocker locked, and ntfs-3g mounts that. All are optional, and named where they are missing.
Sources: qemu-storage-daemon(1); dislocker(1); UEFI 2.10
section 5 (GPT); [MS-VHDX] 2.2; QEMU docs/interop/qcow2.rst; NTFS boot sector: ntfs-3g, include/layout.h.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import struct
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from libneuron.migration.bitlocker import lies_open, master_key
from libneuron.migration.errors import MigrationError
from libneuron.system.errors import SystemAccessError
from libneuron.system.runner import Runner

_SECTOR = 512
_TIMEOUT = 60.0
_TRIES, _PAUSE = 50, 0.1
_MAGIC = (
    (0, b"vhdxfile", "vhdx"),
    (0, b"QFI\xfb", "qcow2"),
    (0, b"KDMV", "vmdk"),
    (0, b"# Disk Descriptor", "vmdk"),
    (0, b"conectix", "vpc"),
    (0x40, b"\x7f\x10\xda\xbe", "vdi"),
)
Read = Callable[[int, int], bytes]
"""Bytes from (offset, length)."""


@dataclass(frozen=True)
class Partition:
    """A part of a disk, in bytes; ``kind`` is "ntfs", "bitlocker" or ""."""

    offset: int
    size: int
    kind: str


def image_format(head: bytes) -> str:
    """QEMU's name for the format, from a file's first kilobyte; "raw" where nothing else is recognized."""
    return next((name for at, magic, name in _MAGIC if head[at : at + len(magic)] == magic), "raw")


def _kind(boot: bytes) -> str:
    return {b"NTFS    ": "ntfs", b"-FVE-FS-": "bitlocker"}.get(boot[3:11], "")


def partitions(read: Read, size: int) -> tuple[Partition, ...]:
    """The partitions of a disk of ``size`` bytes, or the disk itself where it is one file system."""
    first = read(0, _SECTOR)
    if _kind(first):
        return (Partition(0, size, _kind(first)),)
    if len(first) < _SECTOR or first[510:512] != b"\x55\xaa":
        return ()
    spans = []
    for entry in range(4):
        kind, start, count = struct.unpack_from("<4xB3xII", first, 446 + 16 * entry)
        if kind == 0xEE:
            spans = list(_gpt(read))
            break
        if kind and count:
            spans.append((start, count))
    return tuple(
        Partition(start * _SECTOR, count * _SECTOR, _kind(read(start * _SECTOR, _SECTOR)))
        for start, count in spans
        if (start + count) * _SECTOR <= size
    )


def _gpt(read: Read) -> Iterator[tuple[int, int]]:
    head = read(_SECTOR, _SECTOR)
    if head[:8] != b"EFI PART":
        return
    place, number, length = struct.unpack_from("<QII", head, 72)
    if length < 128 or number > 1024:
        return
    table = read(place * _SECTOR, number * length)
    for at in range(0, len(table) - 127, length):
        start, end = struct.unpack_from("<QQ", table, at + 32)
        if any(table[at : at + 16]) and end >= start:
            yield start, end - start + 1


@contextlib.contextmanager
def mounted(image: Path, runner: Runner, recovery_key: str = "") -> Iterator[Path]:
    """Windows' own partition of a disk image, mounted read-only in a folder of its own while this lasts.

    ``recovery_key`` opens a partition that BitLocker has locked.
    Raises: MigrationError image-tools, image-unreadable, image-without-windows, bitlocker (no key given) and
    those of :func:`libneuron.migration.bitlocker.lies_open` and ``master_key``.
    """
    with image.open("rb") as file:
        form = image_format(file.read(1024))
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="neuron-image-")))
        with _exported(image, form, folder / "disk", runner, None) as disk, disk.open("rb") as file:
            size = disk.stat().st_size
            found = partitions(lambda at, length: os.pread(file.fileno(), length, at), size)
        place = folder / "windows"
        place.mkdir()
        problem: MigrationError | None = None
        for one in sorted((one for one in found if one.kind), key=lambda one: -one.size):
            with contextlib.ExitStack() as inner:
                part = inner.enter_context(_exported(image, form, folder / "partition", runner, one))
                if one.kind == "bitlocker":
                    try:
                        master = _master(part, recovery_key)
                    except MigrationError as error:  # Windows itself may be on another one
                        problem = problem or error
                        continue
                    if master is None:
                        continue
                    part = inner.enter_context(_unlocked(image, part, folder, runner, master))
                inner.enter_context(_ntfs(image, part, place, runner))
                if len(found) == 1 or any(name.casefold() == "users" for name in os.listdir(place)):
                    stack.push(inner.pop_all())
                    break
        else:
            locked = any(one.kind == "bitlocker" for one in found)
            raise problem or MigrationError(
                "migration.bitlocker" if locked else "migration.image-without-windows", path=image
            )
        yield place


@contextlib.contextmanager
def _exported(image: Path, form: str, shown: Path, runner: Runner, part: Partition | None) -> Iterator[Path]:
    """The image (or a part of it) as the plain file ``shown``."""
    shown.touch(mode=0o600)
    pid = shown.with_name(f"{shown.name}.pid")
    file = {"driver": "file", "filename": str(image), "read-only": True}
    node: dict[str, object] = {"driver": form, "file": file, "read-only": True, "node-name": "disk"}
    nodes = [node]
    if part is not None:
        nodes.append({"driver": "raw", "file": "disk", "offset": part.offset, "size": part.size,
                      "read-only": True, "node-name": "part"})  # fmt: skip
    argv = ["qemu-storage-daemon", "--daemonize", "--pidfile", str(pid)]
    for one in nodes:
        argv += ["--blockdev", json.dumps(one)]
    name = nodes[-1]["node-name"]
    argv += ["--export", f"type=fuse,id=shown,node-name={name},mountpoint={shown},writable=off"]
    _call(image, runner, argv)
    process = int(pid.read_text())
    try:
        yield shown
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGTERM)
            _wait_gone(process)


def _wait_gone(process: int) -> None:
    """Until the process, which is not our child, has ended and its mount is gone."""
    with contextlib.suppress(OSError):  # it has ended already
        descriptor = os.pidfd_open(process)
        try:
            select.select([descriptor], [], [], _TIMEOUT)
        finally:
            os.close(descriptor)


def _master(part: Path, recovery_key: str) -> bytes | None:
    """The key of a locked partition, None where the person has to give theirs first."""
    with part.open("rb") as file:

        def read(at: int, length: int) -> bytes:
            return os.pread(file.fileno(), length, at)

        return lies_open(read) or (master_key(read, recovery_key) if recovery_key else None)


@contextlib.contextmanager
def _unlocked(image: Path, part: Path, folder: Path, runner: Runner, master: bytes) -> Iterator[Path]:
    """The partition as it was before BitLocker, as a plain file."""
    secret, place = folder / "key", folder / "unlocked"
    place.mkdir(exist_ok=True)
    descriptor = os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file_:
            file_.write(master)
        words = ["-q", "-r", "-V", str(part), "-K", str(secret), "--", str(place)]
        _call(image, runner, ["dislocker-fuse", *words])
    finally:
        secret.unlink()
    try:
        yield place / "dislocker-file"
    finally:
        _unmount(place, runner)


@contextlib.contextmanager
def _ntfs(image: Path, part: Path, place: Path, runner: Runner) -> Iterator[None]:
    _call(image, runner, ["ntfs-3g", "-o", "ro", str(part), str(place)])
    try:
        yield
    finally:
        _unmount(place, runner)


def _unmount(place: Path, runner: Runner) -> None:
    """Unmount once nobody has a file open there, or behind everybody's back after some seconds.

    ntfs-3g's own mount is gone before it has closed the partition below; desktops look into new drives.
    """
    for _ in range(_TRIES):
        try:
            runner.run(["fusermount", "-u", str(place)], timeout=_TIMEOUT)
        except SystemAccessError:
            time.sleep(_PAUSE)
        else:
            return
    runner.run(["fusermount", "-u", "-z", str(place)], timeout=_TIMEOUT, check=False)


def _call(image: Path, runner: Runner, argv: list[str]) -> None:
    try:
        runner.run(argv, timeout=_TIMEOUT)
    except SystemAccessError as error:
        if error.code == "system.program-missing":
            raise MigrationError("migration.image-tools", path=image, program=argv[0]) from error
        raise MigrationError("migration.image-unreadable", path=image, details=error.details) from error
