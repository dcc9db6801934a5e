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

MARKER = b"\xcb" + b"\xe1\xdc" * 7 + b"\xe1"
"""It does not overlap itself, so it has one place. It has three values only, because Python's search skips by
the whole length wherever a byte has none of them: half the time of one with sixteen."""
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
_EPOCH = slice(_DATA.size - ID_SIZE, _DATA.size)
_KEPT = 64  # headers kept at a time
_FIRST = MARKER[:1]


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


class RecordEncoder:
    """Makes the records of one epoch. Most are as long as an earlier one, so headers are kept."""

    def __init__(self, epoch: bytes) -> None:
        self._epoch = epoch
        self._headers: dict[int, bytes] = {}

    def header(self, length: int) -> bytes:
        """What stands before ``length`` bytes of payload (at most :data:`MAX_PAYLOAD`)."""
        return self._headers.get(length) or self._made(length)

    def _made(self, length: int) -> bytes:
        if len(self._headers) >= _KEPT:
            self._headers.clear()
        made = self._headers[length] = _header(self._epoch, length)
        return made

    def records(self, data: bytes) -> bytes:
        """``data`` of any size as records."""
        length = len(data)
        if length <= MAX_PAYLOAD:
            return (self._headers.get(length) or self._made(length)) + data
        view = memoryview(data)
        pieces: list[bytes | memoryview] = []
        for at in range(0, length, MAX_PAYLOAD):
            payload = view[at : at + MAX_PAYLOAD]
            pieces += (self.header(len(payload)), payload)
        return b"".join(pieces)


class RecordDecoder:
    """Bytes in, events out. Holds at most one unfinished record. A new one waits for the first mark.

    ``epoch`` is the caller's to set when a mark begins one; records of another are reported as foreign.

    There are two ways through it. Between marks, with the place in the stream known, :meth:`feed` looks for
    the marker once, goes from record to record, and puts only a record that two reads share together. All
    else (a mark, or what may become one; a lost place) takes the slow way over ``_tail``.
    """

    def __init__(self) -> None:
        self.epoch = b""
        self._tail = b""
        self._at = 0  # where in the tail parsing goes on; what lies before was used already
        self._scanned = 0  # bytes of the tail in which no marker can begin any more
        self._aligned = False
        self._held: list[bytes] = []  # an unfinished record, header first, in which no marker can begin
        self._lacks = 0  # bytes of its payload still to come
        self._known: dict[bytes, int] = {}  # headers seen to be right, and the payload's length

    @property
    def held(self) -> int:
        """Bytes kept until more come."""
        return len(self._tail) + sum(map(len, self._held))

    def whole(self, data: bytes) -> memoryview | None:
        """The payload if ``data`` is exactly one record of the present epoch, as with most messages.

        None if it is anything else, or might be: then nothing was taken, and :meth:`feed` is to be called.
        """
        if (
            self._known.get(data[:HEADER_SIZE]) != len(data) - HEADER_SIZE
            or data[_EPOCH] != self.epoch
            or self._tail
            or self._held
            or not self._aligned
            or data.find(_FIRST, -_OVERLAP) >= 0
            or data.find(MARKER) >= 0
        ):
            return None
        return memoryview(data)[HEADER_SIZE:]

    def feed(self, data: bytes) -> list[RecordEvent]:
        """Take what came from the port, return what it completes, in order.

        Stops after a mark that the caller must act on before what follows can be judged: call :meth:`more`
        until it returns nothing.
        """
        # Backwards: Python's search for the last place is twice as fast as that for the first.
        if self._tail or not self._aligned or data.rfind(MARKER) >= 0:
            if self._held:
                self._tail = b"".join(self._held)
                self._held.clear()
            self._tail = self._tail + data if self._tail else bytes(data)
            return self.more()
        events: list[RecordEvent] = []
        at, held = 0, self._held
        if held:
            lacks = self._lacks
            if len(data) < lacks:
                held.append(data)
                self._lacks -= len(data)
                if _edge(data):
                    self._tail = b"".join(held)
                    self._scanned = len(self._tail) - _OVERLAP
                    held.clear()
                return events
            held.append(data[:lacks])
            whole = b"".join(held)
            held.clear()
            at = lacks
            self._parse(whole, 0, len(whole), events)
        self._keep(data, self._parse(data, at, len(data), events))
        return events

    def _keep(self, data: bytes, at: int) -> None:
        """Hold back what is needed of ``data``, which has no marker and is used up to ``at``."""
        rest = len(data) - at
        if self._aligned and not 0 < rest < HEADER_SIZE and not _edge(data):
            self._tail = b""
            self._at = self._scanned = 0
            if rest:
                self._held.append(data[at:])
                self._lacks = self._known[data[at : at + HEADER_SIZE]] + HEADER_SIZE - rest
            return
        # A mark's first bytes may have passed for the end of a record: they stay in sight.
        keep = min(at, max(0, len(data) - _OVERLAP))
        self._tail, self._at = data[keep:], at - keep
        self._scanned = max(0, len(self._tail) - _OVERLAP)

    def more(self) -> list[RecordEvent]:
        """Events from bytes already taken; empty when more bytes are needed."""
        events: list[RecordEvent] = []
        data = self._tail
        if len(data) == self._at:
            return events
        at = data.find(MARKER, self._scanned)
        if at < 0:
            self._keep(data, self._parse(data, self._at, len(data), events))
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
        known, epoch = self._known, self.epoch
        while self._aligned and end - at >= HEADER_SIZE:
            begin = at + HEADER_SIZE
            header = data[at:begin]
            length = known.get(header)
            if length is None:
                length = self._judge(header)
            if length < 0:
                self._aligned = False
                events.append(Lost())
                break
            if end - begin < length:
                break
            at = begin + length
            sender = header[_EPOCH]
            events.append(Payload(view[begin:at]) if sender == epoch else Foreign(sender))
        if not self._aligned:
            return max(at, end - _OVERLAP)
        return at

    def _judge(self, header: bytes) -> int:
        """The length a header announces, or -1 if it is none."""
        kind, length, _ = _DATA.unpack_from(header)
        (crc,) = _CRC.unpack_from(header, _DATA.size)
        if kind != _DATA_KIND or length > MAX_PAYLOAD or crc != crc32(header[: _DATA.size]):
            return -1
        if len(self._known) >= _KEPT:
            self._known.clear()
        self._known[header] = length
        return int(length)


def _edge(data: bytes) -> bool:
    """Whether ``data`` ends in what a marker begins with."""
    at = data.find(_FIRST, max(0, len(data) - _OVERLAP))
    while at >= 0:
        if MARKER.startswith(data[at:]):
            return True
        at = data.find(_FIRST, at + 1)
    return False
