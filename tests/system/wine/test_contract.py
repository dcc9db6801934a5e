"""The contract of every guest, on the Windows agent: real service program, helper, pipe, port and keys."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from libneuron.guest.client import BlockingGuest, GuestClient
from libneuron.system.bus import LoopThread
from tests.system.contract.contract import ALLOWED, Events, GuestContract, Subject
from tests.system.wine.agent import WineAgent
from tests.system.wine.lab import WineLab


@pytest.fixture(scope="module")
def events() -> Events:
    return Events()


@pytest.fixture(scope="module")
def connected(wine: WineLab, events: Events) -> Iterator[BlockingGuest]:
    with WineAgent(wine) as agent, LoopThread() as io:
        agent.hand_over()
        agent.start()
        client = GuestClient(agent.endpoint(), agent.keys(), permissions=lambda: ALLOWED, on_event=events)
        guest = BlockingGuest(io, client)
        try:
            guest.wait_ready(60)
            yield guest
        finally:
            guest.close()


class TestWindowsAgent(GuestContract):
    @pytest.fixture
    def subject(self, connected: BlockingGuest, events: Events) -> Subject:
        return Subject(connected, ("notepad.exe", ()), title="Notepad", slow=2.0, events=events)
