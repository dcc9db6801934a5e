"""The guest's clipboard behind its verbs: what a guest that copies without end comes to."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from concurrent.futures import Future
from pathlib import Path

import pytest

from libneuron.guest.clipboard.channel import EVENT, GuestClipboard
from libneuron.guest.wire.transfers import WANTED
from libneuron.system.clipboard.errors import ClipboardError
from libneuron.system.clipboard.model import Claim, ClipboardOffer
from libneuron.system.clipboard.spool import MIB, Content, SpoolLimits
from libneuron.system.loop import LoopThread
from tests.system.contract.contract import eventually
from tests.unit.guest.clipboard.fakes import Agent

TEXT = "text/plain;charset=utf-8"


def test_a_guest_that_copies_without_end_is_told_of_now_and_then(io: LoopThread, tmp_path: Path) -> None:
    told: queue.Queue[ClipboardOffer] = queue.Queue()
    clipboard = GuestClipboard(Agent(), loop=io.loop, origin="vm", spool=tmp_path)

    async def flood() -> None:
        for _ in range(5000):
            clipboard.event(EVENT, {"formats": ["text/html"], "secret": False, "own": False})
        clipboard.event(EVENT, {"formats": [TEXT], "secret": False, "own": False})

    clipboard.start(told.put, lambda _error: None)
    first = told.get(timeout=20)
    io.wait(flood())
    offers: list[ClipboardOffer] = []
    while not offers or offers[-1].formats != (TEXT,):
        offers.append(told.get(timeout=20))
    assert len(offers) < 12
    assert offers[-1].number >= first.number + 5001  # whoever reads an older copy is refused
    clipboard.close()


class Taker(Agent):
    """A guest that asks for the same large copy as often as it may, and takes its time over each."""

    def __init__(self) -> None:
        super().__init__(promising=True)
        self.taking = self.most = self.taken = 0
        self.done = threading.Event()

    async def supply_clipboard(self, wanted: int, data: bytes, *, problem: str = "") -> None:
        assert (len(data), problem) == (2 * MIB, "")
        self.taking += 1
        self.most = max(self.most, self.taking)
        for _ in range(20):
            await asyncio.sleep(0)
        self.taking -= 1
        self.taken += 1
        if self.taken == 8:
            self.done.set()


def test_a_large_copy_is_in_memory_once_however_often_the_guest_asks(io: LoopThread, tmp_path: Path) -> None:
    told: queue.Queue[ClipboardOffer] = queue.Queue()
    guest = Taker()
    clipboard = GuestClipboard(guest, loop=io.loop, origin="vm", spool=tmp_path)

    def fetch(_mime: str) -> Future[Content]:
        found: Future[Content] = Future()
        found.set_result(Content.of(bytes(2 * MIB)))
        return found

    clipboard.start(told.put, lambda _error: None)
    number = told.get(timeout=20).number
    clipboard.claim(Claim((TEXT,), "host", secret=False, after=number, fetch=fetch)).result(20)

    async def ask() -> None:
        for wanted in range(8):
            clipboard.event(WANTED, {"wanted": wanted, "serial": guest.serial, "mime": TEXT})

    io.wait(ask())
    assert guest.done.wait(20)
    assert guest.most == 1
    clipboard.close()


class Insistent(Agent):
    """A guest that asks again as soon as it is refused."""

    def __init__(self) -> None:
        super().__init__(promising=True)
        self.asks = 0
        self.done = threading.Event()
        self.refused: set[str] = set()

    def ask(self) -> None:
        self.asks += 1
        self.event(WANTED, {"wanted": self.asks, "serial": self.serial, "mime": TEXT})

    async def supply_clipboard(self, wanted: int, data: bytes, *, problem: str = "") -> None:
        self.refused.add(problem)
        if self.asks < 500:
            self.ask()
        else:
            self.done.set()


def test_what_cannot_be_read_here_is_not_tried_as_often_as_the_guest_likes(
    io: LoopThread, tmp_path: Path
) -> None:
    """Each attempt is a line of the activity list and a notification."""
    told: queue.Queue[ClipboardOffer] = queue.Queue()
    guest = Insistent()
    clipboard = GuestClipboard(guest, loop=io.loop, origin="vm", spool=tmp_path)
    guest.event = clipboard.event
    tried: list[float] = []

    def fetch(_mime: str) -> Future[Content]:
        tried.append(time.monotonic())
        found: Future[Content] = Future()
        found.set_exception(ClipboardError("clipboard.too-large", limit=1))
        return found

    clipboard.start(told.put, lambda _error: None)
    number = told.get(timeout=20).number
    clipboard.claim(Claim((TEXT,), "host", secret=False, after=number, fetch=fetch)).result(20)

    async def begin() -> None:
        guest.ask()

    io.wait(begin())
    assert guest.done.wait(60)
    assert guest.refused == {"clipboard.too-large"}
    assert all(later - earlier > 0.9 for earlier, later in zip(tried, tried[5:], strict=False))
    clipboard.close()


def test_a_copy_that_is_not_the_newest_any_more_is_not_read_to_its_end(
    io: LoopThread, tmp_path: Path
) -> None:
    """A guest that copies anew while it sends would have each in our memory, as far as it liked."""
    told: queue.Queue[ClipboardOffer] = queue.Queue()
    guest = Agent()
    left: list[str] = []

    async def endless(mime: str) -> bytes:
        try:
            await asyncio.Event().wait()
        finally:
            left.append(mime)
        return b""

    guest.instead = endless
    clipboard = GuestClipboard(guest, loop=io.loop, origin="vm", spool=tmp_path)
    guest.event = clipboard.event
    clipboard.start(told.put, lambda _error: None)
    told.get(timeout=20)
    io.wait(guest.copy({TEXT: b"x"}))
    reading = clipboard.read(told.get(timeout=20).number, TEXT, SpoolLimits())
    io.wait(guest.copy({TEXT: b"y"}))
    with pytest.raises(ClipboardError) as caught:
        reading.result(20)
    assert caught.value.code == "clipboard.stale"
    assert eventually(lambda: left == [TEXT], seconds=20)  # it ends on the loop's thread
    clipboard.close()
