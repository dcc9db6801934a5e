"""libvirt's event loop: one for the whole process, on a thread of its own.

libvirt asks that an implementation is registered before the first connection is opened; connections opened
without it can neither tell changes nor notice that their daemon died (libvirt's documentation of
``virEventRegisterImpl`` and ``virConnectSetKeepAlive``).

libvirt's own implementation is not used: since 6.4 it runs GLib's default main context, and so does Qt (and
GTK, which Qt loads for GNOME's look). Whoever has the context dispatches everybody's sources: libvirt's
thread ran Qt's timers, which crashes, and Qt's thread libvirt's callbacks, or nobody did while Qt's loop was
not running. libvirt-python's libvirtaio is for programs which call libvirt on the asyncio loop alone; our
calls block, so they are made elsewhere, and it takes no calls from other threads.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import select
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import libvirt

_log = logging.getLogger(__name__)
_lock = threading.Lock()
_loop: Loop | None = None

_POLL = {
    libvirt.VIR_EVENT_HANDLE_READABLE: select.POLLIN,
    libvirt.VIR_EVENT_HANDLE_WRITABLE: select.POLLOUT,
    libvirt.VIR_EVENT_HANDLE_ERROR: select.POLLERR | select.POLLNVAL,
    libvirt.VIR_EVENT_HANDLE_HANGUP: select.POLLHUP,
}

_ALWAYS = libvirt.VIR_EVENT_HANDLE_ERROR | libvirt.VIR_EVENT_HANDLE_HANGUP  # told whether asked for or not


def _to_poll(events: int) -> int:
    return sum(poll for event, poll in _POLL.items() if events & event)


def _from_poll(events: int) -> int:
    return sum(event for event, poll in _POLL.items() if events & poll)


@dataclass
class _Handle:
    """A descriptor that is watched for ``events`` (libvirt's bits; 0: not now)."""

    fd: int
    events: int
    call: Callable[[int, int, int, Any], None]
    opaque: Any


@dataclass
class _Timer:
    """Due at ``due`` (monotonic seconds; None: not now) and then every ``every`` seconds."""

    every: float
    due: float | None
    call: Callable[[int, Any], None]
    opaque: Any


class Loop:
    """What libvirt is given. Any thread may add, change, remove; callbacks come on :meth:`run`'s.

    The lock is never held while something of libvirt's is called: libvirt calls us with its own locks held.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._handles: dict[int, _Handle] = {}
        self._timers: dict[int, _Timer] = {}
        self._removed: list[Any] = []  # to be freed by the loop, never in the middle of a removal
        self._bell, self._alarm = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def register(self) -> None:
        """Make this libvirt's implementation, for good."""
        libvirt.virEventRegisterImpl(
            self.add_handle, self.update_handle, self.remove_handle,
            self.add_timeout, self.update_timeout, self.remove_timeout,
        )  # fmt: skip

    def _ring(self) -> None:
        with contextlib.suppress(BlockingIOError):  # full: it rings already
            os.write(self._alarm, b"!")

    # -- what libvirt calls: virEventAddHandleFunc and its like; -1 and None as documented there ------------

    def add_handle(self, fd: int, events: int, call: Callable[..., None], opaque: Any) -> int:
        """Watch a descriptor; returns the watch's number."""
        with self._lock:
            number = next(self._numbers)
            self._handles[number] = _Handle(fd, events, call, opaque)
        self._ring()
        return number

    def update_handle(self, watch: int, events: int) -> None:
        """Watch for other events."""
        with self._lock:
            if watch in self._handles:
                self._handles[watch].events = events
        self._ring()

    def remove_handle(self, watch: int) -> int:
        """Watch no more; 0 or, where there is no such watch, -1."""
        return self._remove(self._handles, watch)

    def add_timeout(self, milliseconds: int, call: Callable[..., None], opaque: Any) -> int:
        """Call every so often (0: at every turn; -1: not yet); returns the timer's number."""
        with self._lock:
            number = next(self._numbers)
            self._timers[number] = _Timer(milliseconds / 1000, _due(milliseconds), call, opaque)
        self._ring()
        return number

    def update_timeout(self, timer: int, milliseconds: int) -> None:
        """Call at another pace."""
        with self._lock:
            if timer in self._timers:
                found = self._timers[timer]
                found.every, found.due = milliseconds / 1000, _due(milliseconds)
        self._ring()

    def remove_timeout(self, timer: int) -> int:
        """Call no more; 0 or, where there is no such timer, -1."""
        return self._remove(self._timers, timer)

    def _remove(self, among: dict[int, Any], number: int) -> int:
        with self._lock:
            found = among.pop(number, None)
            if found is None:
                return -1
            self._removed.append(found.opaque)
        self._ring()
        return 0

    # -- the thread ----------------------------------------------------------------------------------------

    def run(self) -> None:
        """Dispatch for ever."""
        while True:
            self.turn()

    def turn(self) -> None:
        """Wait for something to do and do it."""
        with self._lock:
            watched = {number: handle for number, handle in self._handles.items() if handle.events}
            wait = min((timer.due for timer in self._timers.values() if timer.due is not None), default=None)
        poll = select.poll()
        poll.register(self._bell, select.POLLIN)
        wanted: dict[int, int] = {}
        for handle in watched.values():
            wanted[handle.fd] = wanted.get(handle.fd, 0) | _to_poll(handle.events)
        for fd, events in wanted.items():
            poll.register(fd, events)
        found = dict(poll.poll(None if wait is None else max(0.0, wait - time.monotonic()) * 1000))
        if found.pop(self._bell, 0):
            with contextlib.suppress(BlockingIOError):
                os.read(self._bell, 4096)
        for number, handle in watched.items():
            # It may have been removed or changed since, by another thread or the callback before this one.
            happened = _from_poll(found.get(handle.fd, 0)) & (handle.events | _ALWAYS)
            if happened and self._handles.get(number) is handle:
                handle.call(number, handle.fd, happened, handle.opaque)
        self._fire(time.monotonic())
        with self._lock:
            removed, self._removed = self._removed, []
        for opaque in removed:
            libvirt.virEventInvokeFreeCallback(opaque)

    def _fire(self, now: float) -> None:
        with self._lock:
            due = [
                (n, timer) for n, timer in self._timers.items() if timer.due is not None and timer.due <= now
            ]
            for _, timer in due:
                timer.due = now + timer.every
        for number, timer in due:
            if self._timers.get(number) is timer:
                timer.call(number, timer.opaque)


def _due(milliseconds: int) -> float | None:
    return None if milliseconds < 0 else time.monotonic() + milliseconds / 1000


def ensure_loop() -> None:
    """Start the loop, once; call before opening a connection."""
    global _loop  # noqa: PLW0603 — libvirt's implementation is global as well
    with _lock:
        if _loop is not None:
            return
        libvirt.registerErrorHandler(_keep_quiet, None)  # it prints every error to standard error otherwise
        _loop = Loop()
        _loop.register()
        threading.Thread(target=_loop.run, name="neuron-libvirt-events", daemon=True).start()


def _keep_quiet(_context: object, error: tuple[object, ...]) -> None:
    _log.debug("libvirt: %s", error)
