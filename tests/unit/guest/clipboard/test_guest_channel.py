"""The guest's clipboard behind its verbs: what a guest that copies without end comes to."""

from __future__ import annotations

import queue
from pathlib import Path

from libneuron.guest.clipboard.channel import EVENT, GuestClipboard
from libneuron.system.clipboard.model import ClipboardOffer
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
