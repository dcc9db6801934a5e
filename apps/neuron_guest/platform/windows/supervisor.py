"""The service's thread that keeps one helper in the right session: :mod:`.sessions` decides, this does."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from neuron_guest.platform.windows import sessions, win32
from neuron_guest.platform.windows.helper_link import Caller
from neuron_guest.platform.windows.service import SessionChange
from neuron_guest.platform.windows.session_backend import SessionBackend

_log = logging.getLogger(__name__)


class Helper(Protocol):
    """A helper that was started in a session."""

    def link(self, event: Callable[[str, object], None]) -> Caller:
        """Wait until it has come to the pipe. Raises: Win32Error, Closed, TimeoutError."""

    def end(self) -> None:
        """Make it go away."""


class World(Protocol):
    """What Windows says and does."""

    def sessions(self) -> tuple[Sequence[sessions.Session], int | None]:
        """Every session, and the console's. Raises: Win32Error."""

    def start(self, session: int) -> Helper:
        """Start a helper. Raises: Win32Error."""


@dataclass(frozen=True)
class _Ready:
    session: int
    helper: Helper
    link: Caller


@dataclass(frozen=True)
class _Ended:
    session: int
    helper: Helper


Event = SessionChange | _Ready | _Ended | None


class Supervisor:
    """Runs until None arrives in ``events``."""

    def __init__(self, world: World, backend: SessionBackend, events: queue.SimpleQueue[Event]) -> None:
        self._world = world
        self._backend = backend
        self._events = events
        self._state = sessions.State()
        self._helper: Helper | None = None
        self._due: list[tuple[float, sessions.Start]] = []

    def run(self) -> None:
        """Follow the person; ends with every helper ended."""
        self._look()
        while True:
            event = self._next()
            if event is None:
                break
            self._handle(event)
            self._start_due()
        self._stop()

    def _next(self) -> Event | tuple[()]:
        """The next event; an empty tuple when a delayed start is due. Without one it sleeps for ever."""
        wait = min((at for at, _ in self._due), default=None)
        try:
            return self._events.get(timeout=None if wait is None else max(0.0, wait - time.monotonic()))
        except queue.Empty:
            return ()

    def _handle(self, event: Event | tuple[()]) -> None:
        match event:
            case SessionChange(kind, session):
                self._state = sessions.notified(self._state, kind, session)
                self._look()
            case _Ready(session, helper, link) if helper is self._helper:
                self._state = sessions.helper_ready(self._state, session)
                self._backend.attach(link)
            case _Ready(_, helper, _):
                helper.end()  # the person went away while it was starting
            case _Ended(session, helper) if helper is self._helper:
                self._helper = None
                self._backend.attach(None)
                helper.end()
                self._state, actions = sessions.helper_ended(self._state, session)
                self._do(actions)

    def _look(self) -> None:
        try:
            listed, console = self._world.sessions()
        except win32.Win32Error as error:
            _log.warning("Windows does not list its sessions: %s", error)
            return
        self._state, actions = sessions.changed(self._state, listed, console)
        self._do(actions)
        self._backend.session_is(sessions.word(self._state))

    def _do(self, actions: Sequence[sessions.Action]) -> None:
        for action in actions:
            if isinstance(action, sessions.Stop):
                self._stop()
            else:
                self._due.append((time.monotonic() + action.delay, action))
        self._start_due()

    def _stop(self) -> None:
        self._due.clear()
        self._backend.attach(None)
        helper, self._helper = self._helper, None
        if helper is not None:
            helper.end()

    def _start_due(self) -> None:
        now = time.monotonic()
        ready = [action for at, action in self._due if at <= now]
        self._due = [(at, action) for at, action in self._due if at > now]
        for action in ready:
            self._start(action.session)

    def _start(self, session: int) -> None:
        try:
            helper = self._world.start(session)
        except win32.Win32Error as error:
            _log.warning("no helper in session %s: %s", session, error)
            self._state, actions = sessions.helper_ended(self._state, session)
            self._do(actions)
            return
        self._helper = helper
        threading.Thread(target=self._attend, args=(session, helper), name="helper", daemon=True).start()

    def _attend(self, session: int, helper: Helper) -> None:
        """One helper's life, on a thread of its own."""
        try:
            link = helper.link(self._backend.event)
            self._events.put(_Ready(session, helper, link))
            link.run()
        except Exception as error:  # noqa: BLE001 — whatever ends a helper, another one is started
            _log.warning("the helper in session %s is gone: %s", session, error)
        self._events.put(_Ended(session, helper))
