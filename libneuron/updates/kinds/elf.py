"""Reads from an ELF file what the dynamic loader needs, without running anything (elf(5), ld.so(8)).

``ldd`` starts the program it looks at; a health check that runs as root must not.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_LOAD, _DYNAMIC, _INTERP = 1, 2, 3
_NEEDED, _STRTAB, _RPATH, _RUNPATH = 1, 5, 15, 29
_LIMIT = 1 << 16  # longest dynamic section or string we read; real ones are far smaller


class NotElfError(Exception):
    """The file is not an ELF file, or is cut short."""


@dataclass(frozen=True)
class Elf:
    """The loader's view of a file. ``machine`` and ``wide`` (64 bit) must be equal for a library to fit."""

    machine: int
    wide: bool
    interpreter: str | None
    needed: tuple[str, ...]
    search: tuple[str, ...]


def read_elf(path: Path) -> Elf:
    """Parse the file at ``path``. Raises: NotElfError; OSError."""
    with path.open("rb") as file:
        try:
            return _Reader(file, path.stat().st_size).read()
        except (struct.error, OverflowError, ValueError) as error:
            raise NotElfError(str(path)) from error


@dataclass(frozen=True)
class _Segment:
    kind: int
    offset: int
    address: int
    extent: int


class _Reader:
    def __init__(self, file: BinaryIO, length: int) -> None:
        self._file = file
        self._length = length
        head = file.read(64)
        if len(head) < 52 or head[:4] != b"\x7fELF" or head[4] not in (1, 2) or head[5] not in (1, 2):
            raise NotElfError
        self._wide = head[4] == 2
        self._order = "<" if head[5] == 1 else ">"
        self._machine = self._at("H", head, 18)
        self._table = self._at("Q", head, 32) if self._wide else self._at("I", head, 28)
        self._entry = self._at("H", head, 54 if self._wide else 42)
        self._entries = self._at("H", head, 56 if self._wide else 44)

    def _at(self, kind: str, data: bytes, place: int) -> int:
        return int(struct.unpack_from(self._order + kind, data, place)[0])

    def _bytes(self, offset: int, size: int) -> bytes:
        self._file.seek(offset)
        return self._file.read(min(size, _LIMIT))

    def _segments(self) -> list[_Segment]:
        table = self._bytes(self._table, self._entry * self._entries)
        found = []
        for place in range(0, self._entry * self._entries, self._entry or 1):
            if self._wide:
                kind, _flags, offset, address, _physical, extent = struct.unpack_from(
                    self._order + "IIQQQQ", table, place
                )
            else:
                kind, offset, address, _physical, extent = struct.unpack_from(
                    self._order + "5I", table, place
                )
            found.append(_Segment(kind, offset, address, extent))
        return found

    def read(self) -> Elf:
        segments = self._segments()
        for segment in segments:
            if segment.kind == _LOAD and segment.offset + segment.extent > self._length:
                raise NotElfError  # cut short: the kernel would refuse it or crash in it
        interpreter = None
        tags: list[tuple[int, int]] = []
        for segment in segments:
            if segment.kind == _INTERP:
                interpreter = (
                    self._bytes(segment.offset, segment.extent).rstrip(b"\0").decode("utf-8", "replace")
                )
            elif segment.kind == _DYNAMIC:
                data = self._bytes(segment.offset, segment.extent)
                size = 16 if self._wide else 8
                data = data[: len(data) // size * size]
                tags = list(struct.iter_unpack(self._order + ("qQ" if self._wide else "iI"), data))
        strings = next((value for tag, value in tags if tag == _STRTAB), 0)
        place = next(
            (
                strings - item.address + item.offset
                for item in segments
                if item.kind == _LOAD and item.address <= strings < item.address + item.extent
            ),
            0,
        )
        texts: dict[int, list[str]] = {tag: [] for tag in (_NEEDED, _RPATH, _RUNPATH)}
        for tag, value in tags:
            if tag == 0:
                break
            if tag in texts:
                raw = self._bytes(place + value, 4096).split(b"\0", 1)[0]
                texts[tag].append(raw.decode("utf-8", "replace"))
        search = texts[_RUNPATH] or texts[_RPATH]
        return Elf(
            self._machine,
            self._wide,
            interpreter,
            tuple(texts[_NEEDED]),
            tuple(part for text in search for part in text.split(":") if part),
        )
