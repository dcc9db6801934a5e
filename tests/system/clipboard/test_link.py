"""A machine's connection as the app keeps it: what its clipboard is left with when the app quits."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from libneuron.guest.permissions import PermissionStore
from libneuron.guest.transport import UnixSocketEndpoint
from libneuron.system.bus import LoopThread
from libneuron.system.clipboard.targets import TEXT
from libneuron.system.clock import RealClock
from neuron_guest.backend import BackendError
from neuron_guest_bridge.activity import Moving, Way
from neuron_guest_bridge.link import Link, Surroundings
from neuron_guest_bridge.sharing import Choices
from tests.system.clipboard.conftest import WAIT, Display
from tests.system.clipboard.coupling import host_clipboard
from tests.system.clipboard.simulated import SimulatedGuest


@pytest.fixture
def guest(tmp_path: Path) -> Iterator[SimulatedGuest]:
    made = SimulatedGuest(tmp_path)
    yield made
    made.close()


@pytest.fixture
def moving() -> list[Moving]:
    """What the link told of so far."""
    return []


@pytest.fixture
def link(
    guest: SimulatedGuest,
    display: Display,
    tmp_path: Path,
    moving: list[Moving],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Link]:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):  # windows are not looked at
        monkeypatch.delenv(name, raising=False)
    io = LoopThread()
    around = Surroundings(
        io=io,
        clock=RealClock(),
        permissions=PermissionStore(tmp_path / "permissions"),
        choices=Choices(tmp_path / "choices"),
        runtime=tmp_path / "run",
        spool=tmp_path / "spool",
        host_clipboard=lambda: host_clipboard(display, tmp_path / "spool"),
        changed=lambda _machine: None,
        happened=lambda _line: None,
        moving=moving.append,
    )
    made = Link("vm", "VM", UnixSocketEndpoint(tmp_path / "socket", "VM"), guest.keys(), around)
    yield made
    made.close()
    io.close()


def until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + WAIT
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def offered(guest: SimulatedGuest) -> tuple[str, ...]:
    return guest.backend.clipboard_offer().formats


def test_a_promised_copy_is_taken_back_when_the_app_quits(
    link: Link, guest: SimulatedGuest, display: Display
) -> None:
    until(lambda: link.sharing)
    display.copy(b"promised")
    until(lambda: TEXT in offered(guest))
    link.close()
    assert offered(guest) == ()


def test_what_was_pasted_already_stays_and_was_told_of_from_its_beginning_to_its_end(
    link: Link, guest: SimulatedGuest, display: Display, moving: list[Moving]
) -> None:
    until(lambda: link.sharing)
    display.copy(b"pasted")
    until(lambda: TEXT in offered(guest))
    assert guest.backend.clipboard_read(TEXT) == b"pasted"
    until(lambda: moving and moving[-1].over.is_set())
    assert (moving[-1].machine, moving[-1].way) == ("vm", Way.TO_GUEST)
    assert moving[-1].progress.view().done == len(b"pasted")
    link.close()
    assert guest.backend.clipboard_read(TEXT) == b"pasted"


def test_a_paste_that_waits_ends_when_the_app_quits(
    link: Link, guest: SimulatedGuest, display: Display
) -> None:
    until(lambda: link.sharing)
    owner = display.copy(b"never")
    until(lambda: TEXT in offered(guest))
    owner.send_signal(signal.SIGSTOP)
    try:
        with ThreadPoolExecutor(1) as pool:
            paste = pool.submit(guest.backend.clipboard_read, TEXT)
            until(lambda: link.clipboard().guest._promise._pastes)
            link.close()
            with pytest.raises(BackendError):
                paste.result(WAIT)
    finally:
        owner.send_signal(signal.SIGCONT)
    assert offered(guest) == ()


def test_a_machine_that_stands_still_does_not_hold_up_the_end(
    link: Link, guest: SimulatedGuest, display: Display, monkeypatch: pytest.MonkeyPatch
) -> None:
    until(lambda: link.sharing)
    display.copy(b"promised")
    until(lambda: TEXT in offered(guest))
    asked: list[float] = []

    async def silent(*_words: object, **_more: object) -> None:
        asked.append(1)
        await link._around.io.loop.create_future()

    monkeypatch.setattr(link._guest.api, "promise_clipboard", silent)
    link.close()
    assert asked
