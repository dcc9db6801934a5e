"""One open port to a guest on the asyncio loop: drives the channel, matches answers with requests."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from libneuron.guest.api import Reply
from libneuron.guest.errors import GuestError
from libneuron.guest.transport import Transport
from libneuron.guest.wire.channel import Channel, ChannelEvent, Credentials, Down, Phase, Ready
from libneuron.guest.wire.errors import ProtocolError
from libneuron.guest.wire.mux import Body, BodyEnd, BytesSource, Message, Source
from libneuron.guest.wire.requests import MAX_BODY_IN_MEMORY

_log = logging.getLogger(__name__)
_READY = Phase.READY  # looked up once: an enumeration's members are slow to reach
_BURST = 8  # pieces of bulk between two looks at what came in


@dataclass(frozen=True)
class Lost:
    """The port is gone."""

    error: GuestError | None


SessionEvent = Ready | Down | Lost


@dataclass(slots=True)
class _Request:
    verb: str
    answer: asyncio.Future[Reply]
    timeout: float
    until: float
    sink: Callable[[memoryview], None] | None = None
    head: Mapping[str, Any] | None = None
    body: bytearray | None = None  # copied together: a kept piece would hold the buffer it lies in
    size: int = 0


_CODES = {
    "unknown-command": "guest.unknown-command",
    "bad-field": "guest.bad-value",
    "no-session": "guest.no-session",
    "mode-refused": "guest.mode-refused",
    "not-found": "guest.not-found",
    "not-permitted": "guest.not-permitted",
    "not-paired": "guest.not-paired",
    "unsupported": "guest.unsupported",
    "failed": "guest.failed",
    "busy": "guest.busy",
    "locked": "guest.no-session",
    "disk-full": "guest.full",
    "secret": "guest.secret",
}


def answer_error(error: object, *, vm: str, verb: str) -> GuestError:
    """The error a guest answered with, as ours. What it says is shown, never interpreted."""
    fields = error if isinstance(error, dict) else {"message": error}
    code = fields.get("code")
    text = "".join(char for char in str(fields.get("message") or "")[:500] if char.isprintable())
    ours = _CODES.get(code, "guest.refused") if isinstance(code, str) else "guest.refused"
    return GuestError(ours, vm=vm, verb=verb, problem=text, details=f"{str(code)[:64]}: {text}")


class Session:
    """A :class:`~libneuron.guest.transport.Link`. Belongs to the loop's thread.

    ``tell`` gets what happens to the session, ``event`` what the guest tells of its own accord.
    """

    def __init__(
        self,
        label: str,
        credentials: Callable[[], Credentials | None],
        *,
        tell: Callable[[SessionEvent], None],
        event: Callable[[str, Mapping[str, Any]], None],
    ) -> None:
        self.label = label
        self._tell = tell
        self._event = event
        self._loop = asyncio.get_running_loop()
        self._channel = Channel(
            host=True,
            credentials=lambda _hint: credentials(),
            clock=self._loop.time,
            expected=lambda head: self._waiting_for(head.get("request_id")) is not None,
        )
        self._transport: Transport | None = None
        self._pending: bytes | memoryview = b""
        self._blocked = False
        self._scheduled = False
        self._timer: asyncio.TimerHandle | None = None
        self._alarm: asyncio.TimerHandle | None = None
        self._requests: dict[int, _Request] = {}
        self._bodies: dict[int, _Request] = {}
        self._last = 0
        self._check: asyncio.Task[None] | None = None

    @property
    def ready(self) -> bool:
        """Whether requests may be sent."""
        return self._channel.phase is Phase.READY

    # -- the port -----------------------------------------------------------------------------------

    def attach(self, transport: Transport) -> None:
        """Use ``transport`` from now on."""
        self._transport = transport

    def begin(self) -> None:
        """Begin a new session on the open port."""
        self._forget_all()
        self._channel.start()
        self._pump()

    def received(self, data: bytes) -> None:
        """See :class:`Link`."""
        for item in self._channel.receive(data):
            if type(item) is Message:
                self._message(item)
            else:
                self._handle(item)
        if self._channel.more or self._timer is not None or self._pending:
            self._pump()

    def writable(self) -> None:
        """See :class:`Link`."""
        self._blocked = False
        self._pump()

    def lost(self, error: GuestError | None) -> None:
        """See :class:`Link`."""
        self.close()
        self._tell(Lost(error))

    def close(self) -> None:
        """Let go of the port; requests under way fail."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._check is not None:
            self._check.cancel()
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()
        self._forget_all()

    def _pump(self) -> None:
        self._scheduled = False
        transport, channel = self._transport, self._channel
        if transport is None or self._blocked:
            return
        for _ in range(_BURST):
            if not self._pending:
                self._pending = channel.take()
                if not self._pending:
                    self._arm()
                    return
            sent = transport.write(self._pending)
            if sent < len(self._pending):
                self._pending = memoryview(self._pending)[sent:]
                self._blocked = True
                return
            self._pending = b""
            if not channel.more:
                if self._timer is not None or channel.phase is not _READY:
                    self._arm()
                return
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._pump)

    def _arm(self) -> None:
        if self._timer is None and self._channel.phase is _READY:
            return
        deadline = self._channel.deadline()
        if self._timer is not None:
            if self._timer.when() == deadline:
                return
            self._timer.cancel()
            self._timer = None
        if deadline is not None:
            self._timer = self._loop.call_at(deadline, self._tick)

    def _tick(self) -> None:
        self._timer = None
        for item in self._channel.tick():
            self._handle(item)
        self._pump()

    # -- events -------------------------------------------------------------------------------------

    def _handle(self, item: ChannelEvent) -> None:
        if isinstance(item, Body):
            self._body(item)
        elif isinstance(item, Message):
            self._message(item)
        elif isinstance(item, BodyEnd):
            self._body_end(item)
        elif isinstance(item, Ready):
            self._tell(item)
        elif isinstance(item, Down):
            self._forget_all()
            self._tell(item)

    def _message(self, item: Message) -> None:
        identity = item.head.get("request_id")
        if identity is None:
            kind, data = item.head.get("type"), item.head.get("data")
            if isinstance(kind, str):
                self._event(kind, data if isinstance(data, dict) else {})
            if item.stream:
                self._channel.mux.stop(item.stream)
            return
        request = self._requests.get(identity) if type(identity) is int else None
        if request is None:
            _log.debug("an answer nobody waits for: %.64r", identity)
            if item.stream:
                self._channel.mux.stop(item.stream)
            return
        request.head = item.head
        if item.stream:
            self._bodies[item.stream] = request
        else:
            self._answered(request)

    def _waiting_for(self, identity: object) -> _Request | None:
        return self._requests.get(identity) if type(identity) is int else None

    def _body(self, item: Body) -> None:
        request = self._bodies.get(item.stream)
        if request is None:
            return
        if request.sink is not None and not request.answer.done():
            request.sink(item.data)
            self._channel.mux.consumed(item.stream, len(item.data))
            return
        if request.answer.done() or request.size + len(item.data) > MAX_BODY_IN_MEMORY:
            del self._bodies[item.stream]
            self._channel.mux.stop(item.stream)
            size = MAX_BODY_IN_MEMORY >> 20
            self._fail(request, GuestError("guest.too-large", size=f"> {size}", limit=size))
            return
        request.size += len(item.data)
        if request.body is None:
            request.body = bytearray()
        request.body += item.data
        self._channel.mux.consumed(item.stream, len(item.data))

    def _body_end(self, item: BodyEnd) -> None:
        request = self._bodies.pop(item.stream, None)
        if request is None:
            return
        if item.reason:
            self._fail(request, answer_error(item.reason, vm=self.label, verb=request.verb))
        else:
            self._answered(request)

    def _answered(self, request: _Request) -> None:
        if request.answer.done():
            return
        head = request.head or {}
        if head.get("success") is not True:
            self._fail(request, answer_error(head.get("error"), vm=self.label, verb=request.verb))
            return
        data = head.get("data")
        request.answer.set_result(Reply(data if isinstance(data, dict) else {}, bytes(request.body or b"")))

    @staticmethod
    def _fail(request: _Request, error: GuestError) -> None:
        if not request.answer.done():
            request.answer.set_exception(error)

    def _forget_all(self) -> None:
        requests, self._requests = self._requests, {}
        self._bodies.clear()
        self._pending = b""
        for request in requests.values():
            self._fail(request, GuestError("guest.disconnected", vm=self.label, verb=request.verb))

    # -- requests -----------------------------------------------------------------------------------

    async def ask(
        self,
        verb: str,
        data: Mapping[str, Any] | None,
        *,
        body: bytes | Source | None,
        timeout: float,
        sink: Callable[[memoryview], None] | None = None,
    ) -> Reply:
        """Send a request and wait for its answer; cancelling the caller cancels it in the guest.

        With ``sink`` the answer's body goes there piece by piece, and is not kept.

        Raises: GuestError timeout, disconnected, too-large, or what the guest answered.
        """
        self._last += 1
        identity = self._last
        request = _Request(verb, self._loop.create_future(), timeout, self._loop.time() + timeout, sink)
        head = {"type": verb, "request_id": identity, "data": data or {}}
        mux = self._channel.mux  # a later session's numbers its streams anew
        try:
            stream = self._channel.send(head, BytesSource(body) if isinstance(body, bytes) else body)
        except ProtocolError as error:
            raise GuestError("guest.disconnected", vm=self.label, verb=verb, details=str(error)) from error
        self._requests[identity] = request
        self._pump()
        if self._alarm is None or request.until < self._alarm.when():
            self._watch(request.until)
        answered = False
        try:
            reply = await request.answer
            answered = True
        except asyncio.CancelledError:
            if self._requests.get(identity) is request:
                self._give_up(identity)
            raise
        finally:
            self._requests.pop(identity, None)
            if stream:  # a guest can answer without taking it: it would lie here until the session's end
                mux.abort(stream, "nobody waits for it any more")
                self._pump()
            if self._bodies or not answered:
                self._drop(request)
        return reply

    def _drop(self, request: _Request) -> None:
        """Nobody waits for this answer any more: what is still coming of it is not wanted."""
        request.body = bytearray()  # the error that may have been raised keeps the request for a while
        streams = [stream for stream, found in self._bodies.items() if found is request]
        for stream in streams:
            del self._bodies[stream]
            self._channel.mux.stop(stream)
        if streams or request.answer.cancelled() or request.answer.exception() is not None:
            self._channel.mux.stop_unexpected()
            self._pump()

    def _watch(self, until: float) -> None:
        """One timer for all requests, moved only where it would come too late: most answers come before."""
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = self._loop.call_at(until, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        now = self._loop.time()
        for identity, request in list(self._requests.items()):
            if request.until <= now:
                self._late(identity, request)
        left = [request.until for request in self._requests.values() if request.until > now]
        if left:
            self._watch(min(left))

    def _late(self, identity: int, request: _Request) -> None:
        seconds = f"{request.timeout:.3g}"
        self._fail(request, GuestError("guest.timeout", vm=self.label, verb=request.verb, seconds=seconds))
        self._give_up(identity)
        if request.verb != "ping" and self._check is None:
            self._check = self._loop.create_task(self._alive())
        elif request.verb == "ping" and self._channel.phase is Phase.READY:
            self._restart()

    def _give_up(self, identity: int) -> None:
        """Tell the guest that nobody waits any more. Its answer to this is not waited for either."""
        if self._channel.phase is Phase.READY:
            self._last += 1
            self._channel.send({"type": "cancel", "request_id": self._last, "data": {"target": identity}})
            self._pump()

    async def _alive(self) -> None:
        """After a late answer: is the verb slow, or the agent gone? A ping that is late begins anew."""
        try:
            await self.ask("ping", None, body=None, timeout=5)
        except GuestError as error:
            _log.debug("%s", error)
        finally:
            self._check = None

    def _restart(self) -> None:
        self._forget_all()
        self._tell(Down(ProtocolError("the agent does not answer")))
