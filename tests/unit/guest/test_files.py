"""Files to and from a guest that stops answering in the middle: the person's Cancel is heard at once."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from libneuron.errors import Cancelled
from libneuron.guest.api import Reply
from libneuron.guest.files import GuestFiles, GuestListing
from libneuron.guest.wire.filing import Entry
from libneuron.guest.wire.transfers import Place
from libneuron.progress import Progress
from libneuron.system.loop import LoopThread


class Stalling:
    """A guest that begins and then answers no more."""

    label = "win"

    def __init__(self) -> None:
        self.stalled = threading.Event()

    async def request(
        self,
        verb: str,
        data: Mapping[str, Any] | None = None,
        *,
        body: bytes | None = None,
        timeout: float = 15.0,
    ) -> Reply:
        del data, body
        if verb == "files_begin":
            return Reply({"batch": 1})
        if verb == "files_discard":
            return Reply({})
        self.stalled.set()
        await asyncio.sleep(timeout)
        raise AssertionError


@pytest.fixture
def io() -> Iterator[LoopThread]:
    with LoopThread() as thread:
        yield thread


def _send(files: GuestFiles, folder: Path, progress: Progress) -> Coroutine[Any, Any, object]:
    (folder / "x").write_bytes(b"abc")
    return files.send([folder / "x"], Place.DOWNLOADS, most=100, progress=progress)


def _fetch(files: GuestFiles, folder: Path, progress: Progress) -> Coroutine[Any, Any, object]:
    del folder
    found = GuestListing(1, (Entry("x", 3, directory=False),), 0)
    return files.fetch(found, most=100, progress=progress)


@pytest.mark.parametrize("work", [_send, _fetch])
def test_cancel_does_not_wait_for_a_guest_that_never_answers(
    io: LoopThread, tmp_path: Path, work: Callable[[GuestFiles, Path, Progress], Coroutine[Any, Any, object]]
) -> None:
    guest = Stalling()
    progress = Progress(clock=time.monotonic)
    files = GuestFiles(guest, folder=tmp_path / "received")
    under_way = io.submit(work(files, tmp_path, progress))
    assert guest.stalled.wait(20)
    progress.cancel()
    with pytest.raises(Cancelled):
        under_way.result(60)
    assert not list((tmp_path / "received").glob("*/*"))
