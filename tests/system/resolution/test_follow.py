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
from libneuron.guest.resolution import Size, nearest
from libneuron.guest.screen import GuestScreen
from libneuron.system.bus import LoopThread
from libneuron.system.x11_window import WatchedWindow, X11WindowWatcher
from neuron_guest_bridge.simulation import Simulation
from tests.system.resolution.screen import CLASS, WAIT, Screen


class Counted(GuestScreen):
    """A guest's screen that notes each change asked of it."""

    def __init__(self, api: GuestApi) -> None:
        super().__init__(api)
        self.changes: queue.Queue[Size] = queue.Queue()

    async def resize(self, size: Size) -> Size:
        done = await super().resize(size)
        self.changes.put(done)
        return done


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
    problems: list[NeuronError] = []
    counted = Counted(GuestApi(guest.client))
    modes, own = io.wait(counted.sizes(), timeout=WAIT)

    async def begin() -> WindowFollower:
        follower = WindowFollower(counted, memory_mib=None, say=lambda _say: None, failed=problems.append)
        await follower.start()
        return follower

    follower = io.wait(begin(), timeout=WAIT)

    def changed(window: WatchedWindow | None) -> None:
        follower.window(None if window is None else Size(window.width, window.height))

    watcher = X11WindowWatcher(CLASS, changed, lost=lambda: None, display=screen.name)
    program = screen.client()
    for step in range(100):
        screen.run("xdotool", "windowsize", program.window, str(600 + step * 14), str(500 + step * 7))
    last = Size(600 + 99 * 14, 500 + 99 * 7)
    wanted = nearest(modes, last, memory_mib=None)
    assert wanted not in (None, own), "the test would prove nothing"
    asked: list[Size] = []
    while not asked or asked[-1] != wanted:
        asked.append(counted.changes.get(timeout=WAIT))
    assert len(asked) <= 20, "at most one change for each pause of the hand"
    assert guest.run(lambda api: api.modes())[1].width == asked[-1].width

    program.program.kill()
    assert counted.changes.get(timeout=WAIT) == own
    io.wait(follower.stop(), timeout=WAIT)
    watcher.close()
    assert problems == []


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
