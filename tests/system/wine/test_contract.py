"""The contract of every guest, on the Windows agent: real service program, helper, pipe, port and keys."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from libneuron.guest.client import BlockingGuest, GuestClient
from libneuron.guest.permissions import DEFAULT
from libneuron.system.bus import LoopThread
from tests.system.contract.contract import GuestContract, Subject
from tests.system.wine.agent import WineAgent
from tests.system.wine.lab import WineLab


@pytest.fixture(scope="module")
def connected(wine: WineLab) -> Iterator[BlockingGuest]:
    with WineAgent(wine) as agent, LoopThread() as io:
        agent.hand_over()
        agent.start()
        guest = BlockingGuest(io, GuestClient(agent.endpoint(), agent.keys(), permissions=lambda: DEFAULT))
        try:
            guest.wait_ready(60)
            yield guest
        finally:
            guest.close()


class TestWindowsAgent(GuestContract):
    @pytest.fixture
    def subject(self, connected: BlockingGuest) -> Subject:
        return Subject(connected, ("notepad.exe", ()), title="Notepad", slow=2.0)
