"""Couples the host's clipboard with one VM's: feeds the policy, carries out what it decides.

Nothing here waits: events arrive on the clipboards' threads, are decided one after another, and every action
is a call that returns at once. Listeners are called on those threads too; a window turns them into queued
signals of its own.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

from libneuron.errors import Cancelled, NeuronError
from libneuron.guest.clipboard import policy
from libneuron.guest.clipboard.events import (
    Action,
    Came,
    Claimed,
    Compare,
    Compared,
    Copied,
    Copy,
    Event,
    Gone,
    PutClaim,
    Record,
    Release,
    RivalsChanged,
    RulesChanged,
    Send,
    Served,
)
from libneuron.guest.clipboard.placing import placed
from libneuron.guest.clipboard.rules import Activity, Happened, Rival, Rules, Side
from libneuron.progress import Progress, ProgressView
from libneuron.system.clipboard.errors import ClipboardError
from libneuron.system.clipboard.model import Claim, Clipboard, ClipboardOffer
from libneuron.system.clipboard.spool import MIB, Content, SpoolLimits
from libneuron.system.clipboard.targets import FILES
from libneuron.system.clock import Clock

_log = logging.getLogger(__name__)

_REMEMBERED = 500  # lines of the activity list
_COMPARABLE = 16 * MIB  # bytes of one format that are compared to recognise an echo


@dataclass(frozen=True)
class Transfer:
    """Content on its way because somebody pasted; ``progress`` can be shown and cancelled until ``over``."""

    source: Side
    mime: str
    progress: Progress
    over: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True)
class Status:
    """What a face shows of one VM's clipboard. ``rivals``: who shares it too; ``standing_back``: instead."""

    host: str
    guest: bool
    rules: Rules
    rivals: frozenset[Rival]
    standing_back: bool


