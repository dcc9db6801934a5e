"""Requests through the process that owns a machine's channel."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from libneuron.guest.api import Reply
from libneuron.guest.errors import GuestError
from libneuron.guest.owner_line import Line, relayed, socket_path


class OwnerClient:
    """Requests through the process that owns the channel. A :class:`Requester`; belongs to the loop."""

    def __init__(self, runtime: Path, vm: str, label: str) -> None:
        self.label = label
        self._path = socket_path(runtime, vm)
        self._line: Line | None = None
        self._task: asyncio.Task[None] | None = None
        self._last = 0
        self._answers: dict[int, asyncio.Future[tuple[Mapping[str, Any], bytes]]] = {}

    async def open(self) -> None:
        """Connect to the owner. Raises: GuestError channel-in-use if nobody answers there."""
        try:
            reader, writer = await asyncio.open_unix_connection(self._path)
        except OSError as error:
            raise GuestError("guest.channel-in-use", vm=self.label, details=str(error)) from error
        self._line = Line(reader, writer, self._received)
        self._task = asyncio.get_running_loop().create_task(self._line.run())
        self._task.add_done_callback(self._ended)

    async def close(self) -> None:
        """Disconnect."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _ended(self, _task: asyncio.Task[None]) -> None:
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(GuestError("guest.channel-closed"))

    def _received(self, head: Mapping[str, Any], body: bytes) -> None:
        identity = head.get("request_id")
        answer = self._answers.get(identity) if isinstance(identity, int) else None
        if answer is not None and not answer.done():
            answer.set_result((head, body))

    async def request(
        self,
        verb: str,
        data: Mapping[str, Any] | None = None,
        *,
        body: bytes | None = None,
        timeout: float = 15.0,
    ) -> Reply:
        """See :meth:`Requester.request`."""
        if self._line is None or self._task is None or self._task.done():
            raise GuestError("guest.channel-closed")
        self._last += 1
        identity = self._last
        answer = asyncio.get_running_loop().create_future()
        self._answers[identity] = answer
        self._line.send(
            {"type": verb, "request_id": identity, "data": data or {}, "timeout": float(timeout)}, body
        )
        try:
            async with asyncio.timeout(timeout + 5):
                head, content = await answer
        except TimeoutError as error:
            raise GuestError("guest.timeout", vm=self.label, verb=verb, seconds=f"{timeout:g}") from error
        finally:
            del self._answers[identity]
        if head.get("success") is True:
            return Reply(head.get("data") or {}, content)
        raise relayed(head["error"])
