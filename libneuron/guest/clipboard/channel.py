"""The VM's clipboard behind its channel, with the same face as the host's.

A claim is a promise to the guest's agent, which asks for a format when a program there pastes. Agents and
desktops that cannot promise take whole copies (``clipboard_set``): the formats are fetched and sent at once,
the largest ones left out. An older claim is forgotten as soon as a newer one comes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from libneuron.errors import Cancelled, NeuronError
from libneuron.guest.clipboard.carrying import fetch_files, place_files
from libneuron.guest.clipboard.promise import Promise
from libneuron.guest.clipboard.verbs import FileVerbs, GuestApi, GuestOffer
from libneuron.guest.pace import Paced
from libneuron.guest.wire.requests import MAX_BODY_IN_MEMORY
from libneuron.guest.wire.transfers import WANTED
from libneuron.progress import Progress
from libneuron.system.clipboard.errors import ClipboardError
from libneuron.system.clipboard.model import Claim, ClipboardOffer
from libneuron.system.clipboard.spool import MIB, Content, Spool, SpoolLimits
from libneuron.system.clipboard.targets import FILES, FORMATS

_log = logging.getLogger(__name__)

EVENT = "clipboard_offered"
"""The guest's event about a new copy."""

_TOGETHER = 48 * MIB  # bytes of all formats of one copy: the agent holds them in memory
_LOOK = 0.2  # seconds between looks at whether somebody still waits


