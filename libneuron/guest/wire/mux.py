"""Messages and their bodies over one ordered stream of plain bytes. Pure: no I/O, no clock of its own.

A message is a JSON object; its ``data`` may be too large for one frame, then it travels as the first
``data_size`` bytes of the body, and the other side puts it back. Bodies are sent piece by piece, in turn,
only while the receiver has given credit and the window has room; messages always go first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from libneuron.guest.wire.errors import ProtocolError
from libneuron.guest.wire.frames import (
    MAX_MESSAGE,
    MAX_REASON,
    Frame,
    FrameDecoder,
    Kind,
    Piece,
    body_header,
    frame,
    message_header,
)
from libneuron.guest.wire.jsontext import decode, encode
from libneuron.guest.wire.record import MAX_PAYLOAD
from libneuron.guest.wire.tls import plain_size
from libneuron.guest.wire.window import REPORTED, Window

CREDIT = 1024 * 1024
"""Bytes of a body that may be on their way or unread at the receiver."""
MAX_STREAMS = 64
MAX_DATA = 4 * 1024 * 1024
"""Largest ``data`` object of a message, in bytes of JSON: decoded, it takes up to twenty times the memory."""
MAX_UNASKED = 64 * 1024
"""Largest ``data`` of a message that answers nothing."""
MAX_GATHERED = 16 * 1024 * 1024
"""Bytes of unfinished ``data`` objects that may come in at once."""
_MOST_URGENT = 8192  # waiting messages, credits and stops; a peer that causes more does not read
_MOST_ARRIVED = 64 * 1024 * 1024  # bytes whose reports wait for the port; a window holds a megabyte
_STEP = 256 * 1024  # credit is given in steps of this many bytes
_PIECE = 8 * plain_size(MAX_PAYLOAD)  # it fills eight records
_APART = 64 * 1024  # bytes of a body from which a copy costs more than a TLS record for the header
_ZEROS = memoryview(bytes(_PIECE))
_INLINE = MAX_MESSAGE - 1024
_MESSAGE = Kind.MESSAGE  # looked up once: an enumeration's members are slow to reach


class Source(Protocol):
    """Where a body comes from. ``read`` never blocks."""

    def read(self, size: int, /) -> bytes | memoryview | None:
        """At most ``size`` bytes; empty at the end; None while there is nothing yet (call ``Mux.wake``)."""


class BytesSource:
    """A body that lies in memory."""

    def __init__(self, data: bytes) -> None:
        self._view = memoryview(data)

    def read(self, size: int) -> memoryview:
        """See :class:`Source`."""
        piece, self._view = self._view[:size], self._view[size:]
        return piece


class ZeroSource:
    """A body of ``size`` zeros that takes no memory."""

    def __init__(self, size: int) -> None:
        self._left = size

    def read(self, size: int) -> memoryview:
        """See :class:`Source`."""
        piece = _ZEROS[: min(size, self._left)]
        self._left -= len(piece)
        return piece


class SourceError(Exception):
    """A source cannot go on; the text travels to the receiver as the reason."""


class Message(NamedTuple):  # the ping's way is kept short: a tuple is made in half the time
    """A message arrived. ``stream`` is the number of its body, 0 where there is none."""

    head: Mapping[str, Any]
    stream: int


class Body(NamedTuple):  # several for every 32 KiB: a tuple is made in half the time
    """A piece of a body arrived. The consumer owes :meth:`Mux.consumed` for it."""

    stream: int
    data: memoryview


@dataclass(frozen=True, slots=True)
class BodyEnd:
    """A body is complete, or (``reason`` not empty) its sender gave up."""

    stream: int
    reason: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """The peer does not want the rest of the body we were sending."""

    stream: int


MuxEvent = Message | Body | BodyEnd | Stopped


@dataclass(slots=True)
class _Out:
    number: int
    sources: deque[Source]
    credit: int = CREDIT
    waiting: bool = False
    uncredited: int = 0


@dataclass(slots=True)
class _In:
    head: dict[str, Any]
    data_left: int
    size: int
    # Copied together: a kept piece would hold the whole buffer it lies in, however small it is itself.
    gathered: bytearray = field(default_factory=bytearray)
    allowed: int = CREDIT  # bytes the peer may still send
    owed: int = 0  # bytes consumed and not yet credited


class Mux:
    """One end of the stream. ``clock`` gives monotonic seconds.

    ``expected`` says whether somebody waits for a message with this head; a large one nobody waits for is
    stopped instead of being put together. Without it, every message is expected.

    There may be something to send while ``urgent`` (messages, as plain bytes) or ``turn`` (streams of bodies
    that do not wait for their source) holds something, or ``arrived`` (bytes of bodies that came in and were
    not yet reported, in whole pieces) is a step of the window's.
    """

    def __init__(
        self, clock: Callable[[], float], expected: Callable[[Mapping[str, Any]], bool] | None = None
    ) -> None:
        self._clock = clock
        self._expected = expected
        self._decoder = FrameDecoder()
        self.urgent: deque[bytes] = deque()
        self._out: dict[int, _Out] = {}
        self.turn: deque[int] = deque()
        self._in: dict[int, _In] = {}
        self._last = 0
        self._gathered = 0
        self.arrived = 0
        self._coming = 0  # bytes of a frame that is not complete
        self.window = Window()

    # -- sending ------------------------------------------------------------------------------------

    def send(self, head: Mapping[str, Any], body: Source | None = None) -> int:
        """Queue a message; returns its stream, 0 without body. Raises: ProtocolError if it is too large."""
        plain = encode(head)
        if body is None and len(plain) <= _INLINE:
            self.urgent.append(message_header(len(plain)) + plain)
            return 0
        sources: deque[Source] = deque()
        if len(plain) > _INLINE:
            data = encode(head["data"] if head.get("data") is not None else {})
            if len(data) > MAX_DATA:
                raise ProtocolError(f"a message of {len(data)} bytes")
            plain = encode({**head, "data": None, "data_size": len(data)})
            sources.append(BytesSource(data))
        if body is not None:
            sources.append(body)
        if len(plain) > MAX_MESSAGE or len(self._out) >= MAX_STREAMS:
            raise ProtocolError("the message's head is too large, or too many bodies are on their way")
        self._last = self._last % 0xFFFFFFFF + 1
        while self._last in self._out:
            self._last = self._last % 0xFFFFFFFF + 1
        self.urgent.append(frame(Kind.MESSAGE, self._last, plain))
        self._out[self._last] = _Out(self._last, sources)
        self.turn.append(self._last)
        return self._last

    def abort(self, stream: int, reason: str) -> None:
        """Give up a body that is being sent."""
        if self._out.pop(stream, None) is not None:
            self.urgent.append(frame(Kind.END, stream, reason.encode()[:MAX_REASON] or b"aborted"))

    def wake(self, stream: int) -> None:
        """A source that said None has something now."""
        out = self._out.get(stream)
        if out is not None and out.waiting:
            out.waiting = False
            self.turn.append(stream)

    def take(self, *, bulk: bool) -> tuple[bytes, bytes | memoryview]:
        """All waiting messages, and with ``bulk`` the next piece of a body, as plain bytes.

        The second is a large piece's payload, which is not copied together with what comes before it.
        """
        plain = self.take_urgent()
        if not bulk or not self.turn:
            return plain, b""
        head, body = self._take_bulk()
        if len(body) < _APART:
            return b"".join((plain, head, body)), b""
        return plain + head, body

    def take_urgent(self) -> bytes:
        """All waiting messages, credits and ends, as plain bytes."""
        urgent = self.urgent
        if self.arrived >= REPORTED:
            self._tell_arrived()
        if not urgent:
            return b""
        if len(urgent) == 1:
            return urgent.popleft()
        joined = b"".join(urgent)
        urgent.clear()
        return joined

    def take_bulk(self) -> bytes:
        """The next piece of a body as plain bytes; empty while nothing may or can be sent."""
        return b"".join(self._take_bulk())

    def _take_bulk(self) -> tuple[bytes, bytes | memoryview]:
        for _ in range(len(self.turn)):
            number = self.turn.popleft()
            out = self._out.get(number)
            if out is None:
                continue
            whole = min(_PIECE, self.window.piece(self._clock()))
            size = min(whole, self.window.room, out.credit)
            # A small piece costs as much as a large one, and more will fit soon.
            if size <= 0 or (size < whole // 2 and self.window.flight):
                self.turn.append(number)
                continue
            made = self._piece(out, size)
            if made[0]:
                return made
        return b"", b""

    def _piece(self, out: _Out, size: int) -> tuple[bytes, bytes | memoryview]:
        """A frame's header and payload; both empty where there is nothing to send."""
        while out.sources:
            try:
                piece = out.sources[0].read(size)
            except SourceError as error:
                self.abort(out.number, str(error))
                return self.take_urgent(), b""
            if piece is None:
                out.waiting = True
                return b"", b""
            if len(piece):
                out.credit -= len(piece)
                out.uncredited += len(piece)
                self.window.sent(len(piece), self._clock())
                self.turn.append(out.number)
                return body_header(len(piece), out.number), piece
            out.sources.popleft()
        del self._out[out.number]
        return frame(Kind.END, out.number), b""

    # -- receiving ----------------------------------------------------------------------------------

    def consumed(self, stream: int, count: int) -> None:
        """The consumer is done with ``count`` bytes of a body: let the peer send as many more."""
        found = self._in.get(stream)
        if found is None:
            return
        found.owed += count
        if found.owed >= _STEP:
            self.urgent.append(frame(Kind.CREDIT, stream, found.owed.to_bytes(4, "big")))
            found.allowed += found.owed
            found.owed = 0

    def stop(self, stream: int) -> None:
        """The rest of a body that is coming in is not wanted."""
        found = self._in.pop(stream, None)
        if found is not None:
            if found.data_left:
                self._gathered -= found.size
            self.urgent.append(frame(Kind.STOP, stream))

    def receive_one(self, plain: bytes) -> list[MuxEvent]:
        """As :meth:`receive`, shorter where ``plain`` is one message. Raises: ProtocolError."""
        payload = self._decoder.message(plain)
        if payload is None or len(self.urgent) > _MOST_URGENT:
            return self.receive(plain)
        head = decode(payload)
        if "data_size" not in head:
            return [Message(head, 0)]
        events: list[MuxEvent] = []
        self._begin(head, 0, events)
        return events

    def stop_unexpected(self) -> None:
        """Stop what nobody waits for any more: see ``expected``."""
        if self._expected is not None:
            for number, found in list(self._in.items()):
                if found.data_left and not self._expected(found.head):
                    self.stop(number)

    def receive(self, plain: bytes | memoryview) -> list[MuxEvent]:
        """Take plain bytes, return what they mean. Raises: ProtocolError."""
        events: list[MuxEvent] = []
        if len(self.urgent) > _MOST_URGENT:
            raise ProtocolError("the other end does not read what it asks for")
        for found in self._decoder.feed(plain):
            if isinstance(found, Piece):
                self._coming += len(found.data)
                if found.last:  # reports follow the sender's pieces, which it fits to the window
                    self.arrived += self._coming
                    self._coming = 0
                    if self.arrived > _MOST_ARRIVED:
                        raise ProtocolError("the other end sends without end and does not read the reports")
                self._body(found, events)
                continue
            kind = found.kind
            if kind is _MESSAGE:
                self._begin(decode(found.payload), found.stream, events)
            elif kind is Kind.END:
                self._end(found, events)
            elif kind is Kind.CREDIT:
                self._credit(found)
            elif kind is Kind.ARRIVED:
                self.window.arrived(self._count(found), self._clock())
            elif self._out.pop(found.stream, None) is not None:
                events.append(Stopped(found.stream))
        return events

    def _tell_arrived(self) -> None:
        if self.arrived:
            self.urgent.append(frame(Kind.ARRIVED, 0, self.arrived.to_bytes(4, "big")))
            self.arrived = 0

    def _begin(self, head: dict[str, Any], number: int, events: list[MuxEvent]) -> None:
        """A message's head came in, and perhaps its body comes next."""
        size = head.pop("data_size", 0)
        if type(size) is not int or not 0 <= size <= MAX_DATA or (size and not number):
            raise ProtocolError("data_size is not a possible size")
        if not number:
            events.append(Message(head, 0))
            return
        if number in self._in:
            raise ProtocolError(f"stream {number} begins twice")
        if len(self._in) >= MAX_STREAMS:
            raise ProtocolError("too many bodies at once")
        if size > MAX_UNASKED and self._expected is not None and not self._expected(head):
            self.urgent.append(frame(Kind.STOP, number))
            return
        self._gathered += size
        if self._gathered > MAX_GATHERED:
            raise ProtocolError("too many large messages at once")
        self._in[number] = _In(head, size, size)
        if not size:
            events.append(Message(head, number))

    def _body(self, found: Piece, events: list[MuxEvent]) -> None:
        stream = self._in.get(found.stream)
        if stream is None:
            return  # we stopped it, and the sender did not know yet
        data = found.data
        stream.allowed -= len(data)
        if stream.allowed < 0:
            raise ProtocolError("a body is larger than its credit")
        if stream.data_left:
            part = data[: stream.data_left]
            stream.data_left -= len(part)
            stream.gathered += part
            self.consumed(found.stream, len(part))
            if stream.data_left:
                return
            self._complete(found.stream, stream, events)
            data = data[len(part) :]
        if data:
            events.append(Body(found.stream, data))

    def _complete(self, number: int, stream: _In, events: list[MuxEvent]) -> None:
        stream.head["data"] = decode(bytes(stream.gathered))
        stream.gathered = bytearray()
        self._gathered -= stream.size
        events.append(Message(stream.head, number))

    def _end(self, found: Frame, events: list[MuxEvent]) -> None:
        self._tell_arrived()
        stream = self._in.pop(found.stream, None)
        if stream is None:
            return
        reason = found.payload.decode("utf-8", "replace")
        if stream.data_left:
            if not reason:
                raise ProtocolError("a message ended before its data")
            self._gathered -= stream.size
            return  # its sender gave the whole message up
        events.append(BodyEnd(found.stream, reason))

    @staticmethod
    def _count(found: Frame) -> int:
        if len(found.payload) != 4:
            raise ProtocolError(f"{found.kind.name} without a count")
        return int.from_bytes(found.payload, "big")

    def _credit(self, found: Frame) -> None:
        count = self._count(found)
        out = self._out.get(found.stream)
        if out is None:
            return
        if count > out.uncredited:
            raise ProtocolError("credit for bytes that were never sent")
        out.credit += count
        out.uncredited -= count
