"""One host's conversation with the agent: who may ask what, requests in work, their bodies and answers.

All methods belong to the agent's thread. ``ping``, ``hello`` and ``cancel`` are answered on the spot, so that
a verb that takes long (or hangs) never makes the agent look dead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from libneuron.guest.wire.channel import Channel, Phase
from libneuron.guest.wire.errors import FieldError, ProtocolError
from libneuron.guest.wire.fields import Fields
from libneuron.guest.wire.mux import Body, BodyEnd, BytesSource, Message, Source, ZeroSource
from libneuron.guest.wire.requests import MAX_BODY_IN_MEMORY, PROTOCOL, VERBS, Enrol, Hello, Permission
from libneuron.guest.wire.transfers import WANTED
from neuron_guest.backend import Backend
from neuron_guest.events import Events
from neuron_guest.files_link import OpenBatches
from neuron_guest.handlers import Answer
from neuron_guest.keys import GuestKeys
from neuron_guest.promises import Promises
from neuron_guest.workers import Error, Request, Workers

_READY = Phase.READY  # looked up once: an enumeration's members are slow to reach
_WAITING = 64  # requests in work or in the queue; more are answered with "busy"


class Conversation:
    """What is said on ``channel`` from one handshake to its end. ``post`` runs work on the agent's thread."""

    def __init__(
        self,
        channel: Channel,
        backend: Backend,
        keys: GuestKeys,
        workers: Workers,
        events: Events,
        post: Callable[[Callable[[], None]], None],
    ) -> None:
        self._channel = channel
        self._keys = keys
        self._workers = workers
        self._events = events
        self._post = post
        self._permissions: frozenset[Permission] = frozenset()
        self._greeted = False
        self._ended = False
        self._requests: dict[str | int, Request] = {}
        self._incoming: dict[int, Request] = {}
        self._promises = Promises(self._want)
        self._batches = OpenBatches(backend)

    def end(self) -> None:
        """Nobody is there to be answered any more."""
        self._ended = True
        self._promises.end()
        self._batches.end()
        for request in self._requests.values():
            request.cancelled = True

    # -- requests -----------------------------------------------------------------------------------

    def message(self, event: Message) -> None:
        """The host asks."""
        head = event.head
        identity, verb = head.get("request_id"), head.get("type")
        if verb == "ping" and type(identity) is int and not event.stream and not head.get("data"):
            self._send_head(identity, data={})  # the shortest way: its time is the channel's
        elif not isinstance(identity, (str, int)) or isinstance(identity, bool) or len(str(identity)) > 64:
            self._refuse(event, None, "bad-request", "request_id must be a text or a number", "request_id")
        elif not isinstance(verb, str):
            self._refuse(event, identity, "bad-request", "type must be a text", "type")
        elif verb == "cancel":
            self._cancel(event, identity)
        elif verb not in VERBS:
            self._refuse(event, identity, "unknown-command", f"unknown command “{verb[:64]}”")
        elif identity in self._requests:
            self._refuse(event, identity, "bad-request", "request_id is in use", "request_id")
        else:
            try:
                parsed = VERBS[verb].parse(Fields(head.get("data")))
            except FieldError as error:
                self._refuse(event, identity, "bad-field", str(error), error.field)
                return
            self._accept(event, Request(identity, verb, parsed, self, self._permissions))

    def _accept(self, event: Message, request: Request) -> None:
        verb = request.verb
        if verb == "ping":
            self._answer(request, {})
        elif verb == "measure" and not self._enrolling:
            self._measure(event, request)
            return
        elif verb == "hello":
            self._greet(request)
        elif self._enrolling:
            if verb == "enrol":
                self._enrol(request)
            else:
                self._refuse(event, request.id, "not-paired", "only enrol is allowed with this key")
        elif verb == "enrol":
            self._refuse(event, request.id, "not-permitted", "this guest is paired already")
        elif not self._greeted:
            self._refuse(event, request.id, "bad-request", "say hello first", "type")
        elif (needed := VERBS[verb].permission) is not None and needed not in self._permissions:
            self._refuse(event, request.id, "not-permitted", f"{needed.value} is switched off")
        elif len(self._requests) >= _WAITING:
            self._refuse(event, request.id, "busy", "too many requests at once")
        else:
            self._requests[request.id] = request
            if event.stream:
                self._incoming[event.stream] = request
            else:
                self._start(request)
            return
        if event.stream:
            self._channel.mux.stop(event.stream)

    @property
    def _enrolling(self) -> bool:
        used = self._channel.used
        return used is not None and bool(used.enrolment)

    def _greet(self, request: Request) -> None:
        hello: Hello = request.parsed
        version = min(hello.newest, PROTOCOL[1])
        if version < max(hello.oldest, PROTOCOL[0]):
            problem = f"this guest speaks versions {PROTOCOL[0]} to {PROTOCOL[1]}"
            self._send_head(request.id, error={"code": "version", "message": problem})
            return
        self._permissions = hello.permissions
        self._greeted = True
        self._events.greeted()
        self._answer(request, {"version": version})

    def _enrol(self, request: Request) -> None:
        fresh: Enrol = request.parsed
        used = self._channel.used
        assert used is not None
        try:
            self._keys.enrol(fresh, used.enrolment)
        except FieldError as error:
            self._send_head(
                request.id, error={"code": "bad-field", "message": str(error), "field": error.field}
            )
        except OSError as error:
            self._send_head(request.id, error={"code": "failed", "message": f"keys not stored: {error}"})
        else:
            self._answer(request, {})

    def _measure(self, event: Message, request: Request) -> None:
        if event.stream:
            self._requests[request.id] = request
            self._incoming[event.stream] = request
        else:
            self._send_head(request.id, data={"received": 0}, body=ZeroSource(request.parsed.size))

    def body(self, event: Body) -> None:
        """A piece of a request's body."""
        request = self._incoming.get(event.stream)
        if request is None:
            return
        request.size += len(event.data)
        if request.verb == "measure":
            self._channel.mux.consumed(event.stream, len(event.data))
            return
        if request.size > MAX_BODY_IN_MEMORY:
            del self._incoming[event.stream]
            self._channel.mux.stop(event.stream)
            self._finish(request, error={"code": "too-large", "message": "the body is too large"})
            return
        request.body += event.data
        self._channel.mux.consumed(event.stream, len(event.data))

    def body_end(self, event: BodyEnd) -> None:
        """A request's body is whole, or broken off."""
        request = self._incoming.pop(event.stream, None)
        if request is None:
            return
        if event.reason or request.cancelled:
            self._finish(request, error={"code": "cancelled", "message": event.reason or "cancelled"})
        elif request.verb == "measure":
            self._finish(request, answer=Answer({"received": request.size}))
        else:
            self._start(request)

    def _cancel(self, event: Message, identity: str | int) -> None:
        data = event.head.get("data")
        target = data.get("target") if isinstance(data, dict) else None
        if isinstance(target, (str, int)):
            request = self._requests.get(target)
            if request is not None:
                request.cancelled = True
        self._send_head(identity, data={})

    def _start(self, request: Request) -> None:
        if request.verb == "clipboard_supply":  # at once: every worker may be waiting for it
            supply = request.parsed
            self._promises.supplied(supply.wanted, bytes(request.body), supply.problem)
            self._finish(request, answer=Answer())
            return
        self._workers.put(request, self._promises, self._batches)

    def done(self, request: Request, answer: Answer | None, error: Error | None) -> None:
        """A worker has made this of ``request``, which may have been another conversation's."""
        if answer is not None and (answer.after is not None or not request.cancelled):
            self._finish(request, answer=answer)
        elif error is not None and not request.cancelled:
            self._finish(request, error=error)
        else:
            self._finish(request, error={"code": "cancelled", "message": "cancelled"})

    # -- answers ------------------------------------------------------------------------------------

    def _finish(self, request: Request, *, answer: Answer | None = None, error: Error | None = None) -> None:
        if request.conversation is not self:
            return  # whoever asked is gone
        self._requests.pop(request.id, None)
        if answer is not None:
            body = None if answer.body is None else BytesSource(answer.body)
            self._send_head(request.id, data=answer.data, body=body)
        else:
            self._send_head(request.id, error=error)

    def _answer(self, request: Request, data: Mapping[str, Any]) -> None:
        self._send_head(request.id, data=data)

    def _refuse(
        self, event: Message, identity: str | int | None, code: str, text: str, field_name: str = ""
    ) -> None:
        if event.stream:
            self._channel.mux.stop(event.stream)
        error = {"code": code, "message": text}
        if field_name:
            error["field"] = field_name
        self._send_head(identity, error=error)

    def _send_head(
        self,
        identity: str | int | None,
        *,
        data: Mapping[str, Any] | None = None,
        error: Mapping[str, str] | None = None,
        body: Source | None = None,
    ) -> None:
        if self._channel.phase is not _READY:
            return
        head = {"request_id": identity, "success": error is None, "data": data, "error": error}
        try:
            self._channel.send(head, body)
        except ProtocolError as problem:
            self._channel.send(
                {**head, "success": False, "data": None, "error": {"code": "failed", "message": str(problem)}}
            )

    # -- events -------------------------------------------------------------------------------------

    def _want(self, wanted: int, serial: int, mime: str) -> None:
        """A program pastes what the host promised; on any thread."""

        def ask() -> None:
            if not self._ended and self._channel.phase is _READY:
                data = {"wanted": wanted, "serial": serial, "mime": mime}
                self._channel.send({"type": WANTED, "data": data})

        self._post(ask)

    def tell(self) -> None:
        """Queue the next event; only when the port took everything before it, so no queue grows."""
        event = self._events.take(self._permissions)
        if event is not None and self._greeted and self._channel.phase is _READY:
            self._channel.send({"type": event[0], "data": event[1]})
