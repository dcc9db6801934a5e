"""The Wayland wire format and connection, as little as a clipboard needs; standard library only.

A message is the object's id, then size (16 bits) and opcode (16 bits), then arguments in 32-bit words of the
machine's byte order; strings are length, bytes, NUL, padding; descriptors travel beside the bytes (Wayland
book, "Wire Format").

wl-clipboard is not used: ``wl-copy`` offers one type, and its content must be there before anybody pastes
(bugaevc/wl-clipboard#71, #250). pywayland is not in Debian.
"""

from __future__ import annotations

import array
import contextlib
import os
import socket
import struct
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from libneuron.system.clipboard.errors import ClipboardError

_HEAD = struct.Struct("=II")
_WORD = struct.Struct("=I")
_AT_ONCE = 28  # descriptors in one message of the socket, as in libwayland
_SERVER_IDS = 0xFF000000

DISPLAY = 1


@dataclass(frozen=True)
class Message:
    """An event of the compositor."""

    object: int
    opcode: int
    body: bytes

    def word(self, index: int = 0) -> int:
        """The 32-bit argument at ``index``. Raises: ClipboardError unavailable if there is none."""
        try:
            return int(_WORD.unpack_from(self.body, index * 4)[0])
        except struct.error as error:
            raise _broken("an event is too short") from error

    def string(self, index: int = 0) -> str:
        """The string that begins at word ``index``."""
        length = self.word(index)
        raw = self.body[(index + 1) * 4 : (index + 1) * 4 + length]
        if len(raw) != length or not raw.endswith(b"\0"):
            raise _broken("a string is cut off")
        return raw[:-1].decode("utf-8", "replace")


def socket_path(display: str, runtime: Path) -> Path:
    """Where the compositor listens: ``display`` is ``$WAYLAND_DISPLAY``, a name or an absolute path."""
    return runtime / display  # an absolute display replaces the whole


class Wire:
    """One connection. Requests are collected and sent by :meth:`flush`; nothing waits."""

    def __init__(self, path: Path) -> None:
        """Connect. Raises: ClipboardError unavailable."""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            self._socket.connect(os.fspath(path))
        except OSError as error:
            self._socket.close()
            raise ClipboardError("clipboard.unavailable", details=f"Wayland: {path}: {error}") from error
        self._socket.setblocking(False)  # noqa: FBT003 — socket's own signature
        self._input = bytearray()
        self._output: deque[tuple[bytes, tuple[int, ...]]] = deque()
        self._descriptors: deque[int] = deque()
        self._free: list[int] = []
        self._next = 2

    def fileno(self) -> int:
        """The descriptor to wait on."""
        return self._socket.fileno()

    @property
    def waiting(self) -> bool:
        """Whether requests wait until the compositor reads."""
        return bool(self._output)

    def new_id(self) -> int:
        """An id for an object that we make."""
        if self._free:
            return self._free.pop()
        self._next += 1
        return self._next - 1

    def released(self, identity: int) -> None:
        """The compositor has forgotten an object: its id may be used again."""
        if 1 < identity < _SERVER_IDS:
            self._free.append(identity)

    def request(self, target: int, opcode: int, *arguments: int | str, descriptor: int | None = None) -> None:
        """Call ``opcode`` of ``target``; ``descriptor`` is duplicated for the compositor and closed here."""
        body = b"".join(_argument(argument) for argument in arguments)
        message = _HEAD.pack(target, (_HEAD.size + len(body)) << 16 | opcode) + body
        self._output.append((message, () if descriptor is None else (descriptor,)))

    def flush(self) -> None:
        """Send what the compositor takes now. Raises: ClipboardError unavailable when it has gone."""
        while self._output:
            message, descriptors = self._output[0]
            try:
                rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))]
                sent = self._socket.sendmsg([message], rights if descriptors else [])
            except BlockingIOError:
                return
            except OSError as error:
                raise _broken(str(error)) from error
            for descriptor in descriptors:
                os.close(descriptor)
            if sent == len(message):
                self._output.popleft()
            else:
                self._output[0] = (message[sent:], ())

    def receive(self) -> Iterator[Message]:
        """The events that have arrived. Raises: ClipboardError unavailable when the compositor has gone."""
        while True:
            try:
                data, control, _flags, _address = self._socket.recvmsg(
                    65536, socket.CMSG_SPACE(_AT_ONCE * 4), socket.MSG_CMSG_CLOEXEC
                )
            except BlockingIOError:
                break
            except OSError as error:
                raise _broken(str(error)) from error
            for level, kind, value in control:
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                    received = array.array("i")
                    received.frombytes(value[: len(value) // 4 * 4])
                    self._descriptors.extend(received)
            if not data:
                raise _broken("the compositor closed the connection")
            self._input += data
            yield from self._messages()

    def descriptor(self) -> int:
        """The descriptor that belongs to the event just received; the caller owns it."""
        if not self._descriptors:
            raise _broken("a descriptor is missing")
        return self._descriptors.popleft()

    def close(self) -> None:
        """Leave, closing every descriptor that nobody took."""
        for _message, descriptors in self._output:
            self._descriptors.extend(descriptors)
        for descriptor in self._descriptors:
            with contextlib.suppress(OSError):
                os.close(descriptor)
        self._output.clear()
        self._descriptors.clear()
        self._socket.close()

    def _messages(self) -> Iterator[Message]:
        while len(self._input) >= _HEAD.size:
            target, word = _HEAD.unpack_from(self._input)
            size, opcode = word >> 16, word & 0xFFFF
            if size < _HEAD.size or size % 4:
                raise _broken("an event has an impossible size")
            if len(self._input) < size:
                return
            body = bytes(self._input[_HEAD.size : size])
            del self._input[:size]
            yield Message(target, opcode, body)


def _argument(value: int | str) -> bytes:
    if isinstance(value, int):
        return _WORD.pack(value)
    raw = value.encode() + b"\0"
    return _WORD.pack(len(raw)) + raw + bytes(-len(raw) % 4)


def _broken(problem: str) -> ClipboardError:
    return ClipboardError("clipboard.unavailable", details=f"Wayland: {problem}")
