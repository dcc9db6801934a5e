"""One process owns a VM's channel; the others ask it (decision 1: QEMU's socket serves one client).

The owner holds a lock file and serves a unix socket beside it, both below the person's runtime directory::

    with acquire(runtime, vm) as lock:             # None: another process of this person owns the channel
        server = await serve(client, runtime, vm)  # on the loop's thread, for as long as we own it

    requester = OwnerClient(runtime, vm, label)    # in another process: a Requester like the client itself

The kernel lets go of the lock when its holder dies, so nothing can be left behind. What goes over the socket,
:mod:`.owner_line` says; who asks is :mod:`.owner_client`.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import socket
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from libneuron.errors import NeuronError
from libneuron.guest.api import Requester
from libneuron.guest.errors import GuestError
from libneuron.guest.owner_line import KICK, RENEW, STATE, Line, socket_path, told
from libneuron.guest.state import State
from libneuron.guest.wire.errors import ProtocolError
from libneuron.system.files import make_private_directory

_log = logging.getLogger(__name__)

_LONGEST = 24 * 3600.0  # seconds a request may take


class Owned(Requester, Protocol):
    """What an owner offers to others: a :class:`~libneuron.guest.client.GuestClient`."""

    state: State
    problem: NeuronError | None
    hello: Mapping[str, Any]

    def kick(self) -> None:
        """Try again at once."""

    def renew(self) -> None:
        """Connect anew, with the keys there are now."""


class Lock:
    """The channel's lock, held until :meth:`release` or the end of the process."""

    def __init__(self, descriptor: int) -> None:
        self._fd = descriptor

    def release(self) -> None:
        """Let another process own the channel."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Lock:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def acquire(runtime: Path, vm: str) -> Lock | None:
    """Become the owner of ``vm``'s channel; None where another process is."""
    folder = make_private_directory(runtime / "guest")
    descriptor = os.open(folder / f"{vm}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return Lock(descriptor)


def peer_user(connection: socket.socket) -> int:
    """The user id of the process at the other end (unix(7), SO_PEERCRED)."""
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    user: int = struct.unpack("3i", credentials)[1]
    return user


class OwnerServer:
    """Serves other processes of the same person. Belongs to the loop's thread."""

    def __init__(self, owned: Owned, path: Path) -> None:
        self._owned = owned
        self._path = path
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Begin to serve; a socket left by a dead owner is replaced.

        Raises: GuestError host-failed, also where the path is too long for a socket's address (107 bytes).
        """
        make_private_directory(self._path.parent)  # keeps others out before the socket's own mode does
        self._path.unlink(missing_ok=True)
        try:
            self._server = await asyncio.start_unix_server(self.accept, self._path)
            self._path.chmod(0o600)
        except OSError as error:
            raise self._failed(error) from error

    async def close(self) -> None:
        """Stop serving."""
        if self._server is not None:
            self._server.close()
        self._path.unlink(missing_ok=True)
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One process."""
        if peer_user(writer.get_extra_info("socket")) not in (os.geteuid(), 0):
            writer.close()
            return
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        answering: set[asyncio.Task[None]] = set()

        def received(head: Mapping[str, Any], body: bytes) -> None:
            work = asyncio.get_running_loop().create_task(self._answer(line, head, body))
            answering.add(work)
            work.add_done_callback(answering.discard)

        line = Line(reader, writer, received)
        try:
            await line.run()
        except asyncio.CancelledError:
            return  # the server closes; asyncio would log a cancelled connection as an error
        finally:
            self._tasks.discard(task)
            for work in list(answering):
                work.cancel()

    async def _answer(self, line: Line, head: Mapping[str, Any], body: bytes) -> None:
        verb, data = head.get("type"), head.get("data")
        answer: dict[str, Any] = {"request_id": head.get("request_id"), "success": True, "error": None}
        content: bytes | None = None
        try:
            if verb == KICK:
                self._owned.kick()
                answer["data"] = {}
            elif verb == RENEW:
                self._owned.renew()
                answer["data"] = {}
            elif verb == STATE:
                problem = self._owned.problem
                answer["data"] = {
                    "state": self._owned.state.value,
                    "hello": dict(self._owned.hello),
                    "problem": None if problem is None else told(problem),
                }
            else:
                reply = await self._owned.request(
                    str(verb),
                    data if isinstance(data, dict) else {},
                    body=body or None,
                    timeout=_seconds(head.get("timeout")),
                )
                answer["data"], content = dict(reply.data), reply.body or None
        except NeuronError as error:
            answer |= {"success": False, "error": told(error)}
        except Exception as error:  # noqa: BLE001 — or the other process would wait for its whole time limit
            known = isinstance(error, OSError)
            (_log.info if known else _log.exception)("%.64r failed: %s", verb, error)
            answer |= {"success": False, "error": told(self._failed(error))}
        try:
            line.send(answer, content)
        except (ProtocolError, ValueError, RecursionError) as error:  # what the guest said cannot be sent on
            line.send({**answer, "success": False, "data": None, "error": told(self._failed(error))}, None)

    def _failed(self, error: Exception) -> GuestError:
        return GuestError(
            "guest.host-failed", vm=self._owned.label, problem=f"{type(error).__name__}: {error}"
        )


def _seconds(value: object) -> float:
    """A time limit that asyncio can count."""
    return min(max(float(value), 0.0), _LONGEST) if type(value) is float else 15.0


async def serve(owned: Owned, runtime: Path, vm: str) -> OwnerServer:
    """Serve ``owned`` to other processes; only the holder of the lock may."""
    server = OwnerServer(owned, socket_path(runtime, vm))
    await server.start()
    return server
