"""Real NTFS images: made with mkntfs, filled and read through ntfs-3g."""

from __future__ import annotations

import contextlib
import hashlib
import os
import struct
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

CLOUD = 0x9000601A
WOF = 0x80000017
DEDUP = 0x80000013
JUNCTION = 0xA0000003


def reparse(path: Path, tag: int, data: bytes = bytes(16)) -> None:
    """Turn ``path`` into a reparse point."""
    os.setxattr(path, "system.ntfs_reparse_data", struct.pack("<IHH", tag, len(data), 0) + data)


def junction(path: Path, target: str) -> None:
    """Make a junction, as Windows does for its old folder names."""
    path.mkdir()
    shown = target.encode("utf-16-le")
    real = ("\\??\\" + target).encode("utf-16-le")
    head = struct.pack("<HHHH", 0, len(real), len(real) + 2, len(shown))
    reparse(path, JUNCTION, head + real + b"\0\0" + shown + b"\0\0")


def attributes(path: Path, bits: int) -> None:
    """Add attribute bits."""
    (old,) = struct.unpack("<I", os.getxattr(path, "system.ntfs_attrib"))
    os.setxattr(path, "system.ntfs_attrib", struct.pack("<I", old | bits))


def make(image: Path, size: int) -> None:
    """An empty NTFS file system."""
    with image.open("wb") as file:
        file.truncate(size)
    subprocess.run(["mkntfs", "-q", "-F", image], check=True, capture_output=True)


@contextlib.contextmanager
def mounted(image: Path, place: Path, *options: str) -> Iterator[Path]:
    """Mount through ntfs-3g; unmounted at the end."""
    place.mkdir(exist_ok=True)
    words = ",".join(options)
    subprocess.run(["ntfs-3g", *(["-o", words] if words else []), image, place], check=True)
    try:
        yield place
    finally:
        subprocess.run(["fusermount", "-u", place], check=True)


def driver(image: Path, place: Path) -> subprocess.Popen[bytes]:
    """Mount read-only with the driver in our hands, so that a test can end it as a pulled plug would."""
    place.mkdir(exist_ok=True)
    argv: list[str | Path] = ["ntfs-3g", "-o", "ro,no_detach", image, place]
    made = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 30
    while not os.path.ismount(place):
        assert made.poll() is None
        assert time.monotonic() < deadline
    return made


def unmount(place: Path) -> None:
    """Clear away a mount whose driver has ended."""
    subprocess.run(["fusermount", "-u", "-z", place], check=True)


def digest(image: Path) -> str:
    """SHA-256 of the whole image."""
    with image.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
