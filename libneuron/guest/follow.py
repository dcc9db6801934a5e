"""Couples a watched window with one guest: the driver around :class:`libneuron.guest.resolution.Follower`.

All of it runs on the asyncio loop; :meth:`WindowFollower.window` may be called from any thread.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from libneuron.errors import NeuronError
from libneuron.guest.resolution import (
    Action,
    Answered,
    Closed,
    Event,
    Follower,
    Overruled,
    Resized,
    Say,
    SetMode,
    Size,
    Tick,
    WakeAt,
)

_log = logging.getLogger(__name__)


class SizedGuest(Protocol):
    """What the follower needs of a guest; :class:`GuestScreen` adapts ``GuestApi``."""

    async def sizes(self) -> tuple[Sequence[Size], Size]:
        """The modes it accepts, and the present one. Raises: NeuronError."""

    async def resize(self, size: Size) -> Size:
        """Switch; returns what was read back. Raises: NeuronError."""


class WindowFollower:
    """Follows one window while :meth:`start` … :meth:`stop`; the person's own mode comes back at the end.

    ``memory_mib`` is the VM's IVSHMEM (None: unknown or none). ``say`` hears why the guest does not follow,
    and ``failed`` what went wrong on the way; both are called on the loop.
    """

    def __init__(
        self,
        guest: SizedGuest,
        *,
        memory_mib: int | None,
        say: Callable[[Say], None],
        failed: Callable[[NeuronError], None],
        hdr: bool = False,
    ) -> None:
        self._guest = guest
        self._memory = memory_mib
        self._say = say
        self._failed = failed
        self._hdr = hdr
        self._loop = asyncio.get_running_loop()
        self._follower: Follower | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._asking: asyncio.Task[None] | None = None
        self._wanted: Size | None = None
        self._current: Size | None = None

    async def start(self) -> None:
        """Learn the guest's modes and begin. Raises: NeuronError."""
        modes, current = await self._guest.sizes()
        self._current = current
        self._follower = Follower(modes=modes, current=current, memory_mib=self._memory, hdr=self._hdr)
        if self._wanted is not None:
            self._handle(Resized(self._wanted, self._loop.time()))

    def window(self, size: Size | None) -> None:
        """The window has this inner size, or is gone (None). From any thread."""
        self._loop.call_soon_threadsafe(self._window, size)

    async def stop(self) -> None:
        """Give the person's own mode back and end."""
        self._handle(Closed(self._loop.time()))
        while self._asking is not None:
            await self._asking
        self._follower = None
        if self._timer is not None:
            self._timer.cancel()

    def _window(self, size: Size | None) -> None:
        self._wanted = size
        now = self._loop.time()
        self._handle(Closed(now) if size is None else Resized(size, now))

    def _handle(self, event: Event) -> None:
        if self._follower is None:
            return
        for action in self._follower.handle(event):
            self._act(action)

    def _act(self, action: Action) -> None:
        if isinstance(action, WakeAt):
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._loop.call_at(action.at, lambda: self._handle(Tick(self._loop.time())))
        elif isinstance(action, SetMode):
            self._asking = self._loop.create_task(self._ask(action))
        else:
            self._say(action)

    async def _ask(self, wish: SetMode) -> None:
        """One request; the follower makes the next only after this answer."""
        before: Size | None = None
        done = False
        try:
            _, before = await self._guest.sizes()
            self._current = before
            if wish.instead_of is None or before == wish.instead_of:
                self._current = await self._guest.resize(wish.mode)
                done = self._current == wish.mode
            else:
                self._asking = None
                self._handle(Overruled(self._loop.time()))
                return
        except NeuronError as error:
            _log.info("the guest did not take %dx%d: %s", wish.mode.width, wish.mode.height, error)
            self._failed(error)
        self._asking = None
        assert self._current is not None
        self._handle(Answered(self._current, done=done, at=self._loop.time(), before=before))
