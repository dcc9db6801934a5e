"""The whole stack over one port: epochs, TLS, messages. Pure: bytes in, events and bytes out, a clock.

The host begins a session with ``SYNC``; the guest drops whatever it had, answers ``ACK``, and TLS starts
with the host as client. A guest that has no session (it just started, lost its place, or was put back to a
snapshot) says ``CALL``, and the host begins anew. So one exchange always suffices, whatever either end had
half received.

Ready means: TLS is done *and* the guest's ``hello`` arrived (see :mod:`libneuron.guest.wire.tls`).
"""

from __future__ import annotations

import hashlib
import os
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from libneuron.guest.wire.errors import AuthenticationError, ProtocolError
from libneuron.guest.wire.mux import Message, Mux, MuxEvent, Source
from libneuron.guest.wire.record import (
    ID_SIZE,
    MAX_PAYLOAD,
    NO_HINT,
    Foreign,
    Lost,
    Mark,
    Marked,
    Payload,
    RecordDecoder,
    RecordEncoder,
    mark,
)
from libneuron.guest.wire.tls import TlsPipe, keep_heap
from libneuron.guest.wire.window import REPORTED

SYNC_AGAIN = 1.0
"""Seconds after which an unanswered SYNC is repeated; doubles up to :data:`SYNC_SLOWEST`."""
SYNC_SLOWEST = 16.0
HURRIES = 5
"""Sessions that a host begins at once because the guest asks for it; as many again in as many seconds."""
_HURRY_EVERY = 1.0
_SAID = 64  # marks and records of TLS that wait for the port; a guest says no more unless they were taken
HANDSHAKE_LIMIT = 30.0
"""Seconds from SYNC's answer to ready; an emulated guest needs up to two."""


class Phase(Enum):
    """Where a channel stands."""

    IDLE = "idle"  # nothing begun (guest: waiting for SYNC)
    SYNCING = "syncing"  # host: SYNC sent, no answer yet
    SECURING = "securing"  # TLS handshake, or waiting for hello
    READY = "ready"
    FAILED = "failed"  # this session is over; the host may start again


_READY = Phase.READY  # looked up once: an enumeration's members are slow to reach


@dataclass(frozen=True)
class Credentials:
    """A TLS context made for this role, and the DER of the only certificate accepted.

    ``enrolment`` is not empty where the key is good only for fetching a fresh one (decision 5).
    """

    context: ssl.SSLContext
    peer_der: bytes
    enrolment: str = ""


def hint(guest_der: bytes) -> bytes:
    """Two bytes that tell a guest's certificates apart (collisions only cost a refused handshake)."""
    return hashlib.sha256(guest_der).digest()[:2]


@dataclass(frozen=True)
class Ready:
    """Both ends proved who they are. ``hello`` is the guest's greeting (host), or empty (guest)."""

    hello: Mapping[str, Any]


@dataclass(frozen=True)
class Down:
    """The session is over: everything in it is void. ``error`` None: the peer began anew."""

    error: ProtocolError | None


ChannelEvent = Ready | Down | MuxEvent


