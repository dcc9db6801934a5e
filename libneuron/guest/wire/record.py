"""Records: the lowest layer, which finds its feet again wherever in the stream it wakes up.

Two shapes lie on the wire. A *mark* starts with sixteen agreed bytes and may stand anywhere, even in the
middle of another record that its writer never finished: it carries a kind and a random 128-bit id. A *data*
record carries at most 32 KiB of TLS and the epoch (the id of the SYNC that began the session).

The receiver looks for the marker in every byte that comes in, so a record cut off by a dead writer is
abandoned as soon as the next mark arrives. Payloads are TLS records, which look random; that one of them
holds the marker by chance has a probability of 2**-128 per byte, and would cost one new handshake.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple
from zlib import crc32

MARKER = bytes.fromhex("cbe1dc82d180e781f4b9f5445444d9eb")
VERSION = 1
ID_SIZE = 16
MAX_PAYLOAD = 32 * 1024
NO_HINT = b"\0\0"

_MARK = struct.Struct(">16sBB2s16s")
_MARK_SIZE = _MARK.size + 4
_DATA = struct.Struct(">BxxxI16s")
_CRC = struct.Struct(">I")
_DATA_KIND = 0x44
_OVERLAP = len(MARKER) - 1
HEADER_SIZE = _DATA.size + _CRC.size


class Mark(IntEnum):
    """Kinds of marks."""

    SYNC = 1  # host → guest: everything before is void, this id names the new epoch
    ACK = 2  # guest → host: the epoch has begun here too
    CALL = 3  # guest → host: I have no session; the id names this call, so that it is answered once
    REFUSE = 4  # guest → host: I have no key for this epoch


_MARKS = frozenset(int(kind) for kind in Mark)


@dataclass(frozen=True)
class Marked:
    """A mark arrived."""

    kind: Mark
    id: bytes
    hint: bytes = NO_HINT


class Payload(NamedTuple):  # one for every 32 KiB: a tuple is made in half the time
    """A data record of the present epoch arrived, whole."""

    data: memoryview


@dataclass(frozen=True)
class Foreign:
    """A whole data record of another epoch arrived and was dropped."""

    epoch: bytes


@dataclass(frozen=True)
class Lost:
    """What stands where a record should begin is none; everything is dropped up to the next mark."""


RecordEvent = Marked | Payload | Foreign | Lost


def mark(kind: Mark, identity: bytes, hint: bytes = NO_HINT) -> bytes:
    """A mark's bytes. ``hint`` (two bytes) tells a guest with several keys which one the host wants."""
    head = _MARK.pack(MARKER, kind, VERSION, hint, identity)
    return head + _CRC.pack(crc32(head))


def record(epoch: bytes, payload: bytes | memoryview) -> bytes:
    """A data record's bytes; ``payload`` holds at most :data:`MAX_PAYLOAD`."""
    return b"".join((_header(epoch, len(payload)), payload))


def _header(epoch: bytes, length: int) -> bytes:
    head = _DATA.pack(_DATA_KIND, length, epoch)
    return head + _CRC.pack(crc32(head))


def records(epoch: bytes, data: bytes) -> list[bytes | memoryview]:
    """``data`` of any size as records, in pieces to be joined: it is copied once, not twice."""
    if len(data) <= MAX_PAYLOAD:
        return [_header(epoch, len(data)), data]
    view = memoryview(data)
    pieces: list[bytes | memoryview] = []
    for at in range(0, len(data), MAX_PAYLOAD):
        payload = view[at : at + MAX_PAYLOAD]
        pieces += (_header(epoch, len(payload)), payload)
    return pieces


class RecordDecoder:
    """Bytes in, events out. Holds at most one unfinished record. A new one waits for the first mark.

    ``epoch`` is the caller's to set when a mark begins one; records of another are reported as foreign.
    """

    def __init__(self) -> None:
        self.epoch = b""
        self._tail = b""
        self._at = 0  # where in the tail parsing goes on; what lies before was used already
        self._scanned = 0  # bytes of the tail in which no marker can begin any more
        self._aligned = False

    def feed(self, data: bytes) -> list[RecordEvent]:
        """Take what came from the port, return what it completes, in order.

        Stops after a mark that the caller must act on before what follows can be judged: call :meth:`more`
        until it returns nothing.
        """
        self._tail = self._tail + data if self._tail else bytes(data)
        return self.more()

    def more(self) -> list[RecordEvent]:
        """Events from bytes already taken; empty when more bytes are needed."""
        events: list[RecordEvent] = []
        data = self._tail
        if len(data) == self._at:
            return events
        at = data.find(MARKER, self._scanned)
        if at < 0:
            used = self._parse(data, self._at, len(data), events)
            # A mark's first bytes may have passed for the end of a record: they stay in sight.
            keep = max(0, used - _OVERLAP)
            self._tail, self._at = data[keep:], used - keep
            self._scanned = max(0, len(self._tail) - _OVERLAP)
            return events
        self._parse(data, self._at, at, events)
        self._at = self._scanned = 0
        if len(data) - at < _MARK_SIZE:
            self._tail = data[at:]
            return events
        marked = self._mark(data, at)
        if marked is None:  # the agreed bytes, but no mark: go on behind their first byte
            self._aligned = False
            events.append(Lost())
            self._tail = data[at + 1 :]
            return events
        self._aligned = True
        events.append(marked)
        self._tail = data[at + _MARK_SIZE :]
        return events

    @staticmethod
    def _mark(data: bytes, at: int) -> Marked | None:
        _, kind, version, hint, identity = _MARK.unpack_from(data, at)
        (crc,) = _CRC.unpack_from(data, at + _MARK.size)
        if crc != crc32(data[at : at + _MARK.size]) or version != VERSION or kind not in _MARKS:
            return None
        return Marked(Mark(kind), identity, hint)

    def _parse(self, data: bytes, at: int, end: int, events: list[RecordEvent]) -> int:
        """Take the records in ``data[at:end]``; returns where the next look begins."""
        view = memoryview(data)
        while self._aligned and end - at >= HEADER_SIZE:
            kind, length, epoch = _DATA.unpack_from(data, at)
            (crc,) = _CRC.unpack_from(data, at + _DATA.size)
            if kind != _DATA_KIND or length > MAX_PAYLOAD or crc != crc32(data[at : at + _DATA.size]):
                self._aligned = False
                events.append(Lost())
                break
            begin = at + HEADER_SIZE
            if end - begin < length:
                break
            at = begin + length
            events.append(Payload(view[begin:at]) if epoch == self.epoch else Foreign(epoch))
        if not self._aligned:
            return max(at, end - _OVERLAP)
        return at
