"""What service and helper say to each other: JSON with its bytes behind it, over the pipe. No I/O.

The helper runs as an ordinary person and the service as SYSTEM: the service takes nothing from it that is
not bounded and typed. One frame is ``<JSON length, bytes length>``, JSON, bytes; a value
``{"$bytes": [from, to]}`` stands for a piece of the bytes; each piece begins where the one before it ended.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping
from typing import Any

from neuron_guest.helper_words import too_many_parts

_HEADER = struct.Struct("<II")
MAXIMUM_JSON = 16 * 1024 * 1024
MAXIMUM_BYTES = 512 * 1024 * 1024
"""What a clipboard may hold in one format; more is refused before it is allocated."""


class WireError(Exception):
    """The other end broke the rules; the pipe is of no further use."""


def pack(message: Mapping[str, object]) -> list[bytes]:
    """One frame, as pieces to write one after the other. Raises: WireError if it is too large."""
    pieces: list[bytes] = []
    position = 0

    def keep(value: object) -> object:
        nonlocal position
        if not isinstance(value, (bytes, bytearray, memoryview)):
            raise TypeError(f"{type(value)} cannot be sent")
        piece = bytes(value)
        start, position = position, position + len(piece)
        pieces.append(piece)
        return {"$bytes": [start, position]}

    text = json.dumps(message, default=keep, ensure_ascii=False).encode("utf-8", "surrogatepass")
    if len(text) > MAXIMUM_JSON or position > MAXIMUM_BYTES:
        raise WireError("a message larger than the pipe carries")
    return [_HEADER.pack(len(text), position) + text, *pieces]


class Reader:
    """Takes bytes as they come and gives messages."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0
        self._sizes: tuple[int, int] | None = None

    def feed(self, data: bytes) -> Iterator[dict[str, Any]]:
        """Messages that ``data`` completes. Raises: WireError."""
        self._pieces.append(data)
        self._size += len(data)
        while True:
            if self._sizes is None:
                if self._size < _HEADER.size:
                    return
                text, extra = _HEADER.unpack(self._take(_HEADER.size))
                if text > MAXIMUM_JSON or extra > MAXIMUM_BYTES:
                    raise WireError(f"a message of {text} + {extra} bytes")
                self._sizes = text, extra
            text, extra = self._sizes
            if self._size < text + extra:
                return
            self._sizes = None
            yield unpack(self._take(text), self._take(extra))

    def _take(self, count: int) -> bytes:
        if len(self._pieces) > 1:
            self._pieces = [b"".join(self._pieces)]
        whole = self._pieces[0] if self._pieces else b""
        self._pieces = [whole[count:]] if len(whole) > count else []
        self._size -= count
        return whole[:count]


def unpack(text: bytes, extra: bytes) -> dict[str, Any]:
    """A message. Raises: WireError."""
    if too_many_parts(text):
        raise WireError("a message of too many parts")
    position = 0

    def restore(value: dict[str, Any]) -> Any:
        nonlocal position
        if value.keys() != {"$bytes"}:
            return value
        match value["$bytes"]:
            # Each byte once: a few kilobytes that name the same piece a thousand times would fill the memory.
            case [int(start), int(end)] if position == start <= end <= len(extra):
                position = end
                return extra[start:end]
        raise WireError("bytes that are not there, or were taken already")

    try:
        message = json.loads(text.decode("utf-8", "surrogatepass"), object_hook=restore)
    except (ValueError, RecursionError) as error:
        raise WireError(f"not JSON: {error}") from error
    if not isinstance(message, dict):
        raise WireError("not an object")
    return message
