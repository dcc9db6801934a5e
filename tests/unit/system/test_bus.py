"""A real message bus: calls, errors, signals, time limits."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator

import pytest

from libneuron.system.bus import Bus, LoopThread, Signal
from libneuron.system.errors import SystemAccessError

DBUS = "org.freedesktop.DBus"


@pytest.fixture
def address() -> Iterator[str]:
    daemon = subprocess.Popen(
        ["dbus-daemon", "--session", "--nofork", "--print-address"], stdout=subprocess.PIPE, text=True
    )
    assert daemon.stdout is not None
    yield daemon.stdout.readline().strip()
    daemon.terminate()
    daemon.wait(10)
    daemon.stdout.close()


@pytest.fixture
def io() -> Iterator[LoopThread]:
    with LoopThread() as thread:
        yield thread


def test_a_call_comes_back_as_plain_values(io: LoopThread, address: str) -> None:
    async def work() -> tuple[object, list[str]]:
        bus = await Bus.open(address=address)
        try:
            features = await bus.get(DBUS, "/org/freedesktop/DBus", DBUS, "Features")
            (names,) = await bus.call(DBUS, "/org/freedesktop/DBus", DBUS, "ListNames")
            return features, list(names)
        finally:
            await bus.close()

    features, names = io.wait(work(), timeout=20)
    assert isinstance(features, list)
    assert DBUS in names


def test_a_refusal_names_the_service_and_keeps_the_whole_answer(io: LoopThread, address: str) -> None:
    async def work() -> None:
        bus = await Bus.open(address=address)
        try:
            await bus.call("org.example.Nobody", "/", "org.example.Nobody", "Do")
        finally:
            await bus.close()

    with pytest.raises(SystemAccessError) as refused:
        io.wait(work(), timeout=20)
    assert refused.value.code == "system.bus-error"
    assert "ServiceUnknown" in refused.value.details


def test_a_silent_service_costs_only_its_time_limit(io: LoopThread, address: str) -> None:
    async def work() -> None:
        silent = await Bus.open(address=address)
        silent.connection.add_message_handler(lambda _message: True)  # takes every call, answers none
        caller = await Bus.open(address=address)
        try:
            await caller.call(silent.connection.unique_name or "", "/", "org.example.A", "Do", timeout=0.2)
        finally:
            await caller.close()
            await silent.close()

    with pytest.raises(SystemAccessError) as refused:
        io.wait(work(), timeout=20)
    assert refused.value.code == "system.bus-timeout"


def test_signals_arrive(io: LoopThread, address: str) -> None:
    async def work() -> Signal:
        heard: asyncio.Queue[Signal] = asyncio.Queue()
        bus = await Bus.open(address=address)
        rule = f"type='signal',interface='{DBUS}',member='NameOwnerChanged',arg0='org.example.Here'"
        await bus.subscribe(rule, heard.put_nowait)
        other = await Bus.open(address=address)
        await other.call(DBUS, "/org/freedesktop/DBus", DBUS, "RequestName", "su", ("org.example.Here", 0))
        try:
            while True:
                async with asyncio.timeout(10):
                    signal = await heard.get()
                if signal.member == "NameOwnerChanged" and signal.body[0] == "org.example.Here":
                    return signal
        finally:
            await other.close()
            await bus.close()

    assert io.wait(work(), timeout=20).body[1] == ""


def test_no_bus_is_said_in_a_sentence(io: LoopThread) -> None:
    with pytest.raises(SystemAccessError, match="cannot be reached"):
        io.wait(Bus.open(address="unix:path=/nonexistent/bus"), timeout=20)


def test_closing_the_loop_cancels_what_runs() -> None:
    thread = LoopThread()
    future = thread.submit(asyncio.sleep(600))
    thread.close()
    assert future.cancelled()
    thread.close()
