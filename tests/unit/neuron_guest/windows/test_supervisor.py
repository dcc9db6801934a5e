"""The supervisor does what the session rules decide, and survives helpers and Windows that fail."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import pytest

from neuron_guest.platform.windows import sessions
from neuron_guest.platform.windows.helper_link import Caller
from neuron_guest.platform.windows.service import SessionChange
from neuron_guest.platform.windows.session_backend import SessionBackend
from neuron_guest.platform.windows.sessions import Session
from neuron_guest.platform.windows.supervisor import Event, Supervisor
from neuron_guest.platform.windows.win32 import Win32Error

ANN, BEN = Session(1, 0, "ann"), Session(2, 0, "ben")


class SilentStream:
    """A pipe on which nothing comes until it is closed."""

    def __init__(self) -> None:
        self.closed = threading.Event()

    def read(self, size: int) -> bytes:
        self.closed.wait(30)
        return b""

    def write(self, data: bytes) -> None:
        return

    def close(self) -> None:
        self.closed.set()


class FakeHelper:
    def __init__(self, session: int) -> None:
        self.session = session
        self.stream = SilentStream()

    def link(self, event: Callable[[str, object], None]) -> Caller:
        return Caller(self.stream, event)

    def end(self) -> None:
        self.stream.close()


@dataclass
class FakeWorld:
    listed: list[Session] = field(default_factory=list)
    console: int | None = 1
    failing: int = 0
    started: queue.SimpleQueue[FakeHelper] = field(default_factory=queue.SimpleQueue)

    def sessions(self) -> tuple[Sequence[Session], int | None]:
        return self.listed, self.console

    def start(self, session: int) -> FakeHelper:
        if self.failing:
            self.failing -= 1
            raise Win32Error("CreateProcessAsUserW", 5)
        helper = FakeHelper(session)
        self.started.put(helper)
        return helper


class Running:
    def __init__(self) -> None:
        self.world = FakeWorld([ANN])
        self.backend = SessionBackend()
        self.events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.thread = threading.Thread(target=Supervisor(self.world, self.backend, self.events).run)

    def next_helper(self) -> FakeHelper:
        return self.world.started.get(timeout=10)


@pytest.fixture
def running() -> Iterator[Running]:
    made = Running()
    yield made
    made.events.put(None)
    made.thread.join(10)
    assert not made.thread.is_alive()


def test_the_helper_follows_the_person_to_another_session(running: Running) -> None:
    running.thread.start()
    first = running.next_helper()
    assert first.session == 1
    running.world.listed, running.world.console = [Session(1, 4, "ann"), BEN], 2
    running.events.put(SessionChange(1, 2))
    assert running.next_helper().session == 2
    assert first.stream.closed.wait(10)


@pytest.mark.expect_log("neuron_guest.platform.windows.supervisor")
def test_a_helper_that_dies_or_does_not_start_comes_again(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "_FIRST_DELAY", 0.01)
    running.thread.start()
    running.next_helper().stream.close()
    running.world.failing = 2
    assert running.next_helper().session == 1


def test_stopping_ends_the_helper(running: Running) -> None:
    running.thread.start()
    helper = running.next_helper()
    running.events.put(None)
    assert helper.stream.closed.wait(10)


def test_a_lock_is_known_to_the_backend(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    words: queue.SimpleQueue[str] = queue.SimpleQueue()
    monkeypatch.setattr(running.backend, "session_is", words.put)
    running.thread.start()
    assert words.get(timeout=10) == "active"
    running.events.put(SessionChange(sessions.LOCK, 1))
    assert words.get(timeout=10) == "locked"
    running.events.put(SessionChange(sessions.UNLOCK, 1))
    assert words.get(timeout=10) == "active"
