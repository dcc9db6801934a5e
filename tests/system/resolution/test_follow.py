"""A window resized by another program drives a real agent: it ends on the right mode and goes back."""

from __future__ import annotations

import asyncio
import queue
from collections.abc import Iterator

import pytest

from libneuron.errors import NeuronError
from libneuron.guest.api import GuestApi
from libneuron.guest.client import BlockingGuest, GuestClient
from libneuron.guest.follow import WindowFollower
from libneuron.guest.permissions import DEFAULT
from libneuron.guest.resolution import Say, Size, StandBack
from libneuron.guest.screen import GuestScreen
from libneuron.system.bus import LoopThread
from neuron_guest_bridge.simulation import Simulation
from tests.system.resolution.journey import Counted, drag
from tests.system.resolution.screen import WAIT, Screen


@pytest.fixture
def io() -> Iterator[LoopThread]:
    with LoopThread() as thread:
        yield thread


@pytest.fixture
def guest(io: LoopThread) -> Iterator[BlockingGuest]:
    with Simulation() as simulation:
        simulation.hand_over()
        simulation.start()
        made = BlockingGuest(
            io, GuestClient(simulation.endpoint(), simulation.keys(), permissions=lambda: DEFAULT)
        )
        made.wait_ready(WAIT)
        yield made
        made.close()


def test_a_hundred_resizes_end_on_the_right_mode_and_go_back(
    screen: Screen, io: LoopThread, guest: BlockingGuest
) -> None:
    seen = drag(screen, io, guest, bursts=5, steps=20, largest=Size(1986, 1193))
    assert len(seen.changes) <= seen.pauses, "at most one change for each pause of the hand"
    assert seen.problems == []


def test_who_changes_the_resolution_in_the_guest_is_left_the_job(
    screen: Screen, io: LoopThread, guest: BlockingGuest
) -> None:
    said: queue.Queue[Say] = queue.Queue()
    counted = Counted(GuestApi(guest.client))

    async def begin() -> WindowFollower:
        made = WindowFollower(counted, memory_mib=None, say=said.put, failed=lambda _error: None)
        await made.start()
        return made

    follower = io.wait(begin(), timeout=WAIT)
    follower.window(Size(1100, 800))
    assert counted.changes.get(timeout=WAIT) == Size(1024, 768)
    guest.run(lambda api: api.set_resolution(1920, 1080))
    follower.window(Size(3000, 2000))
    assert said.get(timeout=WAIT) == Say(StandBack.OTHER_OWNER)
    follower.window(None)
    io.wait(follower.stop(), timeout=WAIT)
    assert guest.run(lambda api: api.modes())[1].width == 1920
    assert counted.changes.empty()


def test_a_guest_that_goes_away_is_told_and_stopping_still_ends(io: LoopThread, guest: BlockingGuest) -> None:
    problems: list[NeuronError] = []

    async def work() -> None:
        screen = GuestScreen(GuestApi(guest.client))
        follower = WindowFollower(screen, memory_mib=None, say=lambda _say: None, failed=problems.append)
        await follower.start()
        await guest.client.stop()
        follower.window(Size(1024, 768))
        await asyncio.sleep(0.6)  # the debounce itself
        await follower.stop()

    io.wait(work(), timeout=WAIT)
    assert problems
