"""Files to a guest and from it, in pieces: read and written off the loop, with progress, limits and cancel.

What arrives lies in a fresh private folder; what does not become complete is removed, at both ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from libneuron.errors import Cancelled, NeuronError
from libneuron.guest.api import Reply, Requester
from libneuron.guest.errors import GuestError
from libneuron.guest.wire.errors import FieldError
from libneuron.guest.wire.fields import Fields
from libneuron.guest.wire.filing import (
    Entry,
    FilingError,
    Incoming,
    Original,
    listed,
    read_piece,
    sweep,
)
from libneuron.guest.wire.names import UnsafeNameError, components
from libneuron.guest.wire.transfers import MOST_FILES, PIECE, Place
from libneuron.progress import Progress

_T = TypeVar("_T")
LARGEST = 1 << 40
"""Bytes that may be sent at once by hand; what the guest's disk holds bounds it further."""
_KEPT = 2  # batches: a file manager may still copy from the last one
_SLOW = 120.0  # seconds
_LOOK = 0.2  # seconds between looks at whether the person cancelled
_MIB = 1 << 20
_CODES = {
    "unsafe-name": "guest.file-name",
    "disk-full": "guest.file-no-room",
    "too-many": "guest.file-too-many",
    "changed": "guest.file-changed",
}


@dataclass(frozen=True)
class GuestListing:
    """The files that were copied in the guest."""

    batch: int
    entries: tuple[Entry, ...]
    left_out: int

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(entry.size for entry in self.entries)