class Channel:
    """One end. Not thread-safe: one thread, or one event loop, owns it.

    ``credentials`` is asked at each new session, so that new keys are used at once. A guest's gets the
    host's hint (see :func:`hint`); None means that this end has no such key, and the session fails.
    ``used`` is what the present session was begun with. ``expected``: see :class:`Mux`.
    """

    def __init__(
        self,
        *,
        host: bool,
        credentials: Callable[[bytes], Credentials | None],
        clock: Callable[[], float] = time.monotonic,
        hello: Callable[[], Mapping[str, Any]] | None = None,
        expected: Callable[[Mapping[str, Any]], bool] | None = None,
    ) -> None:
        self._host = host
        self._credentials = credentials
        self._clock = clock
        self._hello = hello
        self._expected = expected
        self._decoder = RecordDecoder()
        keep_heap()
        self._tls: TlsPipe | None = None
        self._outbox: list[bytes] = []
        self._again_at = 0.0
        self._again = SYNC_AGAIN
        self._hurries = float(HURRIES)
        self._hurried_at = 0.0
        self._limit_at = 0.0
        self._answered_call = b""
        self._silent = True  # no data record arrived in this epoch yet
        self.phase = Phase.IDLE
        self.used: Credentials | None = None
        self.mux = Mux(clock, expected)

    # -- beginning ----------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin: the host a new session, the guest by saying that it has none."""
        if not self._host:
            self._say(Mark.CALL, os.urandom(ID_SIZE))
            return
        self._hurries = float(HURRIES)
        self._begin(at_once=True)

    def _begin(self, *, at_once: bool) -> None:
        self._reset(os.urandom(ID_SIZE), Phase.SYNCING)
        self.used = self._credentials(NO_HINT)
        self._decoder.epoch = b""  # nothing counts before the guest's ACK
        self._again = SYNC_AGAIN
        if at_once:
            self._sync()
        else:
            self._again_at = self._clock() + _HURRY_EVERY

    def _hurry(self) -> bool:
        """Whether the host may answer a guest's call at once: one that calls without end is made to wait."""
        now = self._clock()
        self._hurries = min(HURRIES, self._hurries + (now - self._hurried_at) / _HURRY_EVERY)
        self._hurried_at = now
        if self._hurries < 1:
            return False
        self._hurries -= 1
        return True

    def _say(self, kind: Mark, identity: bytes) -> None:
        if len(self._outbox) < _SAID:
            self._outbox.append(mark(kind, identity))

    def _reset(self, epoch: bytes, phase: Phase) -> None:
        self._epoch = epoch
        self._encoder = RecordEncoder(epoch)
        self._decoder.epoch = epoch
        self._tls = None
        self._outbox.clear()
        self._silent = True
        if not self._host:
            self._answered_call = b""
        self.phase = phase
        self.mux = Mux(self._clock, self._expected)

    def _sync(self) -> None:
        self._outbox.append(mark(Mark.SYNC, self._epoch, hint(self.used.peer_der) if self.used else NO_HINT))
        self._again_at = self._clock() + self._again
        self._again = min(self._again * 2, SYNC_SLOWEST)

    # -- time ---------------------------------------------------------------------------------------

    def deadline(self) -> float | None:
        """When :meth:`tick` wants to be called next (monotonic seconds), or None."""
        if self.phase is _READY:
            return None
        if self.phase is Phase.SYNCING:
            return self._again_at
        return self._limit_at if self.phase is Phase.SECURING else None

    def tick(self) -> list[ChannelEvent]:
        """Do what is due."""
        now = self._clock()
        if self.phase is Phase.SYNCING and now >= self._again_at:
            self._sync()
        elif self.phase is Phase.SECURING and now >= self._limit_at:
            return [self._fail(ProtocolError("the other end did not finish the handshake in time"))]
        return []

    # -- receiving ----------------------------------------------------------------------------------

    def receive(self, data: bytes) -> Sequence[ChannelEvent]:
        """Take bytes from the port. Never raises: what the peer did wrong comes back as :class:`Down`."""
        payload = self._decoder.whole(data)
        if payload is not None and self.phase is _READY and self._tls is not None:
            return self._receive_one(self._tls, payload)
        events: list[ChannelEvent] = []
        found = self._decoder.feed(data)
        while found:
            waiting = False  # payloads handed to TLS and not yet read from it
            for item in found:
                if isinstance(item, Payload):
                    self._silent = False
                    if self._tls is not None:
                        self._tls.put(item.data)
                        waiting = True
                    continue
                if waiting:
                    self._read(events)
                    waiting = False
                if isinstance(item, Marked):
                    self._marked(item, events)
                else:
                    self._astray(item, events)
            if waiting:
                self._read(events)
            found = self._decoder.more()
        return events

    def _receive_one(self, tls: TlsPipe, payload: memoryview) -> Sequence[ChannelEvent]:
        """One record and nothing else, as most are that carry a message."""
        self._silent = False
        try:
            plain = tls.only(payload)
            if plain is not None:
                return self.mux.receive_one(plain)
        except ProtocolError as error:
            self._push_tls()  # the alert, so that the peer learns why
            return [self._fail(error)]
        events: list[ChannelEvent] = []
        self._read(events)
        return events

    def _marked(self, found: Marked, events: list[ChannelEvent]) -> None:
        if self._host:
            if found.kind is Mark.ACK and self.phase is Phase.SYNCING and found.id == self._epoch:
                self._decoder.epoch = self._epoch
                self._secure(events)
            elif found.kind is Mark.REFUSE and self.phase is Phase.SECURING and found.id == self._epoch:
                events.append(self._fail(AuthenticationError("the guest has no key for this host")))
            elif found.kind is Mark.CALL and found.id != self._answered_call:
                self._answered_call = found.id
                if self.phase is Phase.SYNCING:
                    self._again = SYNC_AGAIN
                    if self._hurry():
                        self._sync()
                    else:
                        self._again_at = min(self._again_at, self._clock() + _HURRY_EVERY)
                elif self.phase is not Phase.IDLE:
                    self._anew(events)
        elif found.kind is Mark.SYNC:
            if found.id == self._epoch_or_none() and self._silent:
                self._say(Mark.ACK, found.id)
                return
            if self.phase in (Phase.READY, Phase.SECURING):
                events.append(Down(None))
            self._reset(found.id, Phase.SECURING)
            self._outbox.append(mark(Mark.ACK, found.id))
            self.used = self._credentials(found.hint)
            self._secure(events)

    def _epoch_or_none(self) -> bytes | None:
        return None if self.phase is Phase.IDLE else self._epoch

    def _anew(self, events: list[ChannelEvent]) -> None:
        events.append(Down(None))
        self._begin(at_once=self._hurry())

    def _secure(self, events: list[ChannelEvent]) -> None:
        self.phase = Phase.SECURING
        self._limit_at = self._clock() + HANDSHAKE_LIMIT
        if self.used is None:
            self._outbox.append(mark(Mark.REFUSE, self._epoch))
            events.append(self._fail(AuthenticationError("there is no key for this session")))
            return
        self._tls = TlsPipe(self.used.context, self.used.peer_der, server=not self._host)
        if self._host:
            self._tls.start()
            self._push_tls()

    def _astray(self, found: Foreign | Lost, events: list[ChannelEvent]) -> None:
        """The peer is in another session, or the place in the stream is lost."""
        if self._host:
            if isinstance(found, Lost) and self.phase in (Phase.SECURING, Phase.READY):
                self._anew(events)
            return
        # A guest put back to a snapshot hears an epoch it never began. Say so, once for each.
        cause = found.epoch if isinstance(found, Foreign) else b"lost"
        if cause != self._answered_call:
            self._answered_call = cause
            self._say(Mark.CALL, os.urandom(ID_SIZE))

    def _read(self, events: list[ChannelEvent]) -> None:
        """What TLS has for us, into events."""
        if self._tls is None:
            return
        try:
            before = self._tls.established
            pieces = self._tls.get()
            if not before:
                self._push_tls()
                if not self._host and self._tls.established:
                    self._greet(events)
            for piece in pieces:
                self._plain(piece, events)
        except ProtocolError as error:
            self._push_tls()  # the alert, so that the peer learns why
            events.append(self._fail(error))

    def _greet(self, events: list[ChannelEvent]) -> None:
        self.phase = Phase.READY
        hello = dict(self._hello()) if self._hello else {}
        self.mux.send({"type": "hello", "data": hello})
        events.append(Ready({}))

    def _plain(self, piece: bytes | memoryview, events: list[ChannelEvent]) -> None:
        found = self.mux.receive(piece)
        if self.phase is _READY:
            events += found
            return
        for item in found:
            if self.phase is _READY:
                events.append(item)
            elif isinstance(item, Message) and item.head.get("type") == "hello" and not item.stream:
                data = item.head.get("data")
                self.phase = Phase.READY
                events.append(Ready(data if isinstance(data, dict) else {}))
            else:
                raise ProtocolError("the guest spoke before its hello")

    def _fail(self, error: ProtocolError) -> Down:
        if not self._host and self.phase is Phase.READY:
            self.start()  # the host cannot know otherwise: no TLS alert tells it
        self.phase = Phase.FAILED
        self._tls = None
        self.mux = Mux(self._clock, self._expected)
        return Down(error)

    def fail(self, reason: str) -> Down:
        """End the session because of what a message said, as a protocol error."""
        return self._fail(ProtocolError(reason))

    # -- sending ------------------------------------------------------------------------------------

    def send(self, head: Mapping[str, Any], body: Source | None = None) -> int:
        """Queue a message; see :meth:`Mux.send`. Raises: ProtocolError unless ready."""
        if self.phase is not _READY:
            raise ProtocolError("there is no session")
        return self.mux.send(head, body)

    def _push_tls(self) -> None:
        if self._tls is not None:
            data = self._tls.take()
            if data:
                self._outbox.append(self._encoder.records(data))

    @property
    def more(self) -> bool:
        """Whether :meth:`take` may have something."""
        mux = self.mux
        return bool(self._outbox or mux.urgent or mux.turn or mux.arrived >= REPORTED)

    def take(self, *, bulk: bool = True) -> bytes:
        """Bytes to put on the port now: messages, and with ``bulk`` at most one piece of a body.

        Call with ``bulk`` only when the port took everything handed out before, so that no queue grows.
        """
        outbox = self._outbox
        if self.phase is _READY and self._tls is not None:
            head, body = self.mux.take(bulk=bulk)
            if body:
                self._push_tls()
                made, astray = self._tls.seal_framed((head, body), MAX_PAYLOAD, self._encoder.header)
                if astray:
                    made += self._encoder.records(astray)
            elif head:
                made = self._encoder.records(self._tls.seal(head))
            else:
                made = b""
            if made:
                if not outbox:
                    return made
                outbox.append(made)
        if not outbox:
            return b""
        joined = b"".join(outbox)
        outbox.clear()
        return joined
