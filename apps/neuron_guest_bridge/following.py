"""One machine's display follows Looking Glass' window, while the person wants it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from libneuron.errors import NeuronError
from libneuron.guest.api import GuestApi
from libneuron.guest.errors import GuestError
from libneuron.guest.follow import WindowFollower
from libneuron.guest.resolution import Say, Size
from libneuron.guest.screen import GuestScreen
from libneuron.system.loop import LoopThread

_log = logging.getLogger(__name__)
_T = TypeVar("_T")
_PATIENCE = 20.0  # seconds for the guest to take its own mode back


class Following:
    """Methods block for moments: not for the loop's thread or a window's.

    ``memory_mib`` is the machine's shared memory for Looking Glass (None: unknown or none).
    """

    def __init__(
        self, io: LoopThread, api: GuestApi, *, memory_mib: int | None, changed: Callable[[], None]
    ) -> None:
        self._io = io
        self._api = api
        self._memory = memory_mib
        self._changed = changed
        self._follower: WindowFollower | None = None
        self.said: Say | None = None
        """Why the display does not (fully) follow."""

    def start(self, window: Size | None) -> None:
        """Follow from now on. Raises: GuestError."""
        self.stop()
        self._follower = self._wait(self._begin(window))

    async def _begin(self, window: Size | None) -> WindowFollower:
        made = WindowFollower(
            GuestScreen(self._api), memory_mib=self._memory, say=self._say, failed=self._failed
        )
        await made.start()
        if window is not None:
            made.window(window)
        return made

    def window(self, size: Size | None) -> None:
        """The window has this size, or is gone. On any thread, returns at once."""
        follower = self._follower
        if follower is not None:
            follower.window(size)

    def stop(self) -> None:
        """Follow no longer; the machine gets the mode back that it had before. Raises: GuestError."""
        follower, self._follower = self._follower, None
        self._tell(None)
        if follower is not None:
            self._wait(follower.stop())

    def _wait(self, work: Coroutine[Any, Any, _T]) -> _T:
        try:
            return self._io.wait(work, timeout=_PATIENCE)
        except TimeoutError as error:
            vm = self._api.requester.label
            raise GuestError(
                "guest.timeout", vm=vm, verb="set_resolution", seconds=f"{_PATIENCE:g}"
            ) from error

    def _say(self, say: Say) -> None:
        self._tell(say if say.reason is not None else None)

    def _failed(self, error: NeuronError) -> None:
        _log.info("the display does not follow: %s", error)

    def _tell(self, say: Say | None) -> None:
        if say != self.said:
            self.said = say
            self._changed()
