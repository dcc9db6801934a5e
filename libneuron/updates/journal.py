"""The record of updates and roll backs: append-only lines, each with its checksum, durable before we go on.

A line is ``CRC32 JSON``. A line cut off by a power loss has a wrong sum and is passed over; the next record
starts on a line of its own. Readers ignore kinds and keys they do not know, so an older release can read what
a newer one wrote, which is what happens after a roll back.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from libneuron.system.clock import Clock
from libneuron.system.files import sync_directory

NAME = "journal"


@dataclass(frozen=True)
class Event:
    """One record. ``at`` is UTC; ``data`` holds JSON values."""

    at: datetime
    kind: str
    data: Mapping[str, Any]


@dataclass(frozen=True)
class Recorded:
    """What a journal holds, and how many lines could not be read."""

    events: tuple[Event, ...]
    damaged: int


def _line(event: Event) -> bytes:
    # In ASCII: the name of a file or subvolume, which anybody may make, need not be text.
    raw = json.dumps({"at": event.at.isoformat(), "kind": event.kind, **event.data}, sort_keys=True).encode()
    return b"%08x %s\n" % (zlib.crc32(raw), raw)


def parse(raw: bytes) -> Recorded:
    """The events in the bytes of a journal, in order."""
    events, damaged = [], 0
    for line in raw.split(b"\n"):
        if not line:
            continue
        body = line[9:]
        if line[:9] != b"%08x " % zlib.crc32(body):
            damaged += 1
            continue
        try:
            data = json.loads(body)
            event = Event(datetime.fromisoformat(data.pop("at")), str(data.pop("kind")), data)
        except (ValueError, KeyError, AttributeError):
            damaged += 1
            continue
        events.append(event)
    return Recorded(tuple(events), damaged)


class Journal:
    """The journal in ``directory``, which must exist."""

    def __init__(self, directory: Path, clock: Clock) -> None:
        self._path = directory / NAME
        self._clock = clock

    def read(self) -> Recorded:
        """Everything recorded; empty where nothing was yet. Raises: OSError."""
        try:
            return parse(self._path.read_bytes())
        except FileNotFoundError:
            return Recorded((), 0)

    def append(self, kind: str, **data: Any) -> Event:
        """Record ``kind`` now; on return it is durable. Raises: OSError."""
        event = Event(self._clock.now(), kind, data)
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        new = not self._path.exists()
        descriptor = os.open(self._path, flags, 0o600)
        try:
            size = os.fstat(descriptor).st_size
            torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
            raw = (b"\n" if torn else b"") + _line(event)
            while raw:
                raw = raw[os.write(descriptor, raw) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if new:
            sync_directory(self._path.parent)
        return event
