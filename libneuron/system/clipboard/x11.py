"""The host's clipboard on X11: one thread, one connection, XFixes for news; nobody else ever waits for it.

The thread sleeps until the server, a caller or a deadline has something; an owner that does not answer costs
its own conversion and nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

from libneuron.progress import Progress
from libneuron.system.clipboard import targets
from libneuron.system.clipboard.errors import ClipboardError
from libneuron.system.clipboard.model import Claim, ClipboardOffer
from libneuron.system.clipboard.spool import MIB, Content, Spool, SpoolLimits
from libneuron.system.clipboard.worker import Worker
from libneuron.system.clipboard.x11_read import SELECTION, X11Reader
from libneuron.system.clipboard.x11_serve import X11Server
from libneuron.system.clipboard.x11_wire import (
    Display,
    Event,
    Gone,
    OwnerChanged,
    PropertyNotify,
    SelectionClear,
    SelectionNotify,
    SelectionRequest,
)

_SMALL = SpoolLimits(most=64 * 1024)  # lists of targets, hints and markers
_DECODED = 32 * MIB  # what is larger is passed on in the encoding it came in


@dataclass(frozen=True)
class Times:
    """Seconds: ``ask`` for an owner to say what it offers, ``step`` between two pieces of its content."""

    ask: float = 1.5
    step: float = 5.0


@dataclass
class _Copy:
    """The present copy of another program, while we find out about it and after."""

    number: int
    time: int = 0
    owner: str = ""
    names: tuple[str, ...] = ()
    answers: dict[str, bytes | None] = field(default_factory=dict)


class X11Clipboard(Worker):
    """See :class:`libneuron.system.clipboard.model.Clipboard`."""

    kind = "x11"
    most = 1 << 62

    def __init__(
        self,
        *,
        spool: Path,
        display: str | None = None,
        times: Times = Times(),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Connect to ``display`` (None: ``$DISPLAY``). Raises: ClipboardError unavailable."""
        self._display = Display(display)
        super().__init__("neuron-x11-clipboard", clock)
        self._spool = spool
        self._times = times
        self._reader = X11Reader(self._display, clock)
        self._server: X11Server | None = None
        self._ending: list[X11Server] = []
        self._claiming: tuple[Claim, Future[None]] | None = None
        self._stamp = self._display.atom("NEURON_CLIPBOARD_TIME")
        self._copy = _Copy(0)

    def start(self, changed: Callable[[ClipboardOffer], None], lost: Callable[[Exception], None]) -> None:
        """See Clipboard.start."""
        self._display.watch(SELECTION)
        self.do(None, lambda: self._new_owner(self._display.owner(SELECTION), 0))
        super().start(changed, lost)

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
        self.do(None, self._release)

    # On the thread only.

    def turn(self) -> None:
        """See Worker.turn."""
        try:
            self.run_commands()
            deadlines = [self._reader.expire(), *(server.step() for server in self._servers())]
            self._ending = [server for server in self._ending if server.busy]
            handled = False
            while (event := self._display.event()) is not None:
                self._handle(event)
                handled = True
        except Gone as error:
            raise ClipboardError("clipboard.unavailable", details=f"X11: {error!r}") from error
        if not handled:
            self.sleep([self._display.fileno()], until=deadlines)

    def _servers(self) -> list[X11Server]:
        return [*self._ending, *([self._server] if self._server else [])]

    def _handle(self, event: Event) -> None:
        if isinstance(event, SelectionNotify):
            self._reader.notified(event)
        elif isinstance(event, PropertyNotify) and event.window == self._display.window:
            if event.atom == self._stamp:
                self._finish_claim(event.time)
            else:
                self._reader.changed(event)
        elif isinstance(event, PropertyNotify):
            for server in self._servers():
                server.changed(event)
        elif isinstance(event, SelectionRequest):
            if self._server is not None:
                self._server.requested(event)
            else:
                self._display.notify(event, 0)
        elif isinstance(event, OwnerChanged) and event.owner != self._display.window:
            self._lose()
            self._new_owner(event.owner, event.time)
        elif isinstance(event, SelectionClear):
            self._lose()

    # What another program has copied.

    def _new_owner(self, owner: int, moment: int) -> None:
        copy = self._copy = _Copy(self._copy.number + 1, moment)
        if not owner:
            self.changed(ClipboardOffer(copy.number, ()))
            return
        value = self._display.get(owner, self._display.atom("WM_CLASS"), most=1024, delete=False)
        copy.owner = value.data.rstrip(b"\0").split(b"\0")[-1].decode("utf-8", "replace")
        self._ask("TARGETS", lambda result: self._listed(copy, result))

    def _ask(self, target: str, done: Callable[[Content | Exception], None]) -> None:
        self._reader.convert(
            target,
            time=self._copy.time,
            spool=Spool(self._spool, _SMALL),
            idle=self._times.ask,
            done=done,
        )

    def _listed(self, copy: _Copy, result: Content | Exception) -> None:
        if copy is not self._copy:
            return
        if isinstance(result, Exception):
            silent = isinstance(result, ClipboardError) and result.code == "clipboard.owner-silent"
            self.changed(ClipboardOffer(copy.number, (), owner=copy.owner, silent=silent))
            return
        data = result.whole()
        atoms = memoryview(data[: len(data) // 4 * 4]).cast("I")
        copy.names = tuple(self._display.name(atom) for atom in atoms[:512])
        asked = [name for name in (targets.SECRET_HINT, targets.ORIGIN) if name in copy.names]
        for name in asked:
            self._ask(name, lambda answer, name=name: self._hinted(copy, asked, name, answer))  # type: ignore[misc]
        if not asked:
            self._hinted(copy, asked, "", Content.of(b""))

    def _hinted(self, copy: _Copy, asked: list[str], name: str, answer: Content | Exception) -> None:
        copy.answers[name] = answer.whole() if isinstance(answer, Content) else None
        if copy is not self._copy or any(item not in copy.answers for item in asked):
            return
        # A hint that cannot be read counts as "secret": better one paste too few than one password too many.
        secret = copy.answers.get(targets.SECRET_HINT, b"") in (targets.SECRET, None)
        origin = (copy.answers.get(targets.ORIGIN) or b"").decode("utf-8", "replace")
        self.changed(
            ClipboardOffer(copy.number, targets.formats_of(copy.names), secret, origin[:200], copy.owner)
        )

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
            if isinstance(result, Exception):
                future.set_exception(result)
                return
            decode = targets.decoder(name)
            if decode is not None and result.size <= _DECODED:
                result = Content.of(decode(result.whole()))
            future.set_result(result)

        self._reader.convert(
            name,
            time=self._copy.time,
            spool=Spool(self._spool, limits),
            idle=self._times.step,
            done=done,
            progress=progress,
        )

    # What we offer.

    def _begin_claim(self, claim: Claim, future: Future[None]) -> None:
        if self._claiming is not None:
            self._claiming[1].set_exception(ClipboardError("clipboard.stale"))
        self._claiming = (claim, future)
        self._display.touch(self._stamp)

    def _finish_claim(self, moment: int) -> None:
        if self._claiming is None:
            return
        claim, future = self._claiming
        self._claiming = None
        if claim.after != self._copy.number:
            future.set_exception(ClipboardError("clipboard.stale"))
            return
        self._display.set_owner(self._display.window, SELECTION, moment)
        if self._display.owner(SELECTION) != self._display.window:
            future.set_exception(ClipboardError("clipboard.stale"))
            return
        self._lose()
        self._copy.names = ()
        self._server = X11Server(self._display, claim, time=moment, clock=self.clock, wake=self.poke)
        future.set_result(None)

    def _lose(self) -> None:
        if self._server is not None:
            if self._server.busy:
                self._ending.append(self._server)
            self._server = None

    def _release(self) -> None:
        if self._claiming is not None:
            self._claiming[1].set_exception(ClipboardError("clipboard.stale"))
            self._claiming = None
        if self._server is not None:
            self._display.set_owner(0, SELECTION, 0)
            self._lose()

    def leave(self, error: ClipboardError) -> None:
        """See Worker.leave."""
        self._reader.abort(error)
        if self._claiming is not None:
            self._claiming[1].set_exception(error)
        self._display.close()
