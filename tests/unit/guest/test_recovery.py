"""Whatever either end had half said or half heard: one exchange, and both are ready again."""

from __future__ import annotations

import functools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from libneuron.guest.wire.channel import Phase, Ready
from libneuron.guest.wire.mux import BytesSource, Message, Mux
from tests.unit.guest.pipes import Joined


@functools.cache
def older_session() -> tuple[bytes, bytes]:
    """Every byte of a whole session, as (host → guest, guest → host): handshake, messages, a body."""
    joined = Joined()
    there, back = bytearray(), bytearray()

    def carry() -> None:
        while (out := joined.host.take()) or joined.guest.phase is Phase.SECURING:
            there.extend(out)
            joined.to_guest(out)
            answer = joined.guest.take()
            if not out and not answer:
                break
            back.extend(answer)
            joined.to_host(answer)
        while out := joined.guest.take():
            back.extend(out)
            joined.to_host(out)

    joined.host.start()
    carry()
    joined.host.send({"type": "clipboard_set", "request_id": 1, "data": {"text": "x" * 3000}})
    joined.guest.send({"request_id": 1, "success": True}, BytesSource(b"y" * 3000))
    carry()
    assert joined.host.phase is joined.guest.phase is Phase.READY
    return bytes(there), bytes(back)


def recovers(joined: Joined, *, step: int = 1 << 20) -> None:
    """One exchange: the host begins, and both are ready without anybody's timer. The first bytes the guest
    gets come ``step`` at a time."""
    joined.host.start()
    first = joined.host.take()
    for at in range(0, len(first), step):
        joined.to_guest(first[at : at + step])
    joined.run()
    assert joined.host.phase is Phase.READY
    assert joined.guest.phase is Phase.READY
    joined.host.send({"type": "ping", "request_id": 7})
    joined.run()
    assert Message({"type": "ping", "request_id": 7}, 0) in joined.guest_events


@pytest.mark.parametrize("fresh_guest", [True, False])
def test_recovers_from_every_byte_of_an_older_session(fresh_guest: bool) -> None:
    there, back = older_session()
    step = max(1, len(there) // 120)
    for cut in [*range(0, len(there), step), len(there)]:
        joined = Joined()
        if not fresh_guest:
            recovers(joined)
        joined.to_guest(there[:cut])
        joined.guest.take()
        recovers(joined, step=1 + cut % 7)
    for cut in [*range(0, len(back), step), len(back)]:
        joined = Joined()
        joined.to_host(back[:cut])  # what a dead host left unread comes first
        joined.host.start()
        joined.to_host(back[cut // 2 :])
        joined.run()
        assert joined.host.phase is Phase.READY


def test_a_replayed_session_gets_nowhere() -> None:
    there, _ = older_session()
    joined = Joined()
    joined.to_guest(there)
    assert not any(isinstance(event, (Ready, Message)) for event in joined.guest_events)
    assert joined.guest.phase is not Phase.READY
    recovers(joined)


def test_a_guest_put_back_to_a_snapshot_says_so_and_is_answered() -> None:
    joined = Joined()
    recovers(joined)
    old_epoch_guest = joined.guest  # the state of the snapshot
    joined.guest = joined.new_guest()
    recovers(joined)
    joined.guest = old_epoch_guest
    joined.host.send({"type": "ping", "request_id": 1})
    joined.run()
    assert joined.host.phase is joined.guest.phase is Phase.READY


class Wire(RuleBasedStateMachine):
    """Both ends are fed anything: arbitrary bytes, truncations, replays, reorderings; then must recover."""

    def __init__(self) -> None:
        super().__init__()
        self.joined = Joined()
        self.joined.host.start()
        self.seen: list[tuple[bool, bytes]] = []

    def _deliver(self, to_guest: bool, data: bytes) -> None:
        (self.joined.to_guest if to_guest else self.joined.to_host)(data)

    def _take(self, from_host: bool) -> bytes:
        data = (self.joined.host if from_host else self.joined.guest).take()
        if data:
            self.seen.append((from_host, data))
            del self.seen[:-30]
        return data

    @rule(to_guest=st.booleans(), data=st.binary(min_size=1, max_size=400))
    def noise(self, to_guest: bool, data: bytes) -> None:
        self._deliver(to_guest, data)

    @rule(from_host=st.booleans())
    def deliver(self, from_host: bool) -> None:
        self._deliver(from_host, self._take(from_host))

    @rule(from_host=st.booleans(), keep=st.floats(0, 1))
    def truncate(self, from_host: bool, keep: float) -> None:
        data = self._take(from_host)
        self._deliver(from_host, data[: int(len(data) * keep)])

    @rule(from_host=st.booleans(), at=st.floats(0, 1), bit=st.integers(0, 7))
    def flip(self, from_host: bool, at: float, bit: int) -> None:
        data = bytearray(self._take(from_host))
        if data:
            data[int((len(data) - 1) * at)] ^= 1 << bit
        self._deliver(from_host, bytes(data))

    @precondition(lambda self: self.seen)
    @rule(index=st.integers(0, 29), astray=st.booleans())
    def replay(self, index: int, astray: bool) -> None:
        from_host, data = self.seen[index % len(self.seen)]
        self._deliver(from_host != astray, data)

    @rule(from_host=st.booleans())
    def reorder(self, from_host: bool) -> None:
        first, second = self._take(from_host), self._take(from_host)
        self._deliver(from_host, second)
        self._deliver(from_host, first)

    @rule(host=st.booleans(), size=st.integers(0, 40_000))
    def talk(self, host: bool, size: int) -> None:
        end = self.joined.host if host else self.joined.guest
        if end.phase is Phase.READY and len(end.mux._out) < 20:
            end.send({"type": "x", "request_id": size}, BytesSource(bytes(size)) if size % 2 else None)

    @rule(which=st.booleans())
    def restart(self, which: bool) -> None:
        if which:
            self.joined.host = self.joined.new_host()
            self.joined.host.start()
        else:
            self.joined.guest = self.joined.new_guest()
            self.joined.guest.start()

    @rule(seconds=st.floats(0, 60))
    def time_passes(self, seconds: float) -> None:
        self.joined.clock.now += seconds
        self.joined.host.tick()
        self.joined.guest.tick()

    @invariant()
    def nothing_grows(self) -> None:
        for end in (self.joined.host, self.joined.guest):
            assert len(end._decoder._tail) < 40_000
            assert sum(map(len, end._outbox)) < 200_000
        self.joined.host_events.clear()
        self.joined.guest_events.clear()

    def teardown(self) -> None:
        recovers(self.joined)


TestWire = Wire.TestCase
TestWire.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


@given(st.lists(st.binary(max_size=80), max_size=30))
def test_no_plain_bytes_raise_anything_but_a_protocol_error(pieces: list[bytes]) -> None:
    from libneuron.guest.wire.errors import ProtocolError

    mux = Mux(lambda: 0.0)
    try:
        for piece in pieces:
            mux.receive(piece)
    except ProtocolError:
        pass
