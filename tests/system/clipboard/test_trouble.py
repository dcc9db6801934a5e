"""What goes wrong around the clipboard: whoever asks meanwhile is answered, the person told, and it heals."""

from __future__ import annotations

import gc
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from libneuron.guest.clipboard.rules import Activity, Happened, Side
from libneuron.system.clipboard.spool import MIB
from libneuron.system.clipboard.targets import PNG, TEXT
from neuron_guest.backend import BackendError
from tests.system.clipboard.conftest import WAIT, Display
from tests.system.clipboard.coupling import Coupling, host_clipboard
from tests.system.clipboard.simulated import SimulatedGuest


@pytest.fixture
def guest(tmp_path: Path) -> Iterator[SimulatedGuest]:
    made = SimulatedGuest(tmp_path)
    yield made
    made.close()


@pytest.fixture(params=["x11", "wayland"])
def desktop(request: pytest.FixtureRequest) -> Display:
    found: Display = request.getfixturevalue("display" if request.param == "x11" else "compositor")
    return found


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.fixture
def coupled(guest: SimulatedGuest, desktop: Display, spool: Path) -> Iterator[Coupling]:
    made = guest.couple(host_clipboard(desktop, spool))
    yield made
    made.close()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as made:
        yield made


def copy(
    coupled: Coupling, desktop: Display, data: bytes, target: str, *, times: int
) -> subprocess.Popen[bytes]:
    program = desktop.copy(data, target)
    coupled.seen(Happened.OFFERED, Side.HOST, times=times)
    return program


def text_of(desktop: Display) -> str:
    return "UTF8_STRING" if desktop.name else TEXT


def pasting(pool: ThreadPoolExecutor, guest: SimulatedGuest, mime: str) -> Future[bytes]:
    """A program in the guest pastes."""
    return pool.submit(guest.backend.clipboard_read, mime)


def pasted_again(pool: ThreadPoolExecutor, guest: SimulatedGuest, mime: str) -> bytes:
    """As a person does: paste until it works. xclip comes to the end of what was broken off first."""
    end = time.monotonic() + WAIT
    while True:
        try:
            return pasting(pool, guest, mime).result(WAIT)
        except BackendError:
            assert time.monotonic() < end


def failed(coupled: Coupling, source: Side) -> Activity:
    return coupled.seen(Happened.FAILED, source)[0]  # some programs ask twice


def test_a_stopped_program_holds_up_only_its_own_paste_and_works_again_once_it_goes_on(
    coupled: Coupling, guest: SimulatedGuest, desktop: Display, pool: ThreadPoolExecutor
) -> None:
    owner = copy(coupled, desktop, b"stopped", text_of(desktop), times=1)
    owner.send_signal(signal.SIGSTOP)
    try:
        paste = pasting(pool, guest, TEXT)
        coupled.guest.run(lambda api: api.ping(timeout=WAIT))
        coupled.guest.run(lambda api: api.info())
        assert coupled.bridge.status.guest
        assert not paste.done()  # everything above was answered while the program stood still
        with pytest.raises(BackendError):
            paste.result(WAIT)
        assert failed(coupled, Side.HOST).reason == "clipboard.owner-silent"
    finally:
        owner.send_signal(signal.SIGCONT)
    assert pasting(pool, guest, TEXT).result(WAIT) == b"stopped"
    owner.send_signal(signal.SIGSTOP)
    try:
        copy(coupled, desktop, b"of another program", text_of(desktop), times=2)
        assert pasting(pool, guest, TEXT).result(WAIT) == b"of another program"
    finally:
        owner.send_signal(signal.SIGCONT)


def test_a_full_spool_is_said_and_the_same_copy_crosses_once_there_is_room(
    guest: SimulatedGuest, desktop: Display, small_disk: Path, pool: ThreadPoolExecutor
) -> None:
    coupled = guest.couple(host_clipboard(desktop, small_disk / "spool"))
    picture = b"\x89PNG\r\n\x1a\n" + bytes(30 * MIB)  # of 80 MiB, 64 are left for others
    try:
        copy(coupled, desktop, picture, PNG, times=1)
        with pytest.raises(BackendError):
            pasting(pool, guest, PNG).result(WAIT)
        assert failed(coupled, Side.HOST).reason == "clipboard.disk-full"
        assert not [path for path in small_disk.rglob("*") if path.is_file()]
        subprocess.run(["mount", "-o", "remount,size=200m", small_disk], check=True)
        assert pasted_again(pool, guest, PNG) == picture
        guest.backend.copy({TEXT: b"and the other way"})
        coupled.seen(Happened.OFFERED, Side.GUEST)
        assert desktop.paste(text_of(desktop)) == b"and the other way"
    finally:
        coupled.close()
        gc.collect()  # the spool's files have no name: they go with whoever holds them


def test_a_guest_that_breaks_off_in_the_middle_is_said_and_its_next_copy_works(
    coupled: Coupling, guest: SimulatedGuest, desktop: Display, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_mime: str) -> bytes:
        raise BackendError("failed", "\x1b[31mrubbish\0" * 1000)

    with monkeypatch.context() as broken:
        guest.backend.copy({TEXT: b"x"})
        coupled.seen(Happened.OFFERED, Side.GUEST)
        broken.setattr(guest.backend, "clipboard_read", refuse)
        assert desktop.paste(text_of(desktop), check=False) == b""
        assert failed(coupled, Side.GUEST).reason == "guest.failed"
    assert desktop.paste(text_of(desktop)) == b"x"  # asked again, it is fetched again