class GuestFiles:
    """The file verbs of one guest. Belongs to the asyncio loop. Everything raises GuestError."""

    def __init__(self, requester: Requester, *, folder: Path) -> None:
        """``folder``: what arrives lies below it; nobody else's, and on a disk with room."""
        self._requester = requester
        self._folder = folder
        self._swept = False
        self._coming: set[Path] = set()

    # -- to the guest -------------------------------------------------------------------------------

    async def send(
        self, paths: Sequence[Path], place: Place, *, most: int, progress: Progress
    ) -> tuple[str, ...]:
        """Send files and folders; returns their addresses in the guest. ``most``: bytes together.

        Raises: GuestError; Cancelled after ``progress.cancel()``. Nothing of it is left in the guest then.
        """
        found = await self._off_loop(lambda: listed(paths))
        self._fits(found.size, most)
        progress.start(total=found.size, unit="bytes")
        batch = await self._begin(found.size)
        try:
            for entry, source in zip(found.entries, found.sources, strict=True):
                await self._send_one(batch, entry, source, progress)
            answer = await self._ask(progress, "files_finish", {"batch": batch, "place": place.value})
            progress.finish()
            return Fields(answer.data).texts("uris", count=MOST_FILES)
        except FieldError as error:
            raise self._odd(error) from error
        except BaseException:
            # Also when this is cancelled itself; the guest removes it by itself where the channel is gone.
            asyncio.get_running_loop().create_task(self._discard(batch))
            raise

    async def _begin(self, size: int) -> int:
        answer = await self._requester.request("files_begin", {"size": size}, timeout=_SLOW)
        try:
            return Fields(answer.data).integer("batch", 0, 1 << 53)
        except FieldError as error:
            raise self._odd(error) from error

    async def _discard(self, batch: int) -> None:
        try:
            await self._requester.request("files_discard", {"batch": batch}, timeout=_SLOW)
        except NeuronError:
            return  # the session has ended, and with it the guest removes the batch

    async def _send_one(self, batch: int, entry: Entry, source: Original, progress: Progress) -> None:
        progress.advance(item=entry.path)
        if entry.directory:
            folder = {"batch": batch, "path": entry.path, "offset": 0, "directory": True}
            await self._ask(progress, "file_write", folder)
            return
        target = {"batch": batch, "path": entry.path}
        at = 0
        while True:
            count = min(PIECE, entry.size - at)
            data = await self._off_loop(lambda at=at, count=count: read_piece(source, at, count))  # type: ignore[misc]  # bound now
            await self._ask(progress, "file_write", {**target, "offset": at}, body=data or None)
            at += count
            progress.advance(count)
            if at >= entry.size:
                return

    # -- from the guest -----------------------------------------------------------------------------

    async def copied(self) -> GuestListing:
        """The files on the guest's clipboard. A name that may not cross is refused here, before any byte."""
        answer = await self._requester.request("files_list", timeout=_SLOW)
        try:
            fields = Fields(answer.data)
            entries = tuple(
                Entry(
                    item.text("path", limit=1 << 15),
                    item.integer("size", 0, 1 << 53),
                    item.flag("directory", default=False),
                )
                for item in fields.objects("files", count=MOST_FILES)
            )
            for entry in entries:
                components(entry.path)
            return GuestListing(
                fields.integer("batch", 0, 1 << 53), entries, fields.integer("left_out", 0, 1 << 53, 0)
            )
        except FieldError as error:
            raise self._odd(error) from error
        except UnsafeNameError as error:
            raise GuestError("guest.file-name", name=str(error)) from error

    async def fetch(self, found: GuestListing, *, most: int, progress: Progress) -> tuple[Path, ...]:
        """Fetch what :meth:`copied` listed; returns the files and folders here, below our own folder.

        Raises: GuestError; Cancelled after ``progress.cancel()``. Nothing of it is left here then.
        """
        self._fits(found.size, most)
        progress.start(total=found.size, unit="bytes")
        incoming = await self._off_loop(lambda: self._incoming(found.size))
        try:
            for node, entry in enumerate(found.entries):
                await self._fetch_one(incoming, found.batch, node, entry, progress)
            tops = await self._off_loop(incoming.finish)
        except BaseException:
            await asyncio.shield(asyncio.to_thread(incoming.discard))
            raise
        finally:
            self._coming.discard(incoming.folder)
        progress.finish()
        return tops

    def _incoming(self, size: int) -> Incoming:
        # At the first time everything that an earlier run left.
        sweep(self._folder, keep=_KEPT - 1 if self._swept else 0, coming=self._coming)
        self._swept = True
        incoming = Incoming(self._folder, size)
        self._coming.add(incoming.folder)
        return incoming

    async def _fetch_one(
        self, incoming: Incoming, batch: int, node: int, entry: Entry, progress: Progress
    ) -> None:
        progress.advance(item=entry.path)
        if entry.directory:
            await self._off_loop(lambda: incoming.directory(entry.path))
            return
        at = 0
        while True:
            count = min(PIECE, entry.size - at)
            data = b""
            if count:
                wanted = {"batch": batch, "node": node, "offset": at, "count": count}
                data = (await self._ask(progress, "file_read", wanted)).body
                if len(data) != count:
                    raise GuestError("guest.file-changed", name=entry.path)
            await self._off_loop(lambda at=at, data=data: incoming.write(entry.path, at, data))  # type: ignore[misc]  # bound now
            at += count
            progress.advance(count)
            if at >= entry.size:
                return

    # -- both ---------------------------------------------------------------------------------------

    def _fits(self, size: int, most: int) -> None:
        if size > most:
            raise GuestError("guest.too-large", size=size // _MIB, limit=most // _MIB)

    async def _ask(
        self, progress: Progress, verb: str, data: Mapping[str, Any], *, body: bytes | None = None
    ) -> Reply:
        """A request that ends soon after ``progress.cancel()``, although the guest may never answer.

        Raises: GuestError, Cancelled.
        """
        answer = asyncio.ensure_future(self._requester.request(verb, data, body=body, timeout=_SLOW))
        try:
            while not answer.done():
                await asyncio.wait({answer}, timeout=_LOOK)
                if progress.cancelled and not answer.done():
                    raise Cancelled
            return answer.result()
        finally:
            answer.cancel()

    async def _off_loop(self, work: Callable[[], _T]) -> _T:
        try:
            return await asyncio.to_thread(work)
        except FilingError as error:
            raise filing_error(error) from error

    def _odd(self, error: FieldError) -> GuestError:
        return GuestError("guest.protocol", vm=self._requester.label, details=str(error))


def filing_error(error: FilingError) -> GuestError:
    """What went wrong with files here, in words."""
    return GuestError(_CODES.get(error.code, "guest.file-refused"), name=str(error))
