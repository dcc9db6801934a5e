"""Which session's helper shall run: decided from what Windows says about sessions. No I/O.

The service lives in session 0, which has no desktop of a person (Microsoft, "Application Compatibility:
Session 0 Isolation"). One helper runs in the session whose screen the VM shows: the active one. A locked
session keeps its helper, so that unlocking costs nothing; a switched-away or ended one loses it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum

LOGON, LOGOFF, LOCK, UNLOCK = 5, 6, 7, 8
"""WTS_SESSION_… codes of a service's session change (Microsoft, WM_WTSSESSION_CHANGE)."""


class Connection(IntEnum):
    """WTS_CONNECTSTATE_CLASS, as far as it matters."""

    ACTIVE = 0
    CONNECTED = 1
    DISCONNECTED = 4


@dataclass(frozen=True)
class Session:
    """A session as Windows lists it. ``user`` is empty while nobody is signed in."""

    number: int
    connection: int
    user: str
    locked: bool = False


@dataclass(frozen=True)
class Start:
    """Start a helper in this session, after ``delay`` seconds."""

    session: int
    delay: float


@dataclass(frozen=True)
class Stop:
    """End the helper of this session."""

    session: int


Action = Start | Stop

_FIRST_DELAY, _LONGEST_DELAY = 0.5, 30.0


@dataclass(frozen=True)
class State:
    """Where the helper runs or is about to, what is locked, and how often it died in a row there."""

    helper: int | None = None
    failures: int = 0
    locked: frozenset[int] = field(default_factory=frozenset)


def chosen(sessions: Sequence[Session], console: int | None) -> Session | None:
    """The session a helper belongs in: the console's if a person is active there, else any active one.

    Session 0 is for services only; remote desktop sessions count when nobody sits at the console.
    """
    active = [
        session
        for session in sessions
        if session.connection == Connection.ACTIVE and session.user and session.number != 0
    ]
    return min(active, key=lambda session: (session.number != console, session.number), default=None)


def changed(state: State, sessions: Sequence[Session], console: int | None) -> tuple[State, Sequence[Action]]:
    """Sessions changed (or are seen first): the helper follows the person."""
    session = chosen(sessions, console)
    wanted = session.number if session else None
    locked = state.locked & {each.number for each in sessions} | {
        each.number for each in sessions if each.locked
    }
    if wanted == state.helper:
        return replace(state, locked=locked), ()
    actions: list[Action] = []
    if state.helper is not None:
        actions.append(Stop(state.helper))
    if wanted is not None:
        actions.append(Start(wanted, 0.0))
    return State(wanted, 0, locked), actions


def notified(state: State, kind: int, session: int) -> State:
    """A session change notification: what it says about locks. Lists of sessions are read afterwards."""
    if kind == LOCK:
        return replace(state, locked=state.locked | {session})
    if kind in (UNLOCK, LOGON, LOGOFF):
        return replace(state, locked=state.locked - {session})
    return state


def helper_ready(state: State, session: int) -> State:
    """A helper answered: failures are forgotten."""
    return replace(state, failures=0) if state.helper == session else state


def helper_ended(state: State, session: int) -> tuple[State, Sequence[Action]]:
    """A helper ended by itself: start it again, later each time, as long as its session is the chosen one."""
    if state.helper != session:
        return state, ()
    delay = min(_FIRST_DELAY * 2 ** min(state.failures, 10), _LONGEST_DELAY)
    return replace(state, failures=state.failures + 1), (Start(session, delay),)


def word(state: State) -> str:
    """The session's state as ``get_info`` tells it: "none", "locked" or "active"."""
    if state.helper is None:
        return "none"
    return "locked" if state.helper in state.locked else "active"
