"""A person drags a window's edge, and a guest is to follow: the same course for every kind of guest."""

from __future__ import annotations

import queue
import time
from dataclasses import dataclass, field

from libneuron.errors import NeuronError
from libneuron.guest.api import GuestApi
from libneuron.guest.client import BlockingGuest
from libneuron.guest.follow import WindowFollower
from libneuron.guest.resolution import DEBOUNCE, Size, nearest
from libneuron.guest.screen import GuestScreen
from libneuron.system.bus import LoopThread
from libneuron.system.x11_window import WatchedWindow, X11WindowWatcher
from tests.system.resolution.screen import CLASS, WAIT, Screen


class Counted(GuestScreen):
    """A guest's screen that notes each change asked of it, once it was read back."""

    def __init__(self, api: GuestApi) -> None:
        super().__init__(api)
        self.changes: queue.Queue[Size] = queue.Queue()

    async def resize(self, size: Size) -> Size:
        done = await super().resize(size)
        self.changes.put(done)
        return done


@dataclass
class Seen:
    """What happened: the guest's ``own`` mode before, each change and when the window moved."""

    own: Size
    changes: list[Size] = field(default_factory=list)
    moved: list[float] = field(default_factory=list)
    problems: list[NeuronError] = field(default_factory=list)

    @property
    def pauses(self) -> int:
        """How often the hand rested long enough for a change; a scheduler may stretch what it sees."""
        rests = [later - earlier for earlier, later in zip(self.moved, self.moved[1:], strict=False)]
        return 1 + sum(rest >= 0.8 * DEBOUNCE for rest in rests)


def drag(
    screen: Screen, io: LoopThread, guest: BlockingGuest, *, bursts: int, steps: int, largest: Size
) -> Seen:
    """Resize a window ``bursts`` × ``steps`` times, up to ``largest`` and down; then close it.

    After each burst the guest must come to the right mode, read back, and after the end to its own.
    """
    counted = Counted(GuestApi(guest.client))
    modes, own = io.wait(counted.sizes(), timeout=WAIT)
    seen = Seen(own)

    async def begin() -> WindowFollower:
        made = WindowFollower(counted, memory_mib=None, say=lambda _say: None, failed=seen.problems.append)
        await made.start()
        return made

    follower = io.wait(begin(), timeout=WAIT)

    def changed(window: WatchedWindow | None) -> None:
        if window is not None:
            seen.moved.append(time.monotonic())
        follower.window(None if window is None else Size(window.width, window.height))

    watcher = X11WindowWatcher(CLASS, changed, lost=lambda: None, display=screen.name)
    program = screen.client(width=700, height=500)
    before = own
    for burst in range(bursts):
        goal = largest if burst % 2 == 0 else Size(820, 640)
        start = Size(820, 640) if burst % 2 == 0 else largest
        last = goal
        for step in range(1, steps + 1):
            last = Size(
                start.width + (goal.width - start.width) * step // steps,
                start.height + (goal.height - start.height) * step // steps,
            )
            screen.run("xdotool", "windowsize", program.window, str(last.width), str(last.height))
        wanted = nearest(modes, last, memory_mib=None)
        assert wanted is not None
        assert wanted != before, "the burst would prove nothing"
        while not seen.changes or seen.changes[-1] != wanted:
            seen.changes.append(counted.changes.get(timeout=WAIT))
        now = guest.run(lambda api: api.modes())[1]
        assert Size(now.width, now.height) == wanted
        before = wanted
    program.program.kill()
    while (last := counted.changes.get(timeout=WAIT)) != own:
        seen.changes.append(last)
    io.wait(follower.stop(), timeout=WAIT)
    watcher.close()
    now = guest.run(lambda api: api.modes())[1]
    assert Size(now.width, now.height) == own
    return seen
