"""Between the service (root, owns the port) and the helper in the person's session: a private unix socket.

A message is a length and JSON; bytes travel as base64. The service calls, the helper answers and tells of
copies. The service takes nothing from the helper that is not bounded; who the helper is, the kernel says
(unix(7), SO_PEERCRED), and only the person at the seat is listened to.
"""

from __future__ import annotations

import base64
import contextlib
import json
import logging
import queue
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from neuron_guest.backend import BackendError
from neuron_guest.helper_words import too_many_parts

_log = logging.getLogger("neuron_guest")

SOCKET = Path("/run/neuron-guest/session.sock")
SEAT = Path("/run/systemd/seats/seat0")
_HEAD = struct.Struct(">I")
_LIMIT = 128 * 1024 * 1024  # bytes of a message: a 64 MiB clipboard as base64, and room
TIMEOUT = 90.0
EXIT = "exit"


def _pack(value: object) -> bytes:
    def other(item: object) -> object:
        if isinstance(item, bytes):
            return {"$b64": base64.b64encode(item).decode()}
        raise TypeError(f"{type(item)} cannot be sent")

    text = json.dumps(value, default=other).encode()
    return _HEAD.pack(len(text)) + text


def _restore(item: dict[str, Any]) -> Any:
    if item.keys() != {"$b64"}:
        return item
    if not isinstance(item["$b64"], str):
        raise ValueError("bytes that are no text")  # noqa: TRY004 — the message is wrong, not a type of ours
    return base64.b64decode(item["$b64"], validate=True)


def _exactly(stream: socket.socket, count: int) -> bytes:
    parts: list[bytes] = []
    while count:
        part = stream.recv(min(count, 1 << 20))
        if not part:
            raise EOFError
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def receive(stream: socket.socket) -> dict[str, Any]:
    """The next message. Raises: EOFError, OSError; ValueError for what is none."""
    (size,) = _HEAD.unpack(_exactly(stream, _HEAD.size))
    if size > _LIMIT:
        raise ValueError(f"a message of {size} bytes")
    text = _exactly(stream, size)
    if too_many_parts(text):
        raise ValueError("a message of too many parts")
    found = json.loads(text, object_hook=_restore)
    if not isinstance(found, dict):
        raise ValueError("not an object")  # noqa: TRY004 — the message is wrong, not a type of ours
    return found


def send(stream: socket.socket, value: Mapping[str, object]) -> None:
    """Send a message. Raises: OSError."""
    stream.sendall(_pack(value))


def peer_user(stream: socket.socket) -> int:
    """The user id of the process at the other end."""
    size = struct.calcsize("3i")
    user: int = struct.unpack("3i", stream.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))[1]
    return user


def seated_user(seat: Path = SEAT) -> int | None:
    """Who sits at the screen, from logind's state (sd-login(3) reads the same file); None for nobody."""
    try:
        lines = seat.read_text().splitlines()
    except OSError:
        return None
    users = [line.partition("=")[2] for line in lines if line.startswith("ACTIVE_UID=")]
    return int(users[0]) if users and users[0].isdigit() else None


class Helper:
    """The service's end of one connection. ``event`` is called on the reading thread."""

    def __init__(self, stream: socket.socket, user: int, event: Callable[[Mapping[str, Any]], None]) -> None:
        self.user = user
        self._stream = stream
        self._event = event
        self._turn = threading.Lock()
        self._answers: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._asked = False  # an answer is due
        self._gone = False

    def run(self) -> None:
        """Read until the helper is gone."""
        try:
            while True:
                self._take(receive(self._stream))
        except (EOFError, OSError, ValueError, RecursionError) as error:
            _log.info("the session's helper is gone: %r", error)
        finally:
            self._gone = True
            self._answers.put(None)
            self._stream.close()

    def _take(self, message: dict[str, Any]) -> None:
        if "event" in message:
            self._event(message)
            return
        if not self._asked:  # kept, it would be taken for the next one's; and there might be no end of them
            raise ValueError("an answer that nobody asked for")
        self._asked = False
        self._answers.put(message)

    def call(self, verb: str, **arguments: object) -> Any:
        """Ask the helper. Raises: BackendError no-session when it goes, or what it answered."""
        with self._turn:
            if self._gone:
                raise BackendError("no-session", "the person's session has ended")
            self._asked = True
            try:
                send(self._stream, {"verb": verb, "arguments": arguments})
                answer = self._answers.get(timeout=TIMEOUT)
            except queue.Empty:
                self.close()  # its answer would be taken for the next one's
                raise BackendError("timeout", f"the session did not answer {verb}") from None
            except OSError:
                answer = None
        if answer is None:
            raise BackendError("no-session", "the person's session has ended")
        if "error" in answer:
            raise BackendError(str(answer["error"])[:64], str(answer.get("message"))[:500])
        return answer.get("value")

    def replace(self) -> None:
        """Send the helper home: another session of the same person has come."""
        with self._turn, contextlib.suppress(OSError):
            send(self._stream, {"verb": EXIT, "arguments": {}})
        self.close()

    def close(self) -> None:
        """Hang up."""
        with contextlib.suppress(OSError):
            self._stream.shutdown(socket.SHUT_RDWR)


def answer(
    stream: socket.socket, verbs: Mapping[str, Callable[..., object]], sending: threading.Lock
) -> bool:
    """The helper's end: answer until the service is gone, or (True) sends us home.

    ``sending`` keeps answers and events apart.
    """
    while True:
        try:
            message = receive(stream)
        except (EOFError, OSError, ValueError):
            return False
        if message.get("verb") == EXIT:
            return True
        try:
            reply: dict[str, object] = {"value": verbs[message["verb"]](**message["arguments"])}
        except BackendError as error:
            reply = {"error": error.code, "message": str(error)}
        except Exception as error:  # noqa: BLE001 — a bug must not end the helper; it is logged whole
            _log.exception("%s failed", message.get("verb"))
            reply = {"error": "failed", "message": repr(error)}
        try:
            with sending:
                send(stream, reply)
        except OSError:
            return False
