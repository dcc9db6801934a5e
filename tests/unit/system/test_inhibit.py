"""Shutdown and sleep wait while something must not be cut off. logind is python-dbusmock's."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import dbusmock
import pytest

from libneuron.system.bus import LoopThread
from libneuron.system.calls import BlockingBus
from libneuron.system.inhibit import awake
from tests.system.lab.shell import until

NAME, PATH, MANAGER = "org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager"


@pytest.fixture
def bus() -> Iterator[BlockingBus]:
    read, write = os.pipe()
    daemon = subprocess.Popen(
        ["dbus-daemon", "--session", "--nofork", f"--print-address={write}"], pass_fds=[write]
    )
    os.close(write)
    address = os.read(read, 4096).decode().strip()
    os.close(read)
    with LoopThread() as loop:
        made = BlockingBus(loop, address=address)
        yield made
        made.close()
    daemon.terminate()
    daemon.wait(10)


@pytest.fixture
def logind(bus: BlockingBus, tmp_path: Path) -> Iterator[None]:
    """The template needs GLib's bindings, which the system's Python has."""
    (tmp_path / "dbusmock").symlink_to(Path(dbusmock.__file__).parent)
    own = {"PYTHONPATH": str(tmp_path), "DBUS_SYSTEM_BUS_ADDRESS": str(bus.address)}
    mock = subprocess.Popen(
        ["/usr/bin/python3", "-m", "dbusmock", "--template", "logind"],
        env={**os.environ, **own, "DBUS_SESSION_BUS_ADDRESS": str(bus.address)},
        stdout=subprocess.DEVNULL,
    )
    daemon = "org.freedesktop.DBus"
    until(
        lambda: bus.call(daemon, "/org/freedesktop/DBus", daemon, "NameHasOwner", "s", (NAME,))[0],
        timeout=20,
        what="logind",
    )
    yield
    mock.terminate()
    mock.wait(10)


def inhibitors(bus: BlockingBus) -> list[list[object]]:
    found: list[list[object]] = bus.call(NAME, PATH, MANAGER, "ListInhibitors")[0]
    return found


@pytest.mark.usefixtures("logind")
def test_shutdown_and_sleep_are_held_back_exactly_while_the_work_runs(bus: BlockingBus) -> None:
    with awake(bus, who="Update Guardian", why="The system is being rolled back") as held:
        assert held
        ((what, who, _why, mode, *_),) = inhibitors(bus)
        assert (what, who, mode) == ("shutdown:sleep", "Update Guardian", "block")
    until(lambda: not inhibitors(bus), timeout=20, what="the lock to go")


@pytest.mark.usefixtures("logind")
def test_work_that_fails_lets_go_too(bus: BlockingBus) -> None:
    with pytest.raises(ZeroDivisionError), awake(bus, who="x", why="y"):
        _ = 1 / 0
    until(lambda: not inhibitors(bus), timeout=20, what="the lock to go")


def test_where_there_is_no_logind_the_work_is_done_all_the_same(bus: BlockingBus) -> None:
    with awake(bus, who="x", why="y") as held:
        assert not held
    with awake(None, who="x", why="y") as held:
        assert not held
