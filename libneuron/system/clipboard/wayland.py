"""The host's clipboard on Wayland through ext-data-control or wlr-data-control, whichever there is.

The two protocols differ in their names only. Unlike a window's clipboard they need no focus; unlike
``wl-copy`` several formats are offered together and nothing is fetched until somebody pastes.

Sources: ext-data-control-v1 (staging), wlr-data-control-unstable-v1, wayland.xml.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

from libneuron.progress import Progress
from libneuron.system.clipboard import targets
from libneuron.system.clipboard.errors import ClipboardError
from libneuron.system.clipboard.model import Claim, ClipboardOffer
from libneuron.system.clipboard.pipes import Pipes
from libneuron.system.clipboard.spool import MIB, Content, Spool, SpoolLimits
from libneuron.system.clipboard.wayland_wire import DISPLAY, Message, Wire
from libneuron.system.clipboard.worker import Worker

_SMALL = SpoolLimits(most=64 * 1024)  # hints and markers
_DECODED = 32 * MIB  # what is larger is passed on in the encoding it came in
_ASK = 1.5  # seconds for an owner to hand over a hint
_STEP = 5.0  # seconds between two pieces of content
_TAKES = 15.0  # seconds a reader may need for one piece
_FETCH = 120.0  # seconds a paste may wait for its content
_SETUP = 5.0  # seconds for the compositor to say what it has
_MOST_NAMES = 512  # of one offer
_MOST_PENDING = 256  # pastes that wait; a program that floods gets refusals

_MANAGERS = {
    "ext_data_control_manager_v1": "ext-data-control",
    "zwlr_data_control_manager_v1": "wlr-data-control",
}
_OURS = "application/x-neuron-clipboard-claim;id="

# Opcodes, by the order in the protocols' descriptions.
_DISPLAY_SYNC, _DISPLAY_REGISTRY, _REGISTRY_BIND = 0, 1, 0
_MANAGER_SOURCE, _MANAGER_DEVICE = 0, 1
_DEVICE_SET_SELECTION = 0
_SOURCE_OFFER, _SOURCE_DESTROY = 0, 1
_OFFER_RECEIVE, _OFFER_DESTROY = 0, 1
_DISPLAY_ERROR, _DISPLAY_DELETE_ID = 0, 1
_DEVICE_OFFER, _DEVICE_SELECTION, _DEVICE_FINISHED, _DEVICE_PRIMARY = 0, 1, 2, 3
_SOURCE_SEND, _SOURCE_CANCELLED = 0, 1


@dataclass
class _Copy:
    """The present copy of another program; ``object`` is its offer (0: none)."""

    number: int
    object: int = 0
    names: tuple[str, ...] = ()
    answers: dict[str, bytes | None] = field(default_factory=dict)


@dataclass
class _Source:
    """A claim of ours; it lives on, without the selection, until its last paste is served."""

    object: int
    claim: Claim
    mark: str
    fetched: dict[str, Future[Content]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Paste:
    """Somebody waits at the other end of ``descriptor`` for ``name``."""

    descriptor: int
    name: str
    content: Future[Content]
    deadline: float


class WaylandClipboard(Worker):
    """See :class:`libneuron.system.clipboard.model.Clipboard`."""

    most = 1 << 62

    def __init__(self, *, socket: Path, spool: Path, clock: Callable[[], float] = time.monotonic) -> None:
        """Connect to the compositor at ``socket``; waits at most five seconds for its first answers.

        Raises: ClipboardError unavailable, also where the compositor has no data-control protocol (GNOME).
        """
        self._wire = Wire(socket)
        super().__init__("neuron-wayland-clipboard", clock)
        self._spool = spool
        self._pipes = Pipes(clock, takes=_TAKES)
        self._globals: dict[str, int] = {}
        self._offers: dict[int, list[str]] = {}
        self._copy = _Copy(0)
        self._sources: dict[int, _Source] = {}
        self._source: _Source | None = None
        self._pastes: list[_Paste] = []
        self._syncs: dict[int, Callable[[], None]] = {}
        self._claiming: list[Future[None]] = []
        self._registry = self._wire.new_id()
        self._manager = self._device = 0
        self.kind = ""
        try:
            self._connect()
        except ClipboardError:
            self.close()
            raise

    def read(
        self, number: int, mime: str, limits: SpoolLimits, progress: Progress | None = None
    ) -> Future[Content]:
        """See Clipboard.read."""
        future: Future[Content] = Future()
        self.do(future, lambda: self._read(future, number, mime, limits, progress))
        return future

    def claim(self, claim: Claim) -> Future[None]:
        """See Clipboard.claim."""
        future: Future[None] = Future()
        self.do(future, lambda: self._begin_claim(claim, future))
        return future

    def release(self) -> None:
        """See Clipboard.release."""
        self.do(None, lambda: self._sync(self._release))

    # On the thread only.

    def turn(self) -> None:
        """See Worker.turn."""
        self.run_commands()
        until = [self._pipes.expire(), self._serve()]
        self._wire.flush()
        writes = [*self._pipes.writes, *([self._wire.fileno()] if self._wire.waiting else [])]
        ready = self.sleep([self._wire.fileno(), *self._pipes.reads], writes, until=until)
        self._pipes.ready(ready)
        self._receive()

    def leave(self, error: ClipboardError) -> None:
        """See Worker.leave."""
        self._pipes.abort(error)
        for paste in self._pastes:
            os.close(paste.descriptor)
        self._pastes.clear()
        for future in self._claiming:
            future.set_exception(error)
        self._wire.close()

    # The connection.

    def _connect(self) -> None:
        self._wire.request(DISPLAY, _DISPLAY_REGISTRY, self._registry)
        self._settle()
        interface = next((name for name in _MANAGERS if name in self._globals), None)
        if interface is None or "wl_seat" not in self._globals:
            raise ClipboardError("clipboard.unavailable", details="Wayland: no data-control protocol")
        self.kind = _MANAGERS[interface]
        seat, self._manager, self._device = (self._wire.new_id() for _ in range(3))
        for name, identity in (("wl_seat", seat), (interface, self._manager)):
            number = self._globals[name]
            self._wire.request(self._registry, _REGISTRY_BIND, number, name, 1, identity)
        self._wire.request(self._manager, _MANAGER_DEVICE, self._device, seat)
        self.do(None, lambda: self._sync(self._first))

    def _settle(self) -> None:
        """Wait for the compositor's answers; only before the thread runs."""
        done: list[bool] = []
        self._sync(lambda: done.append(True))
        limit = self.clock() + _SETUP
        while not done:
            self._wire.flush()
            self.sleep([self._wire.fileno()], until=[limit])
            self._receive()
            if self.clock() > limit:
                raise ClipboardError("clipboard.unavailable", details="Wayland: the compositor is silent")

    def _sync(self, then: Callable[[], None]) -> None:
        callback = self._wire.new_id()
        self._syncs[callback] = then
        self._wire.request(DISPLAY, _DISPLAY_SYNC, callback)

    def _receive(self) -> None:
        for message in self._wire.receive():
            self._handle(message)

    def _handle(self, message: Message) -> None:
        if message.object == DISPLAY:
            if message.opcode == _DISPLAY_ERROR:
                raise ClipboardError("clipboard.unavailable", details=f"Wayland: {message.string(2)}")
            if message.opcode == _DISPLAY_DELETE_ID:
                self._wire.released(message.word())
        elif message.object == self._registry:
            if message.opcode == 0:
                self._globals.setdefault(message.string(1), message.word())
        elif message.object == self._device:
            self._device_event(message)
        elif message.object in self._offers:
            names = self._offers[message.object]
            if message.opcode == 0 and len(names) < _MOST_NAMES:
                names.append(message.string())
        elif message.object in self._sources:
            self._source_event(self._sources[message.object], message)
        elif message.object in self._syncs:
            self._syncs.pop(message.object)()

    def _device_event(self, message: Message) -> None:
        if message.opcode == _DEVICE_OFFER:
            self._offers[message.word()] = []
        elif message.opcode == _DEVICE_SELECTION:
            self._selected(message.word())
        elif message.opcode == _DEVICE_PRIMARY and message.word():
            self._forget(message.word())
        elif message.opcode == _DEVICE_FINISHED:
            raise ClipboardError("clipboard.unavailable", details="Wayland: the seat has gone")

    def _forget(self, offer: int) -> None:
        if self._offers.pop(offer, None) is not None:
            self._wire.request(offer, _OFFER_DESTROY)

    # What another program has copied.

    def _first(self) -> None:
        """A compositor that has nothing to say about the selection: it is empty."""
        if self._copy.number == 0:
            self._copy = _Copy(1)
            self.changed(ClipboardOffer(1, ()))

    def _selected(self, offer: int) -> None:
        names = tuple(self._offers.get(offer, ()))
        if self._copy.object:
            self._forget(self._copy.object)
        if self._source is not None and self._source.mark in names:
            self._copy.object, self._copy.names = offer, ()  # our own claim, told back to us
            return
        copy = self._copy = _Copy(self._copy.number + 1, offer, names)
        asked = [name for name in (targets.SECRET_HINT, targets.ORIGIN) if name in names]
        for name in asked:
            self._ask(copy, asked, name)
        if not asked:
            self._tell(copy)

    def _ask(self, copy: _Copy, asked: list[str], name: str) -> None:
        def answered(result: Content | Exception) -> None:
            copy.answers[name] = result.whole() if isinstance(result, Content) else None
            if copy is self._copy and all(item in copy.answers for item in asked):
                self._tell(copy)

        spool = Spool(self._spool, _SMALL)
        self._pipes.read(self._open(copy.object, name), spool=spool, idle=_ASK, done=answered)

    def _tell(self, copy: _Copy) -> None:
        # A hint that cannot be read counts as "secret": better one paste too few than one password too many.
        secret = copy.answers.get(targets.SECRET_HINT, b"") in (targets.SECRET, None)
        origin = (copy.answers.get(targets.ORIGIN) or b"").decode("utf-8", "replace")[:200]
        self.changed(ClipboardOffer(copy.number, targets.formats_of(copy.names), secret, origin))

    def _open(self, offer: int, name: str) -> int:
        """Ask the owner of ``offer`` for ``name``; returns the end of the pipe to read."""
        ours, theirs = os.pipe2(os.O_CLOEXEC)
        self._wire.request(offer, _OFFER_RECEIVE, name, descriptor=theirs)
        return ours

    def _read(
        self,
        future: Future[Content],
        number: int,
        mime: str,
        limits: SpoolLimits,
        progress: Progress | None,
    ) -> None:
        name = targets.name_to_read(mime, self._copy.names)
        if number != self._copy.number or name is None:
            future.set_exception(ClipboardError("clipboard.stale"))
            return

        def done(result: Content | Exception) -> None:
            if isinstance(result, Content) and not result.size:
                # An owner that has been replaced, or refuses, just closes the pipe.
                stale = number != self._copy.number
                result = ClipboardError("clipboard.stale" if stale else "clipboard.refused")
            if isinstance(result, Exception):
                future.set_exception(result)
                return
            decode = targets.decoder(name)
            if decode is not None and result.size <= _DECODED:
                result = Content.of(decode(result.whole()))
            future.set_result(result)

        pipe = self._open(self._copy.object, name)
        spool = Spool(self._spool, limits)
        self._pipes.read(pipe, spool=spool, idle=_STEP, done=done, progress=progress)

    # What we offer.

    def _begin_claim(self, claim: Claim, future: Future[None]) -> None:
        self._claiming.append(future)
        # Whatever was copied before now is announced before the answer to this.
        self._sync(lambda: self._claim(claim, future))

    def _claim(self, claim: Claim, future: Future[None]) -> None:
        if claim.after != self._copy.number:
            self._claiming.remove(future)
            future.set_exception(ClipboardError("clipboard.stale"))
            return
        source = _Source(self._wire.new_id(), claim, _OURS + secrets.token_hex(8))
        self._wire.request(self._manager, _MANAGER_SOURCE, source.object)
        names = [*targets.names_to_offer(claim.formats), targets.ORIGIN, source.mark]
        if claim.secret:
            names.append(targets.SECRET_HINT)
        for name in names:
            self._wire.request(source.object, _SOURCE_OFFER, name)
        self._wire.request(self._device, _DEVICE_SET_SELECTION, source.object)
        self._sources[source.object] = self._source = source
        self._sync(lambda: self._claimed(future))

    def _claimed(self, future: Future[None]) -> None:
        """The compositor has taken the claim: whoever pastes from now on gets it."""
        self._claiming.remove(future)
        future.set_result(None)

    def _release(self) -> None:
        if self._source is not None:
            self._source = None
            self._wire.request(self._device, _DEVICE_SET_SELECTION, 0)

    def _source_event(self, source: _Source, message: Message) -> None:
        if message.opcode == _SOURCE_SEND:
            self._pasted(source, message.string(), self._wire.descriptor())
        elif message.opcode == _SOURCE_CANCELLED:
            if source is self._source:
                self._source = None
            del self._sources[source.object]
            self._wire.request(source.object, _SOURCE_DESTROY)

    def _pasted(self, source: _Source, name: str, descriptor: int) -> None:
        mime = targets.format_of(name)
        if name == targets.ORIGIN:
            self._pipes.write(descriptor, Content.of(source.claim.origin.encode()))
        elif name == targets.SECRET_HINT and source.claim.secret:
            self._pipes.write(descriptor, Content.of(targets.SECRET))
        elif mime is None or mime not in source.claim.formats or len(self._pastes) >= _MOST_PENDING:
            os.close(descriptor)
        else:
            content = source.fetched.get(mime)
            if content is None or (content.done() and content.exception() is not None):
                content = source.fetched[mime] = source.claim.fetch(mime)
                content.add_done_callback(lambda _done: self.poke())
            self._pastes.append(_Paste(descriptor, name, content, self.clock() + _FETCH))

    def _serve(self) -> float | None:
        """Begin to write what has been fetched; returns when to give up on the rest."""
        now = self.clock()
        for paste in list(self._pastes):
            if not paste.content.done() and paste.deadline > now:
                continue
            self._pastes.remove(paste)
            content = _encoded(paste)
            if content is None:
                os.close(paste.descriptor)
            else:
                self._pipes.write(paste.descriptor, content)
        return min((paste.deadline for paste in self._pastes), default=None)


def _encoded(paste: _Paste) -> Content | None:
    """What the paste gets, or None if it cannot be had."""
    if not paste.content.done() or paste.content.exception() is not None:
        return None
    content, encode = paste.content.result(), targets.encoder(paste.name)
    if encode is None:
        return content
    return Content.of(encode(content.whole())) if content.size <= _DECODED else None
