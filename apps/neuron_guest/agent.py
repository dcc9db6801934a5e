"""The agent's heart: one thread owns the port, the session and all queues; verbs run on worker threads.

``ping``, ``hello`` and ``cancel`` are answered on the spot, so that a verb that takes long (or hangs) never
makes the agent look dead. Workers post what they have made and ring the port's bell.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from libneuron.guest.wire.channel import Channel, ChannelEvent, Credentials, Down, Phase, Ready
from libneuron.guest.wire.errors import FieldError, ProtocolError
from libneuron.guest.wire.fields import Fields
from libneuron.guest.wire.mux import (
    Body,
    BodyEnd,
    BytesSource,
    Message,
    Source,
    Stopped,
    ZeroSource,
)
from libneuron.guest.wire.record import NO_HINT
from libneuron.guest.wire.requests import MAX_BODY_IN_MEMORY, PROTOCOL, VERBS, Enrol, Hello, Permission
from libneuron.guest.wire.transfers import WANTED
from neuron_guest import VERSION
from neuron_guest.backend import Backend, BackendError
from neuron_guest.events import Events
from neuron_guest.files_link import OpenBatches
from neuron_guest.handlers import Answer
from neuron_guest.keys import GuestKeys
from neuron_guest.port import Port, PortGone
from neuron_guest.promises import Promises
from neuron_guest.workers import Error, Request, Workers

_log = logging.getLogger("neuron_guest")

_READY = Phase.READY  # looked up once: an enumeration's members are slow to reach
_WAITING = 64  # requests in work or in the queue; more are answered with "busy"
_BURST = 8  # pieces of bulk between two looks at what came in
_REOPEN = (0.1, 1.0)  # seconds between attempts to open the port: first, and at most


class Agent:
    """Serves ``backend`` on ``port`` until :meth:`stop`."""

    def __init__(self, port: Port, backend: Backend, keys: GuestKeys) -> None:
        self._port = port
        self._backend = backend
        self._keys = keys
        self._stopping = False
        self._posts: deque[Callable[[], None]] = deque()
        self._workers = Workers(
            backend, lambda request, answer, error: self._post(lambda: self._done(request, answer, error))
        )
        self._events = Events(backend, port.wake)
        self._pending: bytes | memoryview = b""
        self._heard = False
        self._new_session(0)
        self._channel = self._new_channel()

    # -- life ---------------------------------------------------------------------------------------

    def run(self) -> None:
        """Serve until :meth:`stop`; returns when all is put away."""
        delay = 0.0
        self._credentials(NO_HINT)  # now, not while a host waits for its first answer
        while not self._stopping:
            try:
                self._heard = False
                self._port.open()
                if not self._stopping:
                    self._serve()
            except (PortGone, ProtocolError) as error:
                _log.debug("port: %s", error)
                self._port.close()
                self._end_session()
                # A host that came and went is waited for at once; a port that only fails is not hammered.
                delay = 0.0 if self._heard else min(max(delay * 2, _REOPEN[0]), _REOPEN[1])
                if not self._stopping:
                    time.sleep(delay)
        self._port.close()
        self._events.stop()
        self._workers.stop()
        self._backend.close()

    def stop(self) -> None:
        """Make :meth:`run` return; from any thread."""
        self._stopping = True
        self._port.wake()

    def _new_channel(self) -> Channel:
        return Channel(host=False, credentials=self._credentials, hello=self._hello)

    def _credentials(self, wanted: bytes) -> Credentials | None:
        try:
            return self._keys.credentials(wanted)
        except (OSError, ValueError, ProtocolError) as error:
            _log.error("the keys cannot be read: %s", error)
            return None

    def _hello(self) -> Mapping[str, Any]:
        used = self._channel.used
        return {
            "agent": "neuron-guest",
            "version": VERSION,
            "oldest": PROTOCOL[0],
            "newest": PROTOCOL[1],
            "verbs": sorted(VERBS),
            "enrolling": bool(used is not None and used.enrolment),
        }

    def _serve(self) -> None:
        self._channel = self._new_channel()
        self._pending = b""
        self._channel.start()
        while not self._stopping:
            more = self._send()
            if self._events.waiting and not self._pending:
                self._tell()
                more = True
            deadline = self._channel.deadline()
            timeout = None if deadline is None else max(0.0, deadline - time.monotonic())
            self._port.wait(0.0 if more else timeout, write=bool(self._pending))
            data = self._port.read()
            if data:
                self._heard = True
                self._handle(self._channel.receive(data))
            if deadline is not None and time.monotonic() >= deadline:
                self._handle(self._channel.tick())
            while self._posts:
                self._posts.popleft()()

    def _send(self) -> bool:
        """Write what the port takes; returns whether there is more that it might take at once."""
        if not self._pending and not self._channel.more:
            return False
        for _ in range(_BURST):
            if not self._pending:
                self._pending = self._channel.take()
                if not self._pending:
                    return False
            sent = self._port.write(self._pending)
            if sent < len(self._pending):
                self._pending = memoryview(self._pending)[sent:]
                return False
            self._pending = b""
            if not self._channel.more:
                return False
        return True

    def _post(self, work: Callable[[], None]) -> None:
        self._posts.append(work)
        self._port.wake()

    # -- sessions -----------------------------------------------------------------------------------

    def _new_session(self, number: int) -> None:
        self._session = number
        self._permissions: frozenset[Permission] = frozenset()
        self._greeted = False
        self._requests: dict[str | int, Request] = {}
        self._incoming: dict[int, Request] = {}
        self._promises = Promises(self._want)
        self._batches = OpenBatches(self._backend)

    def _end_session(self) -> None:
        self._promises.end()
        self._batches.end()
        for request in self._requests.values():
            request.cancelled = True
        self._new_session(self._session + 1)

    def _handle(self, events: Sequence[ChannelEvent]) -> None:
        for event in events:
            if isinstance(event, Message):
                self._message(event)
            elif isinstance(event, Body):
                self._body(event)
            elif isinstance(event, BodyEnd):
                self._body_end(event)
            elif isinstance(event, Ready):
                _log.info("session begins")
            elif isinstance(event, Down):
                if event.error is not None:
                    _log.info("session ends: %s", event.error)
                self._end_session()
            else:
                assert isinstance(event, Stopped)

    # -- requests -----------------------------------------------------------------------------------

    def _message(self, event: Message) -> None:
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
            self._accept(event, Request(identity, verb, parsed, self._session, self._permissions))

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

    def _body(self, event: Body) -> None:
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

    def _body_end(self, event: BodyEnd) -> None:
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

    # -- workers ------------------------------------------------------------------------------------

    def _start(self, request: Request) -> None:
        if request.verb == "clipboard_supply":  # at once: every worker may be waiting for it
            supply = request.parsed
            self._promises.supplied(supply.wanted, bytes(request.body), supply.problem)
            self._finish(request, answer=Answer())
            return
        self._workers.put(request, self._promises, self._batches)

    def _done(self, request: Request, answer: Answer | None, error: Error | None) -> None:
        self._workers.freed()
        if answer is not None and answer.after is not None:
            # The answer leaves before what it announces happens.
            self._finish(request, answer=answer)
            self._send()
            after = answer.after
            threading.Thread(target=self._afterwards, args=(after,), daemon=True).start()
        elif request.cancelled:
            self._finish(request, error={"code": "cancelled", "message": "cancelled"})
        elif answer is not None:
            self._finish(request, answer=answer)
        else:
            self._finish(request, error=error or {"code": "cancelled", "message": "cancelled"})

    @staticmethod
    def _afterwards(after: Callable[[], None]) -> None:
        time.sleep(0.3)  # lets the port's other end take the answer
        try:
            after()
        except BackendError as error:
            _log.error("%s", error)

    # -- answers ------------------------------------------------------------------------------------

    def _finish(self, request: Request, *, answer: Answer | None = None, error: Error | None = None) -> None:
        if request.session != self._session:
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
        session = self._session

        def ask() -> None:
            if session == self._session and self._channel.phase is _READY:
                data = {"wanted": wanted, "serial": serial, "mime": mime}
                self._channel.send({"type": WANTED, "data": data})

        self._post(ask)

    def _tell(self) -> None:
        """Queue the next event; only when the port took everything before it, so no queue grows."""
        event = self._events.take(self._permissions)
        if event is not None and self._greeted and self._channel.phase is _READY:
            self._channel.send({"type": event[0], "data": event[1]})