class Bridge:
    """One VM's clipboard bridge. Methods may be called on any thread and return at once."""

    def __init__(
        self,
        *,
        origin: str,
        host: Clipboard,
        rules: Rules,
        clock: Clock,
        on_activity: Callable[[Activity], None] = lambda _activity: None,
        on_transfer: Callable[[Transfer], None] = lambda _transfer: None,
        on_status: Callable[[Status], None] = lambda _status: None,
    ) -> None:
        """``origin``, the VM's UUID, marks what we put on the host's clipboard; ``host`` is ours."""
        self._clock = clock
        self._on_activity = on_activity
        self._on_transfer = on_transfer
        self._on_status = on_status
        self._state = policy.State(origin, rules)
        self._sides: dict[Side, Clipboard] = {Side.HOST: host}
        self._digests: dict[tuple[Side, int, str], bytes] = {}
        self._activities: deque[Activity] = deque(maxlen=_REMEMBERED)
        self._mailbox: deque[Event] = deque()
        self._lock = threading.Lock()
        self._deciding = False
        self._attach(Side.HOST, host)

    @property
    def status(self) -> Status:
        """The present state."""
        state = self._state
        host = self._sides[Side.HOST].kind if state.host.present else ""
        return Status(host, state.guest.present, state.rules, state.rivals, state.standing_back)

    @property
    def activities(self) -> tuple[Activity, ...]:
        """What happened, oldest first."""
        return tuple(self._activities)

    def attach(self, guest: Clipboard) -> None:
        """The channel is ready: share with this guest until it is lost or detached."""
        self.detach()
        self._attach(Side.GUEST, guest)

    def detach(self) -> None:
        """Stop sharing with the guest."""
        guest = self._sides.pop(Side.GUEST, None)
        if guest is not None:
            self._post(Gone(Side.GUEST))
            guest.close()

    def set_rules(self, rules: Rules) -> None:
        """The person changed the settings; takes effect at once, also for what is already offered."""
        self._post(RulesChanged(rules))

    def set_rivals(self, rivals: frozenset[Rival]) -> None:
        """What else shares the clipboards, as far as the caller can see (SPICE channel, Looking Glass)."""
        self._post(RivalsChanged(rivals))

    def send(self, source: Side) -> None:
        """Offer what ``source`` holds now on the other side, whatever the direction says."""
        self._post(Send(source))

    def close(self) -> None:
        """Stop sharing and leave the host's clipboard."""
        self.detach()
        self._sides[Side.HOST].close()

    def _attach(self, side: Side, clipboard: Clipboard) -> None:
        self._sides[side] = clipboard
        gate = threading.RLock()
        early: list[ClipboardOffer] | None = []

        def changed(offer: ClipboardOffer) -> None:
            with gate:
                if early is not None:
                    early.append(offer)
                elif self._sides.get(side) is clipboard:
                    self._post(Copied(side, offer))

        def lost(error: Exception) -> None:
            _log.info("the clipboard of the %s was lost: %s", side.value, error)
            if self._sides.get(side) is clipboard:
                self._post(Gone(side))

        # Claims need a started clipboard; the policy hears that it came before it hears what it holds.
        clipboard.start(changed, lost)
        self._post(Came(side))
        with gate:
            found, early = early or [], None
            for offer in found:
                changed(offer)

    def _post(self, event: Event) -> None:
        """Decide ``event`` after those that came before it, on whichever thread is at it."""
        with self._lock:
            self._mailbox.append(event)
            if self._deciding:
                return
            self._deciding = True
        while True:
            with self._lock:
                if not self._mailbox:
                    self._deciding = False
                    return
                event = self._mailbox.popleft()
            before = self.status
            self._state, actions = policy.decide(self._state, event)
            for action in actions:
                self._carry_out(action)
            if self.status != before:
                self._on_status(self.status)

    def _carry_out(self, action: Action) -> None:
        match action:
            case Record(source, happened, formats, reason):
                self._record(source, happened, formats, reason=reason)
            case PutClaim(side, copy, formats, after):
                self._claim(side, copy, formats, after)
            case Release(side):
                if side in self._sides:
                    self._sides[side].release()
            case Compare(side, number, mime):
                self._compare(side, number, mime)

    def _record(
        self,
        source: Side,
        happened: Happened,
        formats: tuple[str, ...],
        *,
        size: int | None = None,
        reason: str = "",
    ) -> None:
        line = Activity(self._clock.now(), source, happened, formats, size, reason)
        self._activities.append(line)
        self._on_activity(line)

    def _claim(self, side: Side, copy: Copy, formats: tuple[str, ...], after: int) -> None:
        clipboard = self._sides.get(side)
        if clipboard is None:
            self._post(Claimed(side, copy.serial, accepted=False, code="clipboard.unavailable"))
            return
        for key in [key for key in self._digests if key[0] is side]:
            del self._digests[key]

        def claimed(future: Future[None]) -> None:
            error = future.exception()
            code = error.code if isinstance(error, NeuronError) else "clipboard.unavailable"
            self._post(Claimed(side, copy.serial, accepted=error is None, code=code if error else ""))

        claim = Claim(
            formats,
            self._state.origin,
            copy.secret,
            after,
            lambda mime: self._fetch(side, copy, mime),
        )
        clipboard.claim(claim).add_done_callback(claimed)

    def _fetch(self, side: Side, copy: Copy, mime: str) -> Future[Content]:
        """Somebody pastes on ``side``: read what was copied on the other one."""
        source = self._sides.get(copy.side)
        if (
            source is None
            or side not in self._sides
            or not policy.may_fetch(self._state, side, copy.serial, mime)
        ):
            refused: Future[Content] = Future()
            refused.set_exception(ClipboardError("clipboard.stale"))
            return refused
        told: list[Transfer] = []

        def tell(_view: ProgressView) -> None:
            if not told:
                told.append(transfer)
                self._on_transfer(transfer)

        def fetched(future: Future[Content]) -> None:
            transfer.over.set()
            error = future.exception()
            if error is None:
                content = future.result()
                size = progress.view().done if mime == FILES else content.size
                if content.size <= _COMPARABLE:
                    self._digests[side, copy.serial, mime] = _digest(content)
                self._post(Served(side, copy.serial, mime))
                self._record(copy.side, Happened.CROSSED, (mime,), size=size)
                return
            code = "cancelled" if isinstance(error, Cancelled) else getattr(error, "code", "failed")
            self._record(copy.side, Happened.FAILED, (mime,), reason=code)

        progress = Progress(clock=self._clock.monotonic, listener=tell)
        transfer = Transfer(copy.side, mime, progress)
        # Files travel in pieces: what one message holds does not bound them.
        most = self._state.rules.most
        limits = SpoolLimits(most=most if mime == FILES else min(most, self._sides[side].most))
        content = source.read(copy.number, mime, limits, progress)
        if mime == FILES:
            content = placed(content, self._sides[side], limits, progress)
        content.add_done_callback(fetched)
        return content

    def _compare(self, side: Side, number: int, mime: str) -> None:
        serial = self._state.of(side).serial
        known = self._digests.get((side, serial, mime))
        if known is None:
            self._post(Compared(side, number, same=False))
            return

        def read(future: Future[Content]) -> None:
            same = future.exception() is None and _digest(future.result()) == known
            self._post(Compared(side, number, same=same))

        limits = SpoolLimits(most=_COMPARABLE)
        self._sides[side].read(number, mime, limits).add_done_callback(read)


def _digest(content: Content) -> bytes:
    digest = hashlib.sha256()
    for part in content.parts():
        digest.update(part)
    return digest.digest()
