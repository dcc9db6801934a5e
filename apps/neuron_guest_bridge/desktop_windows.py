"""The desktop's windows that matter to a machine: Looking Glass', and viewers that share clipboards."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

from libneuron.guest.resolution import Size
from libneuron.system.errors import SystemAccessError

if TYPE_CHECKING:
    from libneuron.system.kwin_windows import KWinWindows
    from libneuron.system.loop import LoopThread
    from libneuron.system.x11_window import WatchedWindow, X11WindowWatcher

_log = logging.getLogger(__name__)


class Windows:
    """Watches the windows of the classes ``names``; ``changed`` is called on the watchers' threads.

    In a Wayland session KWin tells; elsewhere X11, also of its windows in a Wayland session. Where neither
    can, there are no windows, and :attr:`watching` is False. Connecting may take moments: not for a window's
    thread, nor for ``io``'s.
    """

    def __init__(
        self, io: LoopThread, names: Iterable[str], changed: Callable[[str, Size | None], None]
    ) -> None:
        self._changed = changed
        self._lock = threading.Lock()
        self._sizes: dict[str, Size] = {}
        self._watchers: list[X11WindowWatcher | KWinWindows] = []
        known = tuple(names)
        if os.environ.get("WAYLAND_DISPLAY"):
            self._ask_kwin(io, known)
        if not self._watchers and os.environ.get("DISPLAY"):
            self._ask_x11(known)

    def _ask_kwin(self, io: LoopThread, names: tuple[str, ...]) -> None:
        from libneuron.system.kwin_windows import KWinWindows

        try:
            self._watchers.append(KWinWindows(io, names, self._told))
        except SystemAccessError as error:
            _log.info("KWin does not tell of windows here: %s", error.details or error)

    def _ask_x11(self, names: tuple[str, ...]) -> None:
        try:
            from libneuron.system.x11_window import X11WindowWatcher

            for name in names:
                watcher = X11WindowWatcher(
                    name, partial(self._told, name), lost=partial(self._told, name, None)
                )
                self._watchers.append(watcher)
        except (ImportError, SystemAccessError) as error:
            _log.info("windows cannot be watched here: %s", error)

    @property
    def watching(self) -> bool:
        """Whether windows can be seen here."""
        return bool(self._watchers)

    @property
    def classes(self) -> frozenset[str]:
        """Those that are there now."""
        with self._lock:
            return frozenset(self._sizes)

    def size(self, name: str) -> Size | None:
        """The inner size of a window in pixels, None where it is not there."""
        with self._lock:
            return self._sizes.get(name)

    def _told(self, name: str, window: WatchedWindow | None) -> None:
        size = None if window is None else Size(window.width, window.height)
        with self._lock:
            if size is None:
                self._sizes.pop(name, None)
            else:
                self._sizes[name] = size
        self._changed(name, size)

    def close(self) -> None:
        """Stop watching."""
        for watcher in self._watchers:
            watcher.close()
        self._watchers.clear()
