"""The guest's clipboard behind its verbs: what a guest that copies without end comes to."""

from __future__ import annotations

import asyncio
import queue
import threading
from concurrent.futures import Future
from pathlib import Path

from libneuron.guest.clipboard.channel import EVENT, GuestClipboard
from libneuron.guest.wire.transfers import WANTED
from libneuron.system.clipboard.model import Claim, ClipboardOffer
from libneuron.system.clipboard.spool import MIB, Content
from libneuron.system.loop import LoopThread
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
