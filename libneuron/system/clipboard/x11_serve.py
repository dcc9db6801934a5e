"""Answering other X11 clients while we own the selection: targets at once, content when it has been fetched.

Nothing waits here: a paste whose content is still on its way is a pending entry, and an incremental transfer
(ICCCM 2.7.2) is an entry that moves on when the requestor deletes the piece it has read.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

from libneuron.system.clipboard import targets
from libneuron.system.clipboard.model import Claim
from libneuron.system.clipboard.spool import MIB, Content
from libneuron.system.clipboard.x11_wire import Display, PropertyNotify, SelectionRequest

_META = ("TARGETS", "TIMESTAMP", "MULTIPLE", "SAVE_TARGETS")
_ENCODED = 32 * MIB  # what is larger is handed out in its own encoding only
_TAKES = 15.0  # seconds a requestor may need for one piece
_FETCH = 120.0  # seconds a paste may wait for its content
_HALF = 1 << 31
_MOST_PENDING = 256  # requests of one claim; a program that floods gets refusals


@dataclass(frozen=True)
class _Wanted:
    """One target for one property of the requestor."""

    target: int
    name: str
    prop: int


@dataclass(frozen=True)
class _Pending:
    """A request whose contents are on their way; ``multiple`` is the property that lists the pairs, or 0."""

    request: SelectionRequest
    multiple: int
    wanted: tuple[_Wanted, ...]
    deadline: float


@dataclass
class _Sending:
    content: Content
    kind: int
    offset: int
    deadline: float


class X11Server:
    """One claim, from taking the selection to losing it. Fed with events by the clipboard's thread."""

    def __init__(
        self,
        display: Display,
        claim: Claim,
        *,
        time: int,
        clock: Callable[[], float],
        wake: Callable[[], None],
    ) -> None:
        """``time`` is the server's time of the claim; ``wake`` makes the thread call :meth:`step` soon."""
        self.claim = claim
        self._time = time
        self._display = display
        self._clock = clock
        self._wake = wake
        self._names = [*targets.names_to_offer(claim.formats), targets.ORIGIN]
        if claim.secret:
            self._names.append(targets.SECRET_HINT)
        self._fetched: dict[str, Future[Content]] = {}
        self._pending: list[_Pending] = []
        self._sending: dict[tuple[int, int], _Sending] = {}

    @property
    def busy(self) -> bool:
        """Whether a paste is still being served; it may end after the selection was lost."""
        return bool(self._pending or self._sending)

    def requested(self, request: SelectionRequest) -> None:
        """Another client pastes, or asks what there is."""
        # Times wrap every 49 days: "before the claim" means less than half the circle behind it.
        early = bool(request.time) and (request.time - self._time) % (1 << 32) >= _HALF
        if early or len(self._pending) + len(self._sending) >= _MOST_PENDING:
            self._display.notify(request, 0)
            return
        prop = request.property or request.target  # obsolete clients name no property (ICCCM 2.2)
        name = self._display.name(request.target)
        if name == "MULTIPLE":
            words = self._display.get(request.requestor, prop, most=4096, delete=False).words()
            wanted = tuple(
                _Wanted(target, self._display.name(target), place)
                for target, place in zip(words[0::2], words[1::2], strict=False)
            )
            pending = _Pending(request, prop, wanted, self._clock() + _FETCH)
        else:
            wanted = (_Wanted(request.target, name, prop),)
            pending = _Pending(request, 0, wanted, self._clock() + _FETCH)
        for want in wanted:
            self._fetch(want.name)
        self._pending.append(pending)
        self.step()

    def changed(self, event: PropertyNotify) -> None:
        """A requestor deleted the piece it has read: send the next one; an empty one ends the transfer."""
        key = (event.window, event.atom)
        sending = self._sending.get(key)
        if not event.deleted or sending is None:
            return
        piece = sending.content.part(sending.offset, self._display.largest)
        sending.offset += len(piece)
        sending.deadline = self._clock() + _TAKES
        self._display.put(event.window, event.atom, sending.kind, 8, piece)
        if not piece:
            self._stop(key)

    def step(self) -> float | None:
        """Answer what has become ready and drop what waited too long; returns when to look again."""
        now = self._clock()
        for pending in list(self._pending):
            if pending.deadline <= now or all(self._ready(want.name) for want in pending.wanted):
                self._pending.remove(pending)
                self._answer(pending)
        for key, sending in list(self._sending.items()):
            if sending.deadline <= now:
                self._stop(key)
        deadlines = [pending.deadline for pending in self._pending]
        deadlines += [sending.deadline for sending in self._sending.values()]
        return min(deadlines, default=None)

    def refuse(self) -> None:
        """Answer everything that waits with "nothing"."""
        for pending in self._pending:
            self._display.notify(pending.request, 0)
        self._pending.clear()
        for key in list(self._sending):
            self._stop(key)

    def _fetch(self, name: str) -> None:
        mime = self._content_format(name)
        if mime is None:
            return
        content = self._fetched.get(mime)
        if content is None or (content.done() and content.exception() is not None):
            content = self._fetched[mime] = self.claim.fetch(mime)
            content.add_done_callback(lambda _done: self._wake())

    def _content_format(self, name: str) -> str | None:
        return targets.format_of(name) if name in self._names else None

    def _ready(self, name: str) -> bool:
        mime = self._content_format(name)
        return mime is None or self._fetched[mime].done()

    def _answer(self, pending: _Pending) -> None:
        done = [self._deliver(pending.request.requestor, want) for want in pending.wanted]
        if not pending.multiple:
            self._display.notify(pending.request, pending.wanted[0].prop if done[0] else 0)
            return
        if not all(done):
            pairs = [
                word
                for want, given in zip(pending.wanted, done, strict=True)
                for word in (want.target, want.prop if given else 0)
            ]
            data = struct.pack(f"={len(pairs)}I", *pairs)
            kind = self._display.atom("ATOM_PAIR")
            self._display.put(pending.request.requestor, pending.multiple, kind, 32, data)
        self._display.notify(pending.request, pending.multiple)

    def _deliver(self, window: int, want: _Wanted) -> bool:
        """Put one target into its property, or begin to; False if it cannot be had."""
        display = self._display
        if not want.prop:
            return False
        if want.name == "TARGETS":
            atoms = [display.atom(item) for item in (*_META, *self._names)]
            display.put(window, want.prop, display.atom("ATOM"), 32, struct.pack(f"={len(atoms)}I", *atoms))
        elif want.name == "TIMESTAMP":
            display.put(window, want.prop, display.atom("INTEGER"), 32, struct.pack("=I", self._time))
        elif want.name == "SAVE_TARGETS":
            display.put(window, want.prop, display.atom("NULL"), 32, b"")
        elif want.name == targets.ORIGIN:
            display.put(window, want.prop, want.target, 8, self.claim.origin.encode())
        elif want.name == targets.SECRET_HINT and self.claim.secret:
            display.put(window, want.prop, want.target, 8, targets.SECRET)
        else:
            return self._deliver_content(window, want)
        return True

    def _deliver_content(self, window: int, want: _Wanted) -> bool:
        mime = self._content_format(want.name)
        future = self._fetched.get(mime) if mime else None
        if future is None or not future.done() or future.exception() is not None:
            return False
        content = future.result()
        encode = targets.encoder(want.name)
        if encode is not None:
            if content.size > _ENCODED:
                return False
            content = Content.of(encode(content.whole()))
        # TEXT means "whatever encoding you like": the answer's type says which (ICCCM 2.6.2).
        kind = self._display.atom("UTF8_STRING") if want.name == "TEXT" else want.target
        if content.size <= self._display.largest:
            self._display.put(window, want.prop, kind, 8, content.whole())
            return True
        self._display.listen(window, on=True)
        size = struct.pack("=I", min(content.size, (1 << 32) - 1))
        self._display.put(window, want.prop, self._display.atom("INCR"), 32, size)
        self._sending[window, want.prop] = _Sending(content, kind, 0, self._clock() + _TAKES)
        return True

    def _stop(self, key: tuple[int, int]) -> None:
        del self._sending[key]
        if not any(window == key[0] for window, _prop in self._sending):
            self._display.listen(key[0], on=False)