class GuestClipboard:
    """See :class:`libneuron.system.clipboard.model.Clipboard`. Hand the client's events to :meth:`event`."""

    kind = "guest"
    most = MAX_BODY_IN_MEMORY

    def __init__(
        self,
        api: GuestApi,
        *,
        loop: asyncio.AbstractEventLoop,
        origin: str,
        spool: Path,
        files: FileVerbs | None = None,
    ) -> None:
        """``loop`` is where ``api`` and ``files`` live (None: an agent that knows nothing of files);
        ``origin`` is the bridge's; ``spool`` holds large content."""
        self._api = api
        self._files = files
        self._formats = frozenset(FORMATS) - (frozenset() if files is not None else {FILES})
        self._loop = loop
        self._origin = origin
        self._spool = spool
        self._copies = Paced(loop, self._tell)  # each takes the host's clipboard
        self._changed: Callable[[ClipboardOffer], None] = lambda _offer: None
        self._number = 0
        self._claims = 0
        self._promise = Promise(api)
        self._tasks: set[asyncio.Task[None]] = set()
        self._writing = asyncio.Lock()
        self._closed = False

    def start(self, changed: Callable[[ClipboardOffer], None], lost: Callable[[Exception], None]) -> None:
        """See Clipboard.start. The client tells of a lost channel: the bridge is detached then."""
        del lost
        self._changed = changed
        self._submit(self._first)

    def event(self, kind: str, data: Mapping[str, Any]) -> None:
        """An event of the guest, whatever it is; called on the loop. Nothing in ``data`` is trusted."""
        if self._closed:
            return
        if kind == WANTED:
            self._submit(lambda: self._promise.keep(data))
        if kind != EVENT:
            return
        formats = data.get("formats")
        names = [name for name in formats if isinstance(name, str)] if isinstance(formats, list) else []
        if self._number == 0:
            self._nothing()  # a new copy, not the one that was there before
        # What does not say that it is harmless counts as secret.
        self._announce(names, secret=data.get("secret") is not False, own=data.get("own") is True)

    def read(
        self, number: int, mime: str, limits: SpoolLimits, progress: Progress | None = None
    ) -> Future[Content]:
        """See Clipboard.read."""
        future: Future[Content] = Future()
        future.set_running_or_notify_cancel()
        self._submit(lambda: self._settle(future, lambda: self._read(number, mime, limits, progress)), future)
        return future

    def place(self, found: Content, limits: SpoolLimits, progress: Progress) -> Future[Content]:
        """See :class:`libneuron.guest.clipboard.placing.Places`."""
        future: Future[Content] = Future()
        future.set_running_or_notify_cancel()
        self._submit(
            lambda: self._settle(future, lambda: place_files(self._files, found, limits, progress)), future
        )
        return future

    def claim(self, claim: Claim) -> Future[None]:
        """See Clipboard.claim."""
        future: Future[None] = Future()
        future.set_running_or_notify_cancel()
        self._submit(lambda: self._settle(future, lambda: self._claim(claim)), future)
        return future

    def release(self) -> None:
        """See Clipboard.release. The guest keeps what it was given whole, or has pasted already."""
        self._submit(self._forget)

    def withdraw(self) -> Future[None]:
        """As :meth:`release`, to be waited for: programs there shall not offer what nobody hands over."""
        future: Future[None] = Future()
        future.set_running_or_notify_cancel()
        self._submit(lambda: self._settle(future, self._forget), future)
        return future

    def close(self) -> None:
        """See Clipboard.close."""
        if self._closed:
            return
        self._closed = True

        def stop() -> None:
            self._promise.forget()
            for task in self._tasks:
                task.cancel()

        self._loop.call_soon_threadsafe(stop)

    # On the loop only.

    def _submit(
        self, work: Callable[[], Coroutine[Any, Any, None]], future: Future[Any] | None = None
    ) -> None:

        def ended(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            if future is not None and not future.done():
                future.set_exception(_closed())

        def begin() -> None:
            if not self._closed:
                task = self._loop.create_task(work())
                self._tasks.add(task)
                task.add_done_callback(ended)
            elif future is not None:
                future.set_exception(_closed())

        self._loop.call_soon_threadsafe(begin)

    async def _forget(self) -> None:
        self._claims += 1
        async with self._writing:
            await self._promise.take_back()

    async def _settle(self, future: Future[Any], work: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        try:
            future.set_result(await work())
        except (NeuronError, Cancelled) as error:
            future.set_exception(error)

    def _announce(self, formats: Sequence[str], *, secret: bool, own: bool) -> None:
        if own:
            return
        self._number += 1
        known = tuple(dict.fromkeys(name for name in formats[:256] if name in self._formats))
        self._copies.tell(ClipboardOffer(self._number, known, secret))

    def _tell(self, offer: ClipboardOffer) -> None:
        if not self._closed:
            self._changed(offer)

    async def _first(self) -> None:
        found: GuestOffer | None = None
        try:
            found = await self._api.clipboard_offer()
        except NeuronError as error:
            _log.info("the guest does not tell what its clipboard holds: %s", error)
        if self._number:
            return  # an event was faster
        if found is not None and not found.own:
            self._announce(found.formats, secret=found.secret, own=False)
        else:
            self._nothing()

    def _nothing(self) -> None:
        self._number = 1
        self._changed(ClipboardOffer(1, (), origin=self._origin))

    async def _read(self, number: int, mime: str, limits: SpoolLimits, progress: Progress | None) -> Content:
        if number != self._number:
            raise ClipboardError("clipboard.stale")
        if mime == FILES and self._files is not None:
            progress = progress or Progress(clock=self._loop.time)
            return await fetch_files(self._files, lambda: number == self._number, limits, progress)
        spool = Spool(self._spool, limits)
        if progress is not None:
            progress.start(total=None, unit="bytes")
        data = await self._while_wanted(self._api.clipboard_read(mime), number, progress)
        spool.write(data)
        if progress is not None:
            progress.advance(len(data))
            progress.finish()
        return spool.finish()

    async def _while_wanted(
        self, work: Coroutine[Any, Any, bytes], number: int, progress: Progress | None
    ) -> bytes:
        """Until the person cancels, or there is a newer copy: many that come slowly would fill the memory."""
        task = self._loop.create_task(work)
        try:
            while not task.done():
                await asyncio.wait({task}, timeout=_LOOK)
                if progress is not None and progress.cancelled:
                    raise Cancelled
                if number != self._number:
                    raise ClipboardError("clipboard.stale")
            return task.result()
        finally:
            task.cancel()

    async def _claim(self, claim: Claim) -> None:
        self._claims += 1
        mine = self._claims
        formats = tuple(mime for mime in claim.formats if mime in self._formats)
        if not formats:
            raise ClipboardError("clipboard.refused")
        async with self._writing:
            self._current(mine, claim)
            if await self._promise.make(mine, claim, formats):
                return
        await self._hand_over(mine, claim)

    def _current(self, mine: int, claim: Claim) -> None:
        if mine != self._claims or claim.after != self._number:
            raise ClipboardError("clipboard.stale")

    async def _hand_over(self, mine: int, claim: Claim) -> None:
        """The whole copy at once, but for files: they would be sent at every copy that nobody pastes."""
        items: dict[str, bytes] = {}
        problem: Exception | None = None
        size = 0
        for mime in claim.formats:
            if mime == FILES:
                continue
            if mine != self._claims:
                raise ClipboardError("clipboard.stale")
            try:
                content = await asyncio.wrap_future(claim.fetch(mime))
            except (NeuronError, Cancelled) as error:
                problem = error
                continue
            if size + content.size <= _TOGETHER:
                size += content.size
                items[mime] = content.whole()
            content.close()
        if not items:
            raise problem or ClipboardError("clipboard.refused")
        async with self._writing:
            self._current(mine, claim)
            await self._api.set_clipboard(items, secret=claim.secret)


def _closed() -> ClipboardError:
    return ClipboardError("clipboard.unavailable", details="the channel was closed")
