"""The whole host side: real programs on real desktops, the bridge, and a guest's agent in memory."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from libneuron.guest.clipboard.bridge import Bridge
from libneuron.guest.clipboard.channel import GuestClipboard
from libneuron.guest.clipboard.rules import Activity, Happened, Rules, Side
from libneuron.system.bus import LoopThread
from libneuron.system.clipboard.targets import HTML, ORIGIN, PNG, SECRET_HINT, TEXT
from libneuron.system.clipboard.wayland import WaylandClipboard
from libneuron.system.clipboard.x11 import Times, X11Clipboard
from libneuron.system.clock import RealClock
from tests.system.clipboard.conftest import WAIT, Compositor, Display
from tests.unit.guest.clipboard.fakes import Agent

EMOJI = "żółć שלום \U0001f469‍\U0001f680\nsecond line".encode()


class Rig:
    """One VM on one desktop."""

    def __init__(
        self, host: X11Clipboard | WaylandClipboard, spool: Path, io: LoopThread, origin: str, rules: Rules
    ) -> None:
        self.io = io
        self.agent = Agent()
        self.host = host
        self._news = threading.Condition()
        self._lines: list[Activity] = []
        self.bridge = Bridge(origin=origin, host=host, rules=rules, clock=RealClock(), on_activity=self._told)
        guest = GuestClipboard(self.agent, loop=io.loop, origin=origin, spool=spool)
        self.agent.event = guest.event
        self.bridge.attach(guest)

    def _told(self, line: Activity) -> None:
        with self._news:
            self._lines.append(line)
            self._news.notify_all()

    def seen(self, happened: Happened, source: Side, *, times: int = 1) -> list[Activity]:
        def found() -> list[Activity]:
            return [line for line in self._lines if line.happened is happened and line.source is source]

        with self._news:
            assert self._news.wait_for(lambda: len(found()) >= times, WAIT), self._lines[-5:]
        return found()

    def copies(self, items: dict[str, bytes], *, secret: bool = False) -> None:
        self.io.wait(self.agent.copy(items, secret=secret), timeout=WAIT)


Make = Callable[[str, Rules], Rig]


@pytest.fixture
def io() -> Iterator[LoopThread]:
    with LoopThread() as io:
        yield io


@pytest.fixture(params=["x11", "wayland"])
def desktop(request: pytest.FixtureRequest) -> Display:
    name = "display" if request.param == "x11" else "compositor"
    found: Display = request.getfixturevalue(name)
    return found


@pytest.fixture
def rigs(desktop: Display, tmp_path: Path, io: LoopThread) -> Iterator[Make]:
    made: list[Rig] = []

    def make(origin: str, rules: Rules) -> Rig:
        host: X11Clipboard | WaylandClipboard
        if isinstance(desktop, Compositor):
            host = WaylandClipboard(socket=desktop.socket, spool=tmp_path)
        else:
            host = X11Clipboard(spool=tmp_path, display=desktop.name, times=Times(ask=1.0, step=1.0))
        made.append(Rig(host, tmp_path, io, origin, rules))
        return made[-1]

    yield make
    for rig in made:
        rig.bridge.close()


@pytest.fixture
def rig(rigs: Make) -> Rig:
    return rigs("vm-1", Rules())


def holding(mime: str, data: bytes) -> Callable[[dict[str, bytes]], bool]:
    return lambda items: items.get(mime) == data


def test_text_crosses_both_ways_byte_for_byte(rig: Rig, desktop: Display) -> None:
    desktop.copy(EMOJI)
    rig.agent.until(holding(TEXT, EMOJI))
    rig.seen(Happened.OFFERED, Side.HOST)
    rig.copies({TEXT: EMOJI[::-1].decode("latin-1").encode(), HTML: b"<i>x</i>"})
    rig.seen(Happened.OFFERED, Side.GUEST)
    assert desktop.paste() == EMOJI[::-1].decode("latin-1").encode()
    assert desktop.paste(HTML) == b"<i>x</i>"
    assert desktop.paste(ORIGIN) == b"vm-1"


def test_a_large_image_crosses_to_the_guest_and_back(rig: Rig, desktop: Display) -> None:
    picture = b"\x89PNG" + bytes(range(256)) * 80_000
    desktop.copy(picture, PNG)
    rig.agent.until(holding(PNG, picture))
    rig.seen(Happened.OFFERED, Side.HOST)
    rig.copies({PNG: picture[::-1]})
    rig.seen(Happened.OFFERED, Side.GUEST)
    assert desktop.paste(PNG) == picture[::-1]


def test_a_copy_marked_as_secret_stays_where_it_is(rigs: Make, desktop: Display) -> None:
    open_handed, careful = rigs("vm-1", Rules(secrets=True)), rigs("vm-2", Rules())
    open_handed.copies({TEXT: b"hunter2"}, secret=True)
    open_handed.seen(Happened.OFFERED, Side.GUEST)
    assert desktop.paste() == b"hunter2"
    assert desktop.paste(SECRET_HINT) == b"secret"
    [line] = careful.seen(Happened.WITHHELD, Side.HOST)
    assert line.reason == "secret"
    assert careful.agent.writes == 0


def test_a_stopped_program_on_the_host_is_told_and_the_guests_next_copy_works(
    rig: Rig, desktop: Display
) -> None:
    stuck = desktop.copy(b"before")
    rig.agent.until(holding(TEXT, b"before"))
    rig.seen(Happened.OFFERED, Side.HOST)
    stuck.send_signal(signal.SIGSTOP)
    again = desktop.copy(b"and stopped")
    rig.agent.until(holding(TEXT, b"and stopped"))
    rig.seen(Happened.OFFERED, Side.HOST, times=2)
    again.send_signal(signal.SIGSTOP)
    rig.copies({TEXT: b"from the guest"})
    rig.seen(Happened.OFFERED, Side.GUEST)
    assert desktop.paste() == b"from the guest"
    for program in (stuck, again):
        program.send_signal(signal.SIGCONT)


def test_two_vms_share_through_the_host_and_come_to_rest(rigs: Make, desktop: Display) -> None:
    one, two = rigs("vm-1", Rules()), rigs("vm-2", Rules())
    desktop.copy(b"start")
    for rig in (one, two):
        rig.agent.until(holding(TEXT, b"start"))
        rig.seen(Happened.OFFERED, Side.HOST)
    one.copies({TEXT: b"from one"})
    two.agent.until(holding(TEXT, b"from one"))
    assert desktop.paste() == b"from one"
    two.seen(Happened.OFFERED, Side.HOST, times=2)
    two.copies({TEXT: b"from two"})
    one.agent.until(holding(TEXT, b"from two"))
    assert (one.agent.writes, two.agent.writes) == (2, 2)


def test_a_program_that_takes_over_our_text_is_not_taken_for_a_new_copy(rig: Rig, desktop: Display) -> None:
    rig.copies({HTML: b"<b>x</b>", TEXT: b"x"})
    rig.seen(Happened.OFFERED, Side.GUEST)
    desktop.copy(desktop.paste())
    desktop.until(lambda targets: ORIGIN not in targets)
    desktop.copy(b"really new")
    rig.agent.until(holding(TEXT, b"really new"))
    assert rig.agent.writes == 1


@pytest.mark.parametrize("desktop", ["x11"], indirect=True)
def test_two_clipboard_managers_and_the_bridge_come_to_rest(
    rig: Rig, desktop: Display, tmp_path: Path
) -> None:
    desktop.env |= {name: str(tmp_path) for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")}
    desktop.start("autocutsel", "-selection", "CLIPBOARD")
    desktop.start("parcellite", "--no-icon")
    for number in range(3):
        rig.copies({HTML: b"<b>x</b>", TEXT: f"guest {number}".encode()})
        rig.seen(Happened.CROSSED, Side.GUEST, times=number + 1)  # a manager has read it
        desktop.copy(f"host {number}".encode())
        rig.agent.until(holding(TEXT, f"host {number}".encode()))
    assert rig.agent.writes == 3


@pytest.mark.parametrize("rounds", [100, pytest.param(500, marks=pytest.mark.long)])
def test_a_storm_of_alternating_copies_on_a_real_desktop_makes_no_loop(
    rig: Rig, desktop: Display, rounds: int
) -> None:
    for number in range(rounds):
        text = f"host {number}".encode()
        desktop.copy(text)
        rig.agent.until(holding(TEXT, text))
        rig.seen(Happened.OFFERED, Side.HOST, times=number + 1)
        rig.copies({TEXT: f"guest {number}".encode()})
        rig.seen(Happened.OFFERED, Side.GUEST, times=number + 1)
        assert desktop.paste() == f"guest {number}".encode()
        desktop.end_programs()
    assert rig.agent.writes == rounds
    assert len(rig.seen(Happened.OFFERED, Side.GUEST)) == rounds


def test_a_clipboard_at_rest_waits_for_nothing_but_events(rig: Rig, desktop: Display) -> None:
    """No time limit runs while nothing is under way, so nothing wakes the machine up."""
    desktop.copy(b"x")
    rig.agent.until(holding(TEXT, b"x"))
    rig.seen(Happened.OFFERED, Side.HOST)
    waits: list[list[float | None]] = []
    asleep = threading.Event()
    real = rig.host.sleep

    def sleep(
        reads: Iterable[int], writes: Iterable[int] = (), *, until: Iterable[float | None] = ()
    ) -> set[int]:
        waits.append(list(until))
        asleep.set()
        return real(reads, writes, until=waits[-1])

    rig.host.sleep = sleep  # type: ignore[method-assign]
    rig.host.poke()
    assert asleep.wait(WAIT)
    assert set(waits[-1]) == {None}
