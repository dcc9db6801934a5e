"""Watches one program's window on X11 by EWMH: is it there, how large inside, at which scale of the screen.

A thread sleeps until the server has news; there is no polling. Source: Extended Window Manager Hints 1.5,
``_NET_CLIENT_LIST``; ICCCM 4.1.2.5 (WM_CLASS) and 4.1.5 (ConfigureNotify, real or sent by the manager).
"""

from __future__ import annotations

import logging
import os
import select
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import xcffib
import xcffib.xproto

from libneuron.system.errors import SystemAccessError

_log = logging.getLogger(__name__)
_DPI_PER_SCALE = 96.0


@dataclass(frozen=True)
class WatchedWindow:
    """The window's inner size in device pixels, and the screen's dots per inch (96: no scaling)."""

    width: int
    height: int
    dpi: float


class X11WindowWatcher:
    """Calls ``changed`` with the window at each change of its size, and with None when it is gone.

    ``wm_class`` is either part of WM_CLASS, as "looking-glass-client". With several such windows the oldest
    counts. ``changed`` is called on the watcher's thread; ``lost`` once, if the display goes away.
    """

    def __init__(
        self,
        wm_class: str,
        changed: Callable[[WatchedWindow | None], None],
        *,
        lost: Callable[[], None],
        display: str | None = None,
    ) -> None:
        """Connect to ``display`` (None: ``$DISPLAY``). Raises: SystemAccessError display-unavailable."""
        self._wanted = wm_class.encode()
        self._changed = changed
        self._lost = lost
        try:
            self._conn = xcffib.connect(display=display)
        except (xcffib.XcffibException, OSError) as error:
            raise SystemAccessError("system.display-unavailable", details=repr(error)) from error
        self._root = self._conn.get_setup().roots[self._conn.pref_screen].root
        self._atoms = {name: self._atom(name) for name in ("_NET_CLIENT_LIST", "RESOURCE_MANAGER")}
        self._window = 0
        self._told: WatchedWindow | None = None
        # One end is the thread's alone, the other close()'s alone: neither can use what the other has closed.
        self._closed, self._bell = os.pipe2(os.O_CLOEXEC)
        self._thread = threading.Thread(target=self._run, name="neuron-x11-window", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop watching and join the thread; also after the display was lost, and from within ``lost``."""
        if self._bell >= 0:
            os.close(self._bell)
            self._bell = -1
        if self._thread is not threading.current_thread():
            self._thread.join(10)

    def _atom(self, name: str) -> int:
        return int(self._conn.core.InternAtom(False, len(name), name.encode()).reply().atom)  # noqa: FBT003 — xproto

    def _run(self) -> None:
        try:
            self._listen(self._root, xcffib.xproto.EventMask.PropertyChange)
            self._search()
            self._drain()  # replies read above may have brought events that no descriptor tells of any more
            while self._wait():
                self._drain()
        except xcffib.ConnectionException:
            _log.info("the display went away")
            self._lost()
        finally:
            self._conn.disconnect()
            os.close(self._closed)

    def _drain(self) -> None:
        self._conn.flush()
        while (event := self._next()) is not None:
            self._handle(event)
            self._conn.flush()

    def _wait(self) -> bool:
        """Until the server has news (True) or :meth:`close` was called (False)."""
        poll = select.poll()  # unlike ``select`` it takes descriptors over 1023
        poll.register(self._conn.get_file_descriptor(), select.POLLIN)
        poll.register(self._closed, select.POLLIN)
        return self._closed not in {descriptor for descriptor, _event in poll.poll()}

    def _next(self) -> Any:
        while True:
            try:
                return self._conn.poll_for_event()
            except xcffib.ConnectionException:
                raise
            except xcffib.Error:
                continue  # a window that vanished while we asked about it

    def _handle(self, event: Any) -> None:
        kinds = xcffib.xproto
        if isinstance(event, kinds.PropertyNotifyEvent) and event.atom in self._atoms.values():
            self._search()
        elif isinstance(event, kinds.ConfigureNotifyEvent) and event.window == self._window:
            self._tell(WatchedWindow(event.width, event.height, self._dpi()))
        elif isinstance(event, kinds.DestroyNotifyEvent) and event.window == self._window:
            self._window = 0
            self._search()

    def _search(self) -> None:
        clients = self._words(self._root, self._atoms["_NET_CLIENT_LIST"])
        found = next((window for window in clients if self._wanted in self._class(window)), 0)
        if found and found != self._window:
            self._listen(found, xcffib.xproto.EventMask.StructureNotify)
        self._window = found
        self._tell(self._look(found) if found else None)

    def _listen(self, window: int, mask: int) -> None:
        self._conn.core.ChangeWindowAttributes(window, xcffib.xproto.CW.EventMask, [mask])

    def _look(self, window: int) -> WatchedWindow | None:
        try:
            shape = self._conn.core.GetGeometry(window).reply()
        except xcffib.ConnectionException:
            raise
        except xcffib.Error:
            return None
        return WatchedWindow(int(shape.width), int(shape.height), self._dpi())

    def _tell(self, now: WatchedWindow | None) -> None:
        if now != self._told:
            self._told = now
            self._changed(now)

    def _property(self, window: int, atom: int) -> Any:
        try:
            return self._conn.core.GetProperty(False, window, atom, 0, 0, 1 << 16).reply().value  # noqa: FBT003
        except xcffib.ConnectionException:
            raise
        except xcffib.Error:
            return None

    def _words(self, window: int, atom: int) -> list[int]:
        value = self._property(window, atom)
        return [] if value is None else [int(word) for word in value.to_atoms()]

    def _class(self, window: int) -> tuple[bytes, ...]:
        value = self._property(window, xcffib.xproto.Atom.WM_CLASS)
        return () if value is None else tuple(bytes(value.buf()).split(b"\0"))

    def _dpi(self) -> float:
        """``Xft.dpi`` of the root's resources, which desktops set for their scale; else 96."""
        value = self._property(self._root, self._atoms["RESOURCE_MANAGER"])
        for line in [] if value is None else bytes(value.buf()).split(b"\n"):
            name, _, number = line.partition(b":")
            if name.strip() == b"Xft.dpi":
                try:
                    return float(number)
                except ValueError:
                    break
        return _DPI_PER_SCALE
