"""The agent's heart: one thread owns the port, the channel and all queues; verbs run on worker threads.

Workers post what they have made and ring the port's bell.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from libneuron.guest.wire.channel import Channel, ChannelEvent, Credentials, Down, Ready
from libneuron.guest.wire.errors import ProtocolError
from libneuron.guest.wire.mux import Body, BodyEnd, Message, Stopped
from libneuron.guest.wire.record import NO_HINT
from libneuron.guest.wire.requests import PROTOCOL, VERBS
from neuron_guest import VERSION
from neuron_guest.backend import Backend, BackendError
from neuron_guest.conversation import Conversation
from neuron_guest.events import Events
from neuron_guest.handlers import Answer
from neuron_guest.keys import GuestKeys
from neuron_guest.port import Port, PortGone
from neuron_guest.workers import Error, Request, Workers

_log = logging.getLogger("neuron_guest")

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
        self._channel = self._new_channel()
        self._conversation = self._new_conversation()

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
                self._conversation.end()
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
        self._conversation = self._new_conversation()
        self._pending = b""
        self._channel.start()
        while not self._stopping:
            more = self._send()
            if self._events.waiting and not self._pending:
                self._conversation.tell()
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

    def _new_conversation(self) -> Conversation:
        return Conversation(self._channel, self._backend, self._keys, self._workers, self._events, self._post)

    def _handle(self, events: Sequence[ChannelEvent]) -> None:
        for event in events:
            if isinstance(event, Message):
                self._conversation.message(event)
            elif isinstance(event, Body):
                self._conversation.body(event)
            elif isinstance(event, BodyEnd):
                self._conversation.body_end(event)
            elif isinstance(event, Ready):
                _log.info("session begins")
            elif isinstance(event, Down):
                if event.error is not None:
                    _log.info("session ends: %s", event.error)
                self._conversation.end()
                self._conversation = self._new_conversation()
            else:
                assert isinstance(event, Stopped)

    # -- workers ------------------------------------------------------------------------------------

    def _done(self, request: Request, answer: Answer | None, error: Error | None) -> None:
        self._workers.freed()
        self._conversation.done(request, answer, error)
        if answer is not None and answer.after is not None:
            self._send()  # the answer leaves before what it announces happens
            threading.Thread(target=self._afterwards, args=(answer.after,), daemon=True).start()

    @staticmethod
    def _afterwards(after: Callable[[], None]) -> None:
        time.sleep(0.3)  # lets the port's other end take the answer
        try:
            after()
        except BackendError as error:
            _log.error("%s", error)
