"""Pairing while the program runs: hand keys over, wait until the agent used them, prove that it works.

:func:`pair` knows neither libvirt nor the window: a :class:`Subject` is what is paired. It blocks and is
cancelled through its :class:`~libneuron.progress.Progress`, so it belongs on a task's thread.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Protocol, TypeVar

from libneuron.errors import NeuronError
from libneuron.guest.api import GuestApi
from libneuron.guest.keys import KeyStore
from libneuron.guest.menu import printable
from libneuron.guest.state import State
from libneuron.progress import Progress
from neuron_guest_bridge.handing_over import HandOver

_T = TypeVar("_T")
_LOOK = 1.0  # seconds after which an agent that refused is asked again: it may have seen the hand-over since
_ANEW = 5.0  # seconds after which a connection with the earlier keys is given up to try the new ones
_AGAIN = (State.NOT_PAIRED, State.IN_USE, State.NO_CHANNEL, State.FAILED)


class Stage(Enum):
    """Where pairing stands."""

    PREPARING = "preparing"
    WAITING = "waiting"  # handed over: the agent in the machine is to use it
    PROVING = "proving"


@dataclass(frozen=True)
class Prospect:
    """What pairing a machine would come to: the ``ways`` that can work there, the one that asks least first.

    ``adds_channel``: the machine's description must be changed for it; ``file``: where the third way puts
    the file.
    """

    ways: tuple[HandOver, ...]
    adds_channel: bool
    file: Path


@dataclass(frozen=True)
class Proof:
    """What answered through the encrypted channel: NeuronGuest's version, the system's and the machine's own
    name, the milliseconds of a round trip, and whether somebody is ``signed_in`` where it can see."""

    version: str
    system: str
    hostname: str
    ms: float
    signed_in: bool = True


class Connection(Protocol):
    """The machine's connection, as :class:`neuron_guest_bridge.link.Link` has it."""

    @property
    def state(self) -> State:
        """Where it stands."""

    @property
    def problem(self) -> NeuronError | None:
        """Why it is not ready."""

    @property
    def version(self) -> str:
        """NeuronGuest's version."""

    def kick(self) -> None:
        """Try again at once."""

    def ask(self, work: Callable[[GuestApi], Awaitable[_T]]) -> _T:
        """Ask the agent. Raises: GuestError."""


class Subject(Protocol):
    """A machine that can be paired; every method may block and raises GuestError."""

    @property
    def vm(self) -> str:
        """The id its keys are kept under."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def store(self) -> KeyStore:
        """Where its keys are kept."""

    def prepare(self, *, add_channel: bool) -> None:
        """It runs and has a channel, or an error says what to do."""

    def alone(self) -> AbstractContextManager[None]:
        """Inside, nobody else pairs it; what an earlier pairing left when it was killed is gone."""

    def hand_over(self, way: HandOver, text: str) -> AbstractContextManager[None]:
        """``text`` is in the machine's reach inside."""

    def reconnect(self) -> None:
        """Connect anew, with the keys there are now."""

    def connection(self) -> Connection | None:
        """The present connection."""

    def wait(self, seconds: float) -> None:
        """Until something changed, ``seconds`` at most. Raises: GuestError vm-off."""


def pair(
    subject: Subject,
    way: HandOver,
    *,
    add_channel: bool,
    told: Callable[[Stage, NeuronError | None], None],
    progress: Progress,
) -> Proof:
    """Pair ``subject``. ``told`` hears each stage, with what stands in the way so far.

    Raises: GuestError; Cancelled. Either way a machine that was not paired before is not paired afterwards.
    """
    told(Stage.PREPARING, None)
    subject.prepare(add_channel=add_channel)
    progress.check()
    with subject.alone():
        before = "paired" in subject.store.candidates(subject.vm)
        try:
            with subject.hand_over(way, subject.store.begin_enrolment(subject.vm, subject.name)):
                subject.reconnect()
                connection = _joined(subject, told, progress)
                told(Stage.PROVING, None)
                return _prove(connection)
        except BaseException:
            subject.store.give_up_enrolment(subject.vm, paired_before=before)
            subject.reconnect()
            raise


def _joined(
    subject: Subject, told: Callable[[Stage, NeuronError | None], None], progress: Progress
) -> Connection:
    anew = time.monotonic() + _ANEW
    again = 0.0  # each attempt is news by itself, and ends the wait below
    while True:
        progress.check()
        connection = subject.connection()
        problem = None
        if connection is not None:
            fresh = subject.store.candidates(subject.vm) == ("paired",)
            if connection.state is State.READY and fresh:
                return connection
            problem = connection.problem
            if connection.state in _AGAIN:
                if time.monotonic() >= again:
                    connection.kick()
                    again = time.monotonic() + _LOOK
            elif connection.state is State.READY and time.monotonic() >= anew:
                subject.reconnect()  # with the old keys: the agent had not seen the new ones yet
                anew = time.monotonic() + _ANEW
        told(Stage.WAITING, problem)
        subject.wait(_LOOK)


def _prove(connection: Connection) -> Proof:
    """A real round trip, or several: the first may have to wake the agent."""
    times = []
    for _ in range(3):
        began = time.perf_counter()
        connection.ask(lambda api: api.ping())
        times.append((time.perf_counter() - began) * 1000)
    info = connection.ask(lambda api: api.info())

    def said(key: str) -> str:
        value: Any = info.get(key)
        return printable(value)[:80] if isinstance(value, str) else ""

    system = " ".join(part for part in (said("os"), said("os_version")) if part)
    signed_in = said("session") != "none"
    return Proof(connection.version, system, said("hostname"), min(times), signed_in=signed_in)
