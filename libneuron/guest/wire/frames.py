"""Frames: what flows inside TLS. Eight bytes of header, then the payload.

``MESSAGE`` carries one JSON object; a message with a body names its stream, and ``BODY`` frames with the
same number follow, between those of others, until ``END``. ``CREDIT`` gives the sender of a stream leave to
send that many bytes more (the consumer took them), ``STOP`` tells it that the rest is not wanted, ``ARRIVED``
counts the body bytes of all streams that came through the port (consumed or not), by which the sender
measures the queue between the two ends. The count is owed as soon as 16 KiB of whole frames have come, and
at each ``END``: the sender may wait for it before it sends more. Streams are numbered by their sender.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import NamedTuple

from libneuron.guest.wire.errors import ProtocolError

HEADER = struct.Struct(">II")  # kind in the upper 8 bits and length in the lower 24; stream
MAX_MESSAGE = 16 * 1024
MAX_BODY = 256 * 1024
MAX_REASON = 256


class Kind(IntEnum):
    """Kinds of frames."""

    MESSAGE = 1
    BODY = 2
    END = 3  # payload: empty, or why the body is not complete
    CREDIT = 4  # payload: 32-bit count of bytes
    STOP = 5
    ARRIVED = 6  # payload: 32-bit count of bytes


_LIMITS = {
    Kind.MESSAGE: MAX_MESSAGE,
    Kind.BODY: MAX_BODY,
    Kind.END: MAX_REASON,
    Kind.CREDIT: 4,
    Kind.STOP: 0,
    Kind.ARRIVED: 4,
}
_BY_NUMBER = {int(kind): (kind, limit) for kind, limit in _LIMITS.items()}


_UPPER = {kind: int(kind) << 24 for kind in Kind}
_BODY = Kind.BODY
_SIZE = HEADER.size
_MESSAGE = _UPPER[Kind.MESSAGE]


class Frame(NamedTuple):
    """A whole frame of any kind but ``BODY``."""

    kind: Kind
    stream: int
    payload: bytes


class Piece(NamedTuple):  # several for every 64 KiB: a tuple is made in half the time
    """A piece of a ``BODY`` frame; pieces are handed on as they come, without a copy."""

    stream: int
    data: memoryview
    last: bool  # of its frame


def frame(kind: Kind, stream: int, payload: bytes | memoryview = b"") -> bytes:
    """A frame's bytes."""
    return b"".join((HEADER.pack(_UPPER[kind] | len(payload), stream), payload))


def message_header(length: int) -> bytes:
    """The header of a message without body."""
    return HEADER.pack(_MESSAGE | length, 0)


def body_header(length: int, stream: int) -> bytes:
    """The header of a piece of a body."""
    return HEADER.pack(_UPPER[_BODY] | length, stream)


class FrameDecoder:
    """Plain bytes in, frames out. Never holds more than one unfinished message."""

    def __init__(self) -> None:
        self._tail = b""
        self._stream = 0
        self._left = 0  # bytes that the present BODY frame still lacks

    def message(self, data: bytes) -> bytes | None:
        """The payload if ``data`` is exactly one message without body; else None, and nothing was taken."""
        length = len(data) - _SIZE
        if 0 <= length <= MAX_MESSAGE and not self._tail and not self._left:
            word, stream = HEADER.unpack_from(data)
            if word == _MESSAGE | length and not stream:
                return data[_SIZE:]
        return None

    def feed(self, data: bytes | memoryview) -> list[Frame | Piece]:
        """Take plain bytes, return the frames they complete. Raises: ProtocolError."""
        if self._tail:
            data = self._tail + data
            self._tail = b""
        frames: list[Frame | Piece] = []
        at, end = 0, len(data)
        view = memoryview(data)
        while at < end:
            if self._left:
                piece = view[at : at + self._left]
                at += len(piece)
                self._left -= len(piece)
                frames.append(Piece(self._stream, piece, not self._left))
                continue
            if end - at < HEADER.size:
                break
            word, stream = HEADER.unpack_from(data, at)
            known = _BY_NUMBER.get(word >> 24)
            length = word & 0xFFFFFF
            if known is None:
                raise ProtocolError(f"unknown frame kind {word >> 24}")
            kind, limit = known
            if length > limit:
                raise ProtocolError(f"a {kind.name} frame of {length} bytes")
            begin = at + HEADER.size
            if kind is _BODY:
                self._stream, self._left, at = stream, length, begin
            elif end - begin < length:
                break
            else:
                at = begin + length
                frames.append(Frame(kind, stream, bytes(data[begin:at])))
        self._tail = bytes(data[at:]) if at < end else b""
        return frames
