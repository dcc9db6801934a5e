"""Between the process that owns a channel and the others: one message line over a unix socket.

It speaks the channel's own messages without TLS: the socket is 0600 in a 0700 folder, and the owner checks
the peer's user besides.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from libneuron.errors import NeuronError
from libneuron.guest.errors import GuestError
from libneuron.guest.wire.errors import ProtocolError
from libneuron.guest.wire.mux import Body, BodyEnd, BytesSource, Message, Mux
from libneuron.guest.wire.requests import MAX_BODY_IN_MEMORY

KICK = "owner_kick"
RENEW = "owner_renew"
STATE = "owner_state"


def socket_path(runtime: Path, vm: str) -> Path:
    """Where the owner of ``vm`` listens."""
    return runtime / "guest" / f"{vm}.sock"


class Line:
    """A mux over a stream of asyncio. ``received`` gets whole messages with their bodies."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        received: Callable[[Mapping[str, Any], bytes], None],
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._received = received
        self._mux = Mux(time.monotonic)
        self._waiting: dict[int, tuple[Mapping[str, Any], bytearray]] = {}
        self._work = asyncio.Event()

    def send(self, head: Mapping[str, Any], body: bytes | None) -> None:
        """Queue a message. Raises: ProtocolError if it is too large."""
        self._mux.send(head, None if body is None else BytesSource(body))
        self._work.set()

    async def run(self) -> None:
        """Until the other end closes, or breaks the protocol."""
        writing = asyncio.get_running_loop().create_task(self._write())
        try:
            while data := await self._reader.read(65536):
                self._read(data)
                self._work.set()
        except (ProtocolError, ConnectionError):
            return
        finally:
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)
            self._writer.close()
            with contextlib.suppress(ConnectionError):
                await self._writer.wait_closed()

    def _read(self, data: bytes) -> None:
        for event in self._mux.receive(data):
            if isinstance(event, Message) and not event.stream:
                self._received(event.head, b"")
            elif isinstance(event, Message):
                self._waiting[event.stream] = (event.head, bytearray())
            elif isinstance(event, Body):
                gathered = self._waiting[event.stream][1]
                gathered += event.data
                if len(gathered) > MAX_BODY_IN_MEMORY:
                    raise ProtocolError("a body that is too large")
                self._mux.consumed(event.stream, len(event.data))
            elif isinstance(event, BodyEnd):
                head, gathered = self._waiting.pop(event.stream)
                if not event.reason:
                    self._received(head, bytes(gathered))

    async def _write(self) -> None:
        while True:
            await self._work.wait()
            self._work.clear()
            while data := self._mux.take_urgent() or self._mux.take_bulk():
                self._writer.write(data)
                await self._writer.drain()


def told(error: NeuronError) -> dict[str, Any]:
    """An error as a message; :func:`relayed` makes it one again."""
    params = {key: str(value) for key, value in error.params.items()}
    return {"code": error.code, "params": params, "details": error.details}


def relayed(found: Mapping[str, Any]) -> NeuronError:
    """The error the owner met, as the class that knows its code."""
    for kind in _kinds(NeuronError):
        if found["code"] in kind.texts:
            with contextlib.suppress(KeyError):  # an owner of another version: its sentence lacks something
                return kind(found["code"], details=found["details"], **found["params"])
    return GuestError("guest.channel-closed", details=f"{found['code']}: {found['details']}")


def _kinds(base: type[NeuronError]) -> Iterator[type[NeuronError]]:
    for kind in base.__subclasses__():
        yield kind
        yield from _kinds(kind)
