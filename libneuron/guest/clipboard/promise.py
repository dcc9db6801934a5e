"""A copy of the host that the guest's clipboard has been promised, and what is pasted of it there."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from libneuron.errors import Cancelled, NeuronError
from libneuron.guest.clipboard.verbs import GuestApi
from libneuron.guest.wire.errors import FieldError
from libneuron.guest.wire.fields import Fields
from libneuron.system.clipboard.errors import ClipboardError
from libneuron.system.clipboard.model import Claim
from libneuron.system.clipboard.spool import MIB, Content

_log = logging.getLogger(__name__)

_PASTES = 16  # formats that programs in the guest may wait for at once
# What failed is tried again: each is told, and a guest may ask without end.
_HURRIES, _CALM = 4, 1.0  # attempts at once; seconds until one more is made
_NO_PROMISES = ("guest.unknown-command", "guest.unsupported")


class Promise:
    """The newest one. Belongs to the asyncio loop."""

    def __init__(self, api: GuestApi) -> None:
        self._api = api
        self._serial = 0
        self._claim: Claim | None = None
        self._fetched: dict[str, Future[Content]] = {}
        self._hurries = float(_HURRIES)
        self._hurried_at = 0.0
        self._pastes = 0
        self._large = asyncio.Lock()

    async def make(self, serial: int, claim: Claim, formats: Sequence[str]) -> bool:
        """Promise ``formats``; False if this guest takes whole copies only. Raises: GuestError."""
        self._serial, self._claim, self._fetched = serial, claim, {}
        try:
            await self._api.promise_clipboard(serial, formats, secret=claim.secret)
        except NeuronError as error:
            if self._serial == serial:
                self._claim = None
            if error.code in _NO_PROMISES:
                return False
            raise
        return True

    async def take_back(self) -> None:
        """Nobody shall paste it any more; what has been pasted stays there."""
        if self._claim is None:
            return
        self._claim = None
        try:
            await self._api.promise_clipboard(0, ())
        except NeuronError as error:
            _log.info("a promise could not be taken back: %s", error)

    def forget(self) -> None:
        """The guest is gone: what was fetched for it is let go of."""
        self._claim, self._fetched = None, {}

    async def keep(self, data: Mapping[str, Any]) -> None:
        """A program in the guest pastes, says the guest; nothing in ``data`` is trusted."""
        try:
            fields = Fields(dict(data), "wanted")
            wanted, serial = (fields.integer(name, 0, 1 << 53) for name in ("wanted", "serial"))
            mime = fields.line("mime", limit=128)
        except FieldError as error:
            _log.info("the guest wants something that makes no sense: %s", error)
            return
        if self._pastes >= _PASTES:
            return  # it asks faster than anybody pastes; its programs give up by themselves
        self._pastes += 1
        try:
            await self._supply(wanted, self._claim if serial == self._serial else None, mime)
        finally:
            self._pastes -= 1

    async def _supply(self, wanted: int, claim: Claim | None, mime: str) -> None:
        content, problem = Content.of(b""), ""
        try:
            if claim is None or mime not in claim.formats:
                raise ClipboardError("clipboard.stale")
            content = await self._content(claim, mime)
        except NeuronError as error:
            problem = error.code
        except Cancelled:
            problem = "cancelled"
        # A guest may ask for the same again and again and take nothing: one large one is in memory at a time.
        async with self._large if content.size > MIB else contextlib.nullcontext():
            try:
                await self._api.supply_clipboard(wanted, content.whole(), problem=problem)
            except NeuronError as error:
                _log.info("what was pasted did not reach the guest: %s", error)

    async def _content(self, claim: Claim, mime: str) -> Content:
        found = self._fetched.get(mime)
        failed = found is not None and found.done() and found.exception() is not None
        if found is None or (failed and self._again()):
            # Kept: a paste that has given up waiting finds it at the next attempt.
            found = self._fetched[mime] = claim.fetch(mime)
        waiting = asyncio.wrap_future(found)
        waiting.add_done_callback(_seen)  # also when the guest has gone, and nobody waits any more
        return await asyncio.shield(waiting)

    def _again(self) -> bool:
        """Whether what failed may be tried once more now."""
        now = asyncio.get_running_loop().time()
        self._hurries = min(_HURRIES, self._hurries + (now - self._hurried_at) / _CALM)
        self._hurried_at = now
        if self._hurries < 1:
            return False
        self._hurries -= 1
        return True


def _seen(future: asyncio.Future[Content]) -> None:
    if not future.cancelled():
        future.exception()
