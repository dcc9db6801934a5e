"""Files that cross between host and guest, on either end's disk: what is read, and what is made new.

What arrives goes into a fresh private folder, never over anything that is there; a batch that does not become
complete is removed. Standard library only: the agent uses it too.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from libneuron.guest.wire.names import UnsafeNameError, components
from libneuron.guest.wire.transfers import MOST_FILES

RESERVE = 64 * 1024 * 1024
"""Bytes left free on the disk for everybody else."""
_LINKS = (0xA000000C, 0xA0000003)  # IO_REPARSE_TAG_SYMLINK, IO_REPARSE_TAG_MOUNT_POINT (winnt.h)
_PREFIX = "batch-"
_LETTERS = 1024 * 1024  # of all paths of one copy: they travel in one message


class FilingError(Exception):
    """Files cannot be taken or made. ``code``: unsafe-name, disk-full, too-many, changed, refused."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Entry:
    """A file or folder of a copy: its path below the copy (``/`` between the parts) and size in bytes."""

    path: str
    size: int
    directory: bool


@dataclass(frozen=True)
class Original:
    """A file as it was listed. ``number`` is its own on this machine."""

    path: Path
    number: tuple[int, int]


@dataclass(frozen=True)
class Listing:
    """A copy's files, folders before what lies in them. ``left_out`` counts links and devices: they stay."""

    entries: tuple[Entry, ...]
    sources: tuple[Original, ...]
    left_out: int

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(entry.size for entry in self.entries)


def listed(tops: Sequence[Path]) -> Listing:
    """What copying ``tops`` means. Links are followed where the person chose them, not inside folders.

    Raises: FilingError unsafe-name, too-many, refused (a file that is not there, or cannot be read).
    """
    entries: list[Entry] = []
    sources: list[Original] = []
    left_out = 0
    letters = 0
    names: set[str] = set()

    def add(path: Path, name: str, *, chosen: bool) -> None:
        nonlocal left_out, letters
        found = path.stat() if chosen else path.lstat()
        directory = stat.S_ISDIR(found.st_mode)
        link = getattr(found, "st_reparse_tag", 0) in _LINKS and not chosen
        if link or not (directory or stat.S_ISREG(found.st_mode)):
            left_out += 1
            return
        components(name)
        letters += len(name)
        if len(entries) >= MOST_FILES or letters > _LETTERS:
            raise FilingError("too-many", f"more than {MOST_FILES} files at once")
        entries.append(Entry(name, 0 if directory else found.st_size, directory))
        sources.append(Original(path, (found.st_dev, found.st_ino)))
        if directory:
            for item in sorted(path.iterdir()):
                add(item, f"{name}/{item.name}", chosen=False)

    try:
        for top in tops:
            add(top, _unused(top.name, names), chosen=True)
    except UnsafeNameError as error:
        raise FilingError("unsafe-name", str(error)) from error
    except OSError as error:
        raise FilingError("refused", f"{error.strerror or error}: {error.filename}") from error
    except ValueError as error:  # an address that stands for no path: NUL in it
        raise FilingError("refused", str(error)) from error
    return Listing(tuple(entries), tuple(sources), left_out)


def _unused(name: str, names: set[str]) -> str:
    """``name``, numbered where a file of another folder has it already; Windows knows no case."""
    stem, dot, ending = name.rpartition(".")
    made, number = name, 1
    while made.casefold() in names:
        number += 1
        made = f"{stem} ({number}){dot}{ending}" if stem else f"{name} ({number})"
    names.add(made.casefold())
    return made


def read_piece(source: Original, offset: int, count: int) -> bytes:
    """``count`` bytes of a file. Raises: FilingError changed (it became shorter, or another), refused."""
    name = source.path.name
    try:
        with open(source.path, "rb", opener=_at_once) as file:
            found = os.fstat(file.fileno())
            # Where others may write, a link to a file of ours can lie here by now, on any part of the path.
            same = os.name == "nt" or (found.st_dev, found.st_ino) == source.number
            if not same or not stat.S_ISREG(found.st_mode):
                raise FilingError("changed", f"“{name}” is another file than it was")
            file.seek(offset)
            data = file.read(count)
    except OSError as error:
        raise FilingError("refused", f"{error.strerror or error}: {name}") from error
    if len(data) != count:
        raise FilingError("changed", f"“{name}” changed while it was read")
    return data


