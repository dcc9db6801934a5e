"""A Looking Glass window dragged on this desktop drives the Windows agent, whose display really changes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from libneuron.guest.client import BlockingGuest, GuestClient
from libneuron.guest.permissions import DEFAULT
from libneuron.guest.resolution import Size
from libneuron.system.bus import LoopThread
from tests.system.resolution.journey import drag
from tests.system.resolution.screen import Screen, running
from tests.system.wine.agent import WineAgent
from tests.system.wine.lab import SCREEN, WineLab


@pytest.fixture
def screen() -> Iterator[Screen]:
    with running() as made:
        yield made


def test_a_hundred_resizes_end_on_the_right_mode_of_windows_and_go_back(
    wine: WineLab, screen: Screen
) -> None:
    with WineAgent(wine) as agent, LoopThread() as io:
        agent.hand_over()
        agent.start()
        guest = BlockingGuest(io, GuestClient(agent.endpoint(), agent.keys(), permissions=lambda: DEFAULT))
        try:
            guest.wait_ready(60)
            # The largest fits the X server that Wine draws on.
            seen = drag(screen, io, guest, bursts=5, steps=20, largest=Size(1700, 1100))
        finally:
            guest.close()
    assert seen.own == Size(*SCREEN)
    assert seen.problems == []
    assert len(seen.changes) <= seen.pauses, "at most one change for each pause of the hand"
