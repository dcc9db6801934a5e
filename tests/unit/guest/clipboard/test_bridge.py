"""The bridge between a desktop's clipboard and a guest's agent, both in memory."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest

from libneuron.guest.clipboard.bridge import Bridge, Status, Transfer
from libneuron.guest.clipboard.channel import GuestClipboard
from libneuron.guest.clipboard.rules import Activity, Direction, Happened, Rules, Side
from libneuron.guest.wire.transfers import WANTED
from libneuron.system.bus import LoopThread
from libneuron.system.clipboard.errors import ClipboardError
from libneuron.system.clipboard.spool import Content, SpoolLimits
from libneuron.system.clipboard.targets import FILES, HTML, PNG, TEXT
from libneuron.system.clock import RealClock
from tests.unit.guest.clipboard.fakes import WAIT, Agent, Desktop


def holding(text: bytes) -> Callable[[dict[str, bytes]], bool]:
    return lambda items: items.get(TEXT) == text


class Rig:
    """A bridge with both clipboards and everything it tells."""

    def __init__(self, io: LoopThread, spool: Path, rules: Rules) -> None:
        self.io = io
        self.spool = spool
        self.desktop = Desktop()
        self.agent = Agent()
        self.transfers: list[Transfer] = []
        self.statuses: list[Status] = []
        self._news = threading.Condition()
        self.bridge = Bridge(
            origin="vm-1",
            host=self.desktop,
            rules=rules,
            clock=RealClock(),
            on_activity=self._told,
            on_transfer=self.transfers.append,
            on_status=self.statuses.append,
        )
        self.connect()

    def connect(self) -> None:
        guest = GuestClipboard(self.agent, loop=self.io.loop, origin="vm-1", spool=self.spool)
        self.agent.event = guest.event
        self.bridge.attach(guest)
        self.guest = guest

    def _told(self, _activity: Activity) -> None:
        with self._news:
            self._news.notify_all()

    def until(self, wanted: Callable[[tuple[Activity, ...]], bool]) -> tuple[Activity, ...]:
        """The activities, once they are as ``wanted``."""
        with self._news:
            assert self._news.wait_for(lambda: wanted(self.bridge.activities), WAIT), self.bridge.activities
        return self.bridge.activities

    def seen(self, happened: Happened, source: Side, *, times: int = 1) -> list[Activity]:
        def found(lines: tuple[Activity, ...]) -> list[Activity]:
            return [line for line in lines if line.happened is happened and line.source is source]

        return found(self.until(lambda lines: len(found(lines)) >= times))

    def guest_copies(self, items: dict[str, bytes], *, secret: bool = False) -> None:
        self.io.wait(self.agent.copy(items, secret=secret), timeout=WAIT)

    def settle(self) -> None:
        """Everything posted to the loop so far has been handled."""

        async def turn() -> None:
            return

        for _ in range(20):
            self.io.wait(turn(), timeout=WAIT)


@pytest.fixture
def rules() -> Rules:
    return Rules()


@pytest.fixture
def rig(tmp_path: Path, rules: Rules) -> Iterator[Rig]:
    with LoopThread() as io:
        rig = Rig(io, tmp_path, rules)
        rig.settle()
        yield rig
        rig.bridge.close()


def test_a_guest_copy_is_offered_and_read_only_when_pasted(rig: Rig) -> None:
    rig.guest_copies({HTML: b"<b>x</b>", TEXT: "żółć שלום \U0001f680".encode()})
    [line] = rig.seen(Happened.OFFERED, Side.GUEST)
    assert line.size is None
    assert rig.desktop.paste(TEXT).result(WAIT).whole() == "żółć שלום \U0001f680".encode()
    [line] = rig.seen(Happened.CROSSED, Side.GUEST)
    assert (line.formats, line.size) == ((TEXT,), len("żółć שלום \U0001f680".encode()))


def test_a_host_copy_reaches_the_guest_with_all_its_formats(rig: Rig) -> None:
    rig.desktop.copy({HTML: b"<b>x</b>", TEXT: b"x", PNG: b"\x89PNG"})
    assert rig.agent.until(lambda items: bool(items)) == {HTML: b"<b>x</b>", TEXT: b"x", PNG: b"\x89PNG"}
    rig.seen(Happened.OFFERED, Side.HOST)
    rig.settle()
    assert (rig.desktop.claims, rig.agent.reads) == (0, 0)  # the agent's own copy did not come back


def test_a_thousand_alternating_copies_make_no_loop(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("libneuron.guest.pace.CALM", 1e-6)  # no person copies this fast
    for number in range(500):
        text = f"host {number}".encode()
        rig.desktop.copy({TEXT: text})
        rig.agent.until(holding(text))
        rig.seen(Happened.OFFERED, Side.HOST, times=min(number + 1, 100))
        rig.settle()
        rig.guest_copies({TEXT: f"guest {number}".encode()})
        rig.settle()
        assert rig.desktop.paste(TEXT).result(WAIT).whole() == f"guest {number}".encode()
    rig.settle()
    assert (rig.agent.writes, rig.desktop.claims) == (500, 500)


def test_a_secret_never_leaves_its_side_not_even_into_the_spool(rig: Rig) -> None:
    rig.desktop.copy({TEXT: b"hunter2"}, secret=True)
    rig.guest_copies({TEXT: b"hunter3"}, secret=True)
    assert [line.reason for line in rig.seen(Happened.WITHHELD, Side.HOST)] == ["secret"]
    assert [line.reason for line in rig.seen(Happened.WITHHELD, Side.GUEST)] == ["secret"]
    rig.settle()
    assert (rig.agent.writes, rig.desktop.claims, rig.desktop.reads) == (0, 0, [])
    assert not any("hunter" in repr(line) for line in rig.bridge.activities)


def test_a_guest_event_that_does_not_say_it_is_harmless_is_secret(rig: Rig) -> None:
    rig.io.loop.call_soon_threadsafe(rig.guest.event, "clipboard_offered", {"formats": [TEXT]})
    assert [line.reason for line in rig.seen(Happened.WITHHELD, Side.GUEST)] == ["secret"]


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"formats": None, "secret": False},
        {"formats": "text/plain", "secret": False},
        {"formats": [1, None, {}, "x" * 100_000, "text/x-evil"], "secret": False},
        {"formats": [TEXT] * 100_000, "secret": 0, "own": "yes"},
    ],
)
def test_rubbish_from_the_guest_claims_nothing(rig: Rig, data: dict[str, object]) -> None:
    rig.io.loop.call_soon_threadsafe(rig.guest.event, "clipboard_offered", data)
    rig.settle()
    assert rig.desktop.claims == 0


def test_names_of_files_do_not_cross_on_their_own(rig: Rig) -> None:
    rig.desktop.copy({FILES: b"file:///etc/passwd\r\n", TEXT: b"/etc/passwd"})
    assert rig.agent.until(lambda items: bool(items)) == {TEXT: b"/etc/passwd"}


def test_a_copy_larger_than_the_limit_is_told(rig: Rig) -> None:
    rig.bridge.set_rules(Rules(most=10))
    rig.desktop.copy({TEXT: bytes(11)})
    assert {line.reason for line in rig.seen(Happened.FAILED, Side.HOST)} == {"clipboard.too-large"}
    assert rig.agent.writes == 0


def test_a_stuck_owner_on_the_host_blocks_no_call_and_no_other_copy(rig: Rig) -> None:
    rig.desktop.stuck = []
    rig.desktop.copy({TEXT: b"never"})
    rig.guest_copies(
        {TEXT: b"from the guest"}
    )  # ties with the pending claim: the host's copy keeps its right
    rig.bridge.send(Side.GUEST)
    rig.seen(Happened.OFFERED, Side.GUEST)
    assert rig.desktop.paste(TEXT).result(WAIT).whole() == b"from the guest"
    for future in rig.desktop.stuck:
        future.set_exception(ClipboardError("clipboard.owner-silent"))
    rig.seen(Happened.FAILED, Side.HOST)


def test_settings_change_at_once_also_for_what_is_offered(rig: Rig) -> None:
    rig.guest_copies({TEXT: b"x"})
    rig.seen(Happened.OFFERED, Side.GUEST)
    claim = rig.desktop.claimed
    assert claim is not None
    rig.bridge.set_rules(Rules(direction=Direction.TO_GUEST))
    assert rig.desktop.claimed is None
    with pytest.raises(ClipboardError):
        claim.fetch(TEXT).result(WAIT)
    assert rig.statuses[-1].rules.direction is Direction.TO_GUEST


def test_a_manager_that_took_over_without_the_mark_is_not_taken_for_a_copy(rig: Rig) -> None:
    rig.guest_copies({HTML: b"<b>x</b>", TEXT: b"x"})
    rig.seen(Happened.OFFERED, Side.GUEST)
    rig.desktop.paste(TEXT).result(WAIT)
    rig.seen(Happened.CROSSED, Side.GUEST)
    rig.desktop.copy({TEXT: b"x"})
    rig.settle()
    assert rig.agent.writes == 0
    rig.desktop.copy({TEXT: b"y"})
    rig.agent.until(lambda items: items.get(TEXT) == b"y")


def test_a_guest_that_left_and_came_back_shares_again(rig: Rig) -> None:
    rig.bridge.detach()
    rig.desktop.copy({TEXT: b"meanwhile"})
    assert not rig.bridge.status.guest
    rig.connect()
    rig.agent.until(lambda items: items.get(TEXT) == b"meanwhile")
    rig.settle()
    rig.guest_copies({TEXT: b"new"})
    rig.seen(Happened.OFFERED, Side.GUEST)
    assert rig.desktop.paste(TEXT).result(WAIT).whole() == b"new"


def test_a_guest_that_still_holds_our_copy_when_it_comes_back_can_copy_at_once(rig: Rig) -> None:
    rig.desktop.copy({TEXT: b"ours"})
    rig.agent.until(lambda items: items.get(TEXT) == b"ours")
    rig.seen(Happened.OFFERED, Side.HOST)
    rig.bridge.detach()
    rig.connect()
    rig.seen(Happened.OFFERED, Side.HOST, times=2)
    rig.guest_copies({TEXT: b"new"})
    rig.seen(Happened.OFFERED, Side.GUEST)


def test_a_transfer_from_the_guest_can_be_cancelled(rig: Rig) -> None:
    begun = threading.Event()

    async def never(_mime: str) -> bytes:
        begun.set()
        return await rig.io.loop.create_future()  # type: ignore[no-any-return]

    rig.agent.instead = never
    rig.guest_copies({TEXT: b"x"})
    rig.seen(Happened.OFFERED, Side.GUEST)
    paste = rig.desktop.paste(TEXT)
    assert begun.wait(WAIT)
    [transfer] = rig.transfers
    assert transfer.progress.cancel()
    assert paste.exception(WAIT) is not None
    assert [line.reason for line in rig.seen(Happened.FAILED, Side.GUEST)] == ["cancelled"]


def test_a_copy_made_in_the_guest_during_a_read_is_not_taken_for_the_older_one(rig: Rig) -> None:
    async def slow(_mime: str) -> bytes:
        await rig.agent.copy({TEXT: b"second"})
        return b"second"

    rig.guest_copies({TEXT: b"first"})
    rig.seen(Happened.OFFERED, Side.GUEST)
    claim = rig.desktop.claimed
    assert claim is not None
    rig.agent.instead = slow
    with pytest.raises(ClipboardError) as caught:
        claim.fetch(TEXT).result(WAIT)
    assert caught.value.code == "clipboard.stale"


def test_closing_ends_what_waits(rig: Rig) -> None:
    async def never(_mime: str) -> bytes:
        return await rig.io.loop.create_future()  # type: ignore[no-any-return]

    rig.agent.instead = never
    rig.guest_copies({TEXT: b"x"})
    rig.seen(Happened.OFFERED, Side.GUEST)
    paste: Future[Content] = rig.desktop.paste(TEXT)
    rig.bridge.close()
    assert isinstance(paste.exception(WAIT), ClipboardError)
    assert rig.desktop.closed
    late = rig.guest.read(1, TEXT, SpoolLimits())
    assert isinstance(late.exception(WAIT), ClipboardError)


def test_a_display_that_is_lost_is_shown(rig: Rig) -> None:
    assert rig.bridge.status.host == "memory"
    rig.desktop.lost(ClipboardError("clipboard.unavailable"))
    assert rig.statuses[-1].host == ""


@pytest.fixture
def promising(rig: Rig) -> Rig:
    """The same with an agent that fetches what is pasted."""
    rig.agent.promising = True
    return rig


def promised(rig: Rig, formats: tuple[str, ...]) -> None:
    with rig.agent.news:
        assert rig.agent.news.wait_for(lambda: rig.agent.promised == formats, WAIT), rig.agent.promised


def paste_in_guest(rig: Rig, mime: str, *, serial: int | None = None) -> Future[bytes]:
    async def paste() -> Future[bytes]:
        return rig.agent.paste(mime, serial=serial)

    return rig.io.wait(paste(), timeout=WAIT)


def test_a_host_copy_is_read_only_when_the_guest_pastes(promising: Rig) -> None:
    rig = promising
    rig.desktop.copy({HTML: b"<b>x</b>", TEXT: b"x", PNG: b"\x89PNG"})
    promised(rig, (HTML, TEXT, PNG))
    rig.seen(Happened.OFFERED, Side.HOST)
    assert rig.desktop.reads == []
    assert paste_in_guest(rig, PNG).result(WAIT) == b"\x89PNG"
    assert rig.desktop.reads == [PNG]
    [line] = rig.seen(Happened.CROSSED, Side.HOST)
    assert (line.formats, line.size) == ((PNG,), 4)


def test_a_paste_of_an_older_promise_or_of_another_format_gets_nothing(promising: Rig) -> None:
    rig = promising
    rig.desktop.copy({TEXT: b"x"})
    promised(rig, (TEXT,))
    rig.seen(Happened.OFFERED, Side.HOST)
    for mime, serial in ((TEXT, rig.agent.serial - 1), (PNG, rig.agent.serial)):
        error = paste_in_guest(rig, mime, serial=serial).exception(WAIT)
        assert str(error) == "clipboard.stale"
    assert rig.desktop.reads == []
    assert paste_in_guest(rig, TEXT).result(WAIT) == b"x"


def test_a_promise_is_taken_back_when_it_may_no_longer_cross(promising: Rig) -> None:
    rig = promising
    rig.desktop.copy({TEXT: b"x"})
    promised(rig, (TEXT,))
    rig.seen(Happened.OFFERED, Side.HOST)
    rig.bridge.set_rules(Rules(direction=Direction.TO_HOST))
    promised(rig, ())


def test_a_guest_that_wants_rubbish_or_without_end_is_answered_or_left_alone(promising: Rig) -> None:
    rig = promising
    rig.desktop.stuck = []
    rig.desktop.copy({TEXT: b"x"})
    promised(rig, (TEXT,))
    rig.seen(Happened.OFFERED, Side.HOST)

    async def rubbish() -> None:
        for data in ({}, {"wanted": "1"}, {"wanted": 1, "serial": -1, "mime": TEXT}, {"mime": [TEXT]}):
            rig.guest.event(WANTED, data)
        for number in range(1000):
            rig.guest.event(WANTED, {"wanted": 10_000 + number, "serial": rig.agent.serial, "mime": TEXT})

    rig.io.wait(rubbish(), timeout=WAIT)
    rig.settle()
    assert len(rig.desktop.stuck) == 1  # they all wait for the same content
    stuck, rig.desktop.stuck = rig.desktop.stuck, None
    for number in range(1000):
        rig.agent.pastes[10_000 + number] = Future()
    for future in stuck:
        future.set_exception(ClipboardError("clipboard.owner-silent"))
    rig.seen(Happened.FAILED, Side.HOST)
    rig.settle()
    assert sum(paste.done() for paste in rig.agent.pastes.values()) == 0
    assert len(rig.agent.pastes) == 1000 - 16
    assert paste_in_guest(rig, TEXT).result(WAIT) == b"x"


@pytest.mark.parametrize("secrets", [False, True])
def test_a_secret_copy_of_the_host_is_promised_as_one_or_not_at_all(promising: Rig, secrets: bool) -> None:
    rig = promising
    rig.bridge.set_rules(Rules(secrets=secrets))
    rig.desktop.copy({TEXT: b"hunter2"}, secret=True)
    if secrets:
        promised(rig, (TEXT,))
        assert rig.agent.offer.secret
    else:
        rig.seen(Happened.WITHHELD, Side.HOST)
        assert (rig.agent.promised, rig.agent.writes, rig.desktop.reads) == ((), 0, [])