def _at_once(path: str, flags: int) -> int:
    """Opens without waiting for the other end of a pipe that lies where a file was."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


class Incoming:
    """One batch on its way into a fresh folder below ``parent``. One thread at a time."""

    def __init__(self, parent: Path, size: int) -> None:
        """``size``: bytes of all files. Raises: FilingError disk-full, before anything is written."""
        self._left = size
        self._made = 0
        self._file: BinaryIO | None = None
        self._current = ""
        self._at = 0
        self._tops: dict[str, None] = {}
        try:
            parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if shutil.disk_usage(parent).free - size < RESERVE:
                raise FilingError("disk-full", f"there is no room for {size >> 20} MiB in {parent}")
            self.folder = Path(tempfile.mkdtemp(dir=parent, prefix=_PREFIX))  # for this user alone
        except OSError as error:
            raise FilingError("disk-full", f"{error.strerror or error}: {parent}") from error

    def directory(self, path: str) -> None:
        """Make a folder. Raises: FilingError."""
        place = self._place(path)
        try:
            place.mkdir(mode=0o700)
        except OSError as error:
            raise FilingError("refused", f"{error.strerror or error}: {path}") from error

    def write(self, path: str, offset: int, data: bytes) -> None:
        """The next piece of a file; ``offset`` 0 creates it, new. Raises: FilingError."""
        if len(data) > self._left:
            raise FilingError("refused", "the files are larger than announced")
        if offset == 0:
            self._close()
            place = self._place(path)
            try:
                # "x": created here and now, or not at all; nothing can lie in the way, not even a link.
                self._file = place.open("xb", buffering=0)
            except OSError as error:
                raise FilingError("refused", f"{error.strerror or error}: {path}") from error
            self._current, self._at = path, 0
        if self._file is None or (path, offset) != (self._current, self._at):
            raise FilingError("refused", "a piece of a file came out of turn")
        view = memoryview(data)
        try:
            while view:
                view = view[self._file.write(view) :]
        except OSError as error:
            raise FilingError("disk-full", f"{error.strerror or error}: {path}") from error
        self._at += len(data)
        self._left -= len(data)

    def finish(self) -> tuple[Path, ...]:
        """The batch is complete: its files and folders. Raises: FilingError refused."""
        self._close()
        if self._left:
            raise FilingError("refused", "the files are smaller than announced")
        return tuple(self.folder / name for name in self._tops)

    def discard(self) -> None:
        """Remove everything."""
        self._close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _place(self, path: str) -> Path:
        try:
            parts = components(path)
        except UnsafeNameError as error:
            raise FilingError("unsafe-name", str(error)) from error
        self._made += 1
        if self._made > MOST_FILES:
            raise FilingError("too-many", f"more than {MOST_FILES} files at once")
        self._tops.setdefault(parts[0])
        return self.folder.joinpath(*parts)

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def sweep(parent: Path, keep: int, *, coming: Collection[Path] = ()) -> None:
    """Remove all batches but the ``keep`` newest, which may still be copied from, and those ``coming``."""
    with contextlib.suppress(OSError):
        found = (path for path in parent.iterdir() if path.name.startswith(_PREFIX))
        batches = [path for path in found if path not in coming]
        batches.sort(key=lambda path: path.lstat().st_mtime_ns)
        for path in batches[: max(0, len(batches) - keep)]:
            shutil.rmtree(path, ignore_errors=True)


def move_into(folder: Path, tops: Sequence[Path]) -> tuple[Path, ...]:
    """Move a complete batch to where the person looks for it, under new names where some are taken.

    Raises: FilingError.
    """
    moved = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        taken = {name.casefold() for name in os.listdir(folder)}
        for top in tops:
            place = folder / _unused(top.name, taken)
            shutil.move(top, place)
            moved.append(place)
    except OSError as error:
        raise FilingError("refused", f"{error.strerror or error}: {folder}") from error
    return tuple(moved)
