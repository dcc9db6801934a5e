"""Two clipboards in memory for the bridge's tests: a desktop's, and a guest's agent behind its verbs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from libneuron.guest.errors import GuestError
from libneuron.guest.wire.transfers import WANTED
from libneuron.progress import Progress
from libneuron.system.clipboard.errors import ClipboardError
from libneuron.system.clipboard.model import Claim, ClipboardOffer
from libneuron.system.clipboard.spool import Content, SpoolLimits

WAIT = 20.0


class Desktop:
    """A host clipboard whose owner is a dictionary. Pastes through :meth:`paste`."""

    kind = "memory"
    most = 1 << 62

    def __init__(self) -> None:
        self.number = 1
        self.items: dict[str, bytes] = {}
        self.claimed: Claim | None = None
        self.claims = 0
        self.reads: list[str] = []
        self.stuck: list[Future[Content]] | None = None
        self.closed = False
        self._changed: Callable[[ClipboardOffer], None] = lambda _offer: None
        self.lost: Callable[[Exception], None] = lambda _error: None

    def start(self, changed: Callable[[ClipboardOffer], None], lost: Callable[[Exception], None]) -> None:
        self._changed, self.lost = changed, lost
        changed(ClipboardOffer(self.number, tuple(self.items)))

    def copy(self, items: dict[str, bytes], *, secret: bool = False, origin: str = "") -> None:
        """A program on the host copies."""
        self.number += 1
        self.items, self.claimed = items, None
        self._changed(ClipboardOffer(self.number, tuple(items), secret, origin))

    def paste(self, mime: str) -> Future[Content]:
        """A program on the host pastes."""
        if self.claimed is None:
            return self.read(self.number, mime, SpoolLimits())
        return self.claimed.fetch(mime)

    def read(
        self, number: int, mime: str, limits: SpoolLimits, progress: Progress | None = None
    ) -> Future[Content]:
        self.reads.append(mime)
        future: Future[Content] = Future()
        if self.stuck is not None:
            self.stuck.append(future)
        elif number != self.number:
            future.set_exception(ClipboardError("clipboard.stale"))
        elif len(self.items[mime]) > limits.most:
            future.set_exception(ClipboardError("clipboard.too-large", limit=limits.most >> 20))
        else:
            future.set_result(Content.of(self.items[mime]))
        return future

    def claim(self, claim: Claim) -> Future[None]:
        future: Future[None] = Future()
        if claim.after != self.number:
            future.set_exception(ClipboardError("clipboard.stale"))
        else:
            self.claims += 1
            self.claimed = claim
            future.set_result(None)
        return future

    def release(self) -> None:
        self.claimed = None

    def close(self) -> None:
        self.closed = True


@dataclass(frozen=True)
class AgentOffer:
    """What the agent tells of its clipboard."""

    formats: tuple[str, ...]
    secret: bool = False
    own: bool = False


@dataclass
class Agent:
    """The guest's verbs over a dictionary, telling of every copy as the real agent does.

    Unless it is ``promising``, it is an older one that takes whole copies only.
    """

    promising: bool = False
    serial: int = 0
    promised: tuple[str, ...] = ()
    pastes: dict[int, Future[bytes]] = field(default_factory=dict)

    items: dict[str, bytes] = field(default_factory=dict)
    offer: AgentOffer = AgentOffer(())
    event: Callable[[str, Mapping[str, Any]], None] = lambda _kind, _data: None
    instead: Callable[[str], Awaitable[bytes]] | None = None
    writes: int = 0
    reads: int = 0
    news: threading.Condition = field(default_factory=threading.Condition)

    async def clipboard_offer(self) -> AgentOffer:
        return self.offer

    async def clipboard_read(self, mime: str) -> bytes:
        self.reads += 1
        return self.items[mime] if self.instead is None else await self.instead(mime)

    async def set_clipboard(self, items: Mapping[str, bytes], *, secret: bool = False) -> None:
        with self.news:
            self.writes += 1
        # The real agent's event comes some time after its answer.
        asyncio.get_running_loop().call_soon(self._tell, self._hold(dict(items), own=True, secret=secret))

    async def promise_clipboard(self, serial: int, formats: Sequence[str], *, secret: bool = False) -> None:
        if not self.promising:
            raise GuestError("guest.unknown-command", vm="vm", verb="clipboard_promise")
        with self.news:
            self.writes += bool(formats)
            self.serial, self.promised, self.items = serial, tuple(formats), {}
            self.offer = AgentOffer(self.promised, secret, own=True)
            self.news.notify_all()
        asyncio.get_running_loop().call_soon(self._tell, self.offer)

    async def supply_clipboard(self, wanted: int, data: bytes, *, problem: str = "") -> None:
        paste = self.pastes.pop(wanted)
        if problem:
            paste.set_exception(ValueError(problem))
        else:
            paste.set_result(data)

    def paste(self, mime: str, *, serial: int | None = None) -> Future[bytes]:
        """A program in the guest pastes what was promised; called on the loop."""
        wanted = len(self.pastes) + 1
        future = self.pastes[wanted] = Future()
        data = {"wanted": wanted, "serial": self.serial if serial is None else serial, "mime": mime}
        self.event(WANTED, data)
        return future

    def _hold(self, items: dict[str, bytes], *, own: bool, secret: bool) -> AgentOffer:
        with self.news:
            self.items, self.offer = items, AgentOffer(tuple(items), secret, own)
            self.news.notify_all()
        return self.offer

    def _tell(self, offer: AgentOffer) -> None:
        self.event(
            "clipboard_offered", {"formats": list(offer.formats), "secret": offer.secret, "own": offer.own}
        )

    async def copy(self, items: dict[str, bytes], *, secret: bool = False) -> None:
        """A program in the guest copies."""
        self._tell(self._hold(items, own=False, secret=secret))

    def until(self, wanted: Callable[[dict[str, bytes]], bool]) -> dict[str, bytes]:
        """What the clipboard holds, once it is as ``wanted``."""
        with self.news:
            assert self.news.wait_for(lambda: wanted(self.items), WAIT), self.items
            return self.items
