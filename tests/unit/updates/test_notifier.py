"""The person is told once, with buttons where the desktop has them. The daemon is python-dbusmock's."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from dbus_fast import Variant

from libneuron.errors import english
from libneuron.system.bus import Bus, LoopThread, Signal
from neuron_update_guardian.model import Timeline, timeline
from neuron_update_guardian.notifier import news, read_told, tell
from tests.ui.scenes.guardian import BAD

NAME, PATH = "org.freedesktop.Notifications", "/org/freedesktop/Notifications"


@contextmanager
def daemon(capabilities: str) -> Iterator[str]:
    """A session bus with a notification daemon; its address."""
    read, write = os.pipe()
    bus = subprocess.Popen(
        ["dbus-daemon", "--session", "--nofork", f"--print-address={write}"], pass_fds=[write]
    )
    os.close(write)
    address = os.read(read, 4096).decode().strip()
    os.close(read)
    words = ["--template", "notification_daemon", "-p", f'{{"capabilities": "{capabilities}"}}']
    mock = subprocess.Popen(
        [sys.executable, "-m", "dbusmock", *words],
        env={**os.environ, "DBUS_SESSION_BUS_ADDRESS": address},
        stdout=subprocess.DEVNULL,
    )
    try:
        yield address
    finally:
        for process in (mock, bus):
            process.terminate()
            process.wait(10)


async def owned(bus: Bus) -> None:
    """Wait until the daemon is there."""
    appeared = asyncio.Event()
    await bus.subscribe(f"type='signal',member='NameOwnerChanged',arg0='{NAME}'", lambda _s: appeared.set())
    dbus = "org.freedesktop.DBus"
    (there,) = await bus.call(dbus, "/org/freedesktop/DBus", dbus, "NameHasOwner", "s", (NAME,))
    if not there:
        await appeared.wait()


def bad() -> Timeline:
    return timeline(BAD)


async def tell_and_press(address: str, state: Path, key: str | None) -> tuple[str | None, tuple[Any, ...]]:
    """Tell the bad news; when it shows, press ``key`` (None: close it). (choice, the arguments of Notify)."""
    bus, other = await Bus.open(address=address), await Bus.open(address=address)
    await owned(bus)
    shown: asyncio.Queue[Signal] = asyncio.Queue()
    mock = "org.freedesktop.DBus.Mock"
    await other.subscribe(f"type='signal',interface='{mock}',member='MethodCalled'", shown.put_nowait)
    item = news(bad(), "", english)
    assert item is not None
    telling = asyncio.ensure_future(tell(bus, item, state))
    call = await shown.get()
    while call.body[0] != "Notify":
        call = await shown.get()
    if not telling.done():
        signal = ("ActionInvoked", "us", [1, key]) if key else ("NotificationClosed", "uu", [1, 2])
        kinds = {"us": ("u", "s"), "uu": ("u", "u")}[signal[1]]
        body = [Variant(kind, value) for kind, value in zip(kinds, signal[2], strict=True)]
        await other.call(NAME, PATH, mock, "EmitSignal", "sssav", (NAME, signal[0], signal[1], body))
    async with asyncio.timeout(20):
        choice = await telling
    await bus.close()
    await other.close()
    return choice, tuple(call.body[1])


@pytest.mark.parametrize("key", ["rollback", "details", "keep", None])
def test_the_button_that_is_pressed_is_what_comes_back(tmp_path: Path, key: str | None) -> None:
    with daemon("actions body") as address, LoopThread() as loop:
        choice, arguments = loop.wait(tell_and_press(address, tmp_path, key), timeout=60)
    assert choice == key
    assert list(arguments[5])[::2] == ["details", "rollback", "keep"]
    assert "sddm.service" in arguments[4]
    assert read_told(tmp_path)


def test_without_actions_the_text_says_what_to_do_and_nobody_waits(tmp_path: Path) -> None:
    with daemon("body") as address, LoopThread() as loop:
        choice, arguments = loop.wait(tell_and_press(address, tmp_path, None), timeout=60)
    assert choice is None
    assert list(arguments[5]) == []
    assert "Open Update Guardian" in arguments[4]


def test_what_was_told_is_not_told_again_but_a_new_verdict_is(tmp_path: Path) -> None:
    first = news(bad(), "", english)
    assert first is not None
    assert news(bad(), first.key, english) is None
    healed = {**BAD, "updates": [{**BAD["updates"][0], "healthy": True, "verdict": {}}]}
    again = news(timeline(healed), first.key, english)
    assert again is not None
    assert again.note.title == "Updated, all good"
    assert not again.note.actions, "good news are quiet"


def test_an_update_in_progress_is_no_news() -> None:
    going = {**BAD, "updates": [{**BAD["updates"][0], "stage": "open"}], "rollbacks": []}
    assert news(timeline(going), "", english) is None


def test_where_no_roll_back_is_possible_none_is_offered() -> None:
    item = news(timeline({**BAD, "obstacle": {"message": "no btrfs", "hint": ""}}), "", english)
    assert item is not None
    assert list(item.note.actions) == ["details", "keep"]
