"""Messages, bodies, credit, and the window that keeps the queue short."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libneuron.guest.wire.errors import ProtocolError
from libneuron.guest.wire.frames import Kind, frame
from libneuron.guest.wire.jsontext import decode, encode
from libneuron.guest.wire.mux import (
    CREDIT,
    MAX_DATA,
    MAX_GATHERED,
    MAX_STREAMS,
    MAX_UNASKED,
    Body,
    BodyEnd,
    BytesSource,
    Message,
    Mux,
    MuxEvent,
    SourceError,
    Stopped,
)
from libneuron.guest.wire.window import LARGEST, REPORTED, SMALLEST, START, Window
from tests.unit.guest.pipes import FakeClock


def two() -> tuple[Mux, Mux]:
    clock = FakeClock()
    return Mux(clock), Mux(clock)


def carry(sender: Mux, receiver: Mux, *, consume: bool = True) -> list[MuxEvent]:
    """Everything the sender may send now, with the receiver's credit and reports coming back."""
    events: list[MuxEvent] = []
    while data := sender.take_urgent() or sender.take_bulk():
        for event in receiver.receive(data):
            events.append(event)
            if consume and isinstance(event, Body):
                receiver.consumed(event.stream, len(event.data))
        events += sender.receive(receiver.take_urgent())
    return events


@given(st.binary(max_size=300_000), st.integers(0, 60_000))
def test_bodies_and_large_data_arrive_as_sent(body: bytes, text: int) -> None:
    sender, receiver = two()
    head = {"type": "x", "request_id": 1, "data": {"text": "é" * text}}
    sender.send(head, BytesSource(body))
    events = carry(sender, receiver)
    assert events[0] == Message(head, 1)
    assert b"".join(event.data for event in events if isinstance(event, Body)) == body
    assert events[-1] == BodyEnd(1, "")


def test_two_bodies_share_the_way() -> None:
    sender, receiver = two()
    for number in (1, 2):
        sender.send({"request_id": number}, BytesSource(bytes(200_000)))
    order = [event.stream for event in carry(sender, receiver) if isinstance(event, Body)]
    assert order[:4] == [1, 2, 1, 2]


def test_nobody_gets_more_than_was_credited() -> None:
    sender, receiver = two()
    sender.send({"request_id": 1}, BytesSource(bytes(3 * CREDIT)))
    events = carry(sender, receiver, consume=False)
    assert sum(len(event.data) for event in events if isinstance(event, Body)) == CREDIT
    receiver.consumed(1, CREDIT)
    sender.receive(receiver.take_urgent())
    assert any(isinstance(event, Body) for event in carry(sender, receiver, consume=False))


def test_bodies_without_end_are_an_error_for_whom_they_keep_from_speaking() -> None:
    """Reports of what arrived wait for the port; past 4 GiB they could not be written, and nothing else."""
    _, receiver = two()
    stopped = frame(Kind.BODY, 7, bytes(128 * 1024))
    with pytest.raises(ProtocolError, match="reports"):
        for _ in range(1024):
            receiver.receive(stopped)
    _, receiver = two()
    for _ in range(1024):
        receiver.receive(stopped)
        receiver.take_urgent()


def test_a_body_beyond_its_credit_is_an_error() -> None:
    _, receiver = two()
    receiver.receive(frame(Kind.MESSAGE, 1, encode({"request_id": 1})))
    with pytest.raises(ProtocolError, match="credit"):
        for _ in range(CREDIT // 32768 + 1):
            receiver.receive(frame(Kind.BODY, 1, bytes(32768)))


def test_credit_that_was_never_used_is_an_error() -> None:
    sender, receiver = two()
    sender.send({"request_id": 1}, BytesSource(bytes(1000)))
    receiver.receive(sender.take_urgent())
    with pytest.raises(ProtocolError, match="never sent"):
        sender.receive(frame(Kind.CREDIT, 1, (1).to_bytes(4, "big")))


def test_a_flood_of_streams_is_an_error() -> None:
    _, receiver = two()
    with pytest.raises(ProtocolError, match="too many"):
        for number in range(1, MAX_STREAMS + 2):
            receiver.receive(frame(Kind.MESSAGE, number, encode({"request_id": number})))


def test_a_flood_of_large_messages_is_refused_by_their_announced_size() -> None:
    _, receiver = two()
    for number in range(1, MAX_GATHERED // MAX_DATA + 1):
        receiver.receive(frame(Kind.MESSAGE, number, encode({"data_size": MAX_DATA})))
    with pytest.raises(ProtocolError, match="too many large"):
        receiver.receive(frame(Kind.MESSAGE, 63, encode({"data_size": 1})))


@pytest.mark.parametrize("size", [MAX_DATA + 1, 2**32, -1, 1.0, "1", None])
def test_data_larger_than_any_message_is_refused_by_its_announced_size(size: object) -> None:
    _, receiver = two()
    with pytest.raises(ProtocolError, match="data_size"):
        receiver.receive(frame(Kind.MESSAGE, 1, encode({"data_size": size})))


def test_a_large_message_nobody_waits_for_is_stopped_before_it_comes() -> None:
    sender = Mux(FakeClock())
    receiver = Mux(FakeClock(), expected=lambda head: head.get("request_id") == 1)
    large = {"text": "x" * (2 * MAX_UNASKED)}
    sender.send({"request_id": 1, "data": large})
    sender.send({"request_id": 2, "data": large})
    sender.send({"type": "clipboard_offered", "data": large})
    sender.send({"type": "clipboard_offered", "data": {"text": "x" * (MAX_UNASKED // 2)}})
    events = [event for event in carry(sender, receiver) if isinstance(event, Message)]
    assert sorted(len(event.head["data"]["text"]) for event in events) == [MAX_UNASKED // 2, 2 * MAX_UNASKED]
    assert receiver._gathered == 0


@pytest.mark.parametrize(
    "payload",
    [
        b'{"x":NaN}',
        b'{"x":-Infinity}',
        b'{"x":1e999}',
        b'{"x":1' + b"0" * 5000 + b"}",
        b'{"x":' + b"[" * 100 + b"]" * 100 + b"}",
        b'{"x":' + b'{"x":' * 100 + b"1" + b"}" * 101,
        b'{"x":[' + b"[]," * 100_000 + b"[]]}",
        b'{"x":"' + b'\\"' * 100_000 + b"[" * 100,
        b'{"x":"' + b"[" * 100 + b"\\",
        b"[" * 100_000,
    ],
)
def test_what_could_not_be_sent_on_is_refused(payload: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode(payload)


@pytest.mark.parametrize("text", ["[" * 70_000, '{"' * 40_000, "\\" * 99 + '"[{' * 99, 'x"]}' * 99 + "\\"])
def test_brackets_in_texts_are_no_nesting(text: str) -> None:
    assert decode(encode({"x": [text, {"y": text}]})) == {"x": [text, {"y": text}]}


def test_a_stopped_body_is_not_sent_on() -> None:
    sender, receiver = two()
    sender.send({"request_id": 1}, BytesSource(bytes(10 * CREDIT)))
    receiver.receive(sender.take_urgent() + sender.take_bulk())
    receiver.stop(1)
    assert sender.receive(receiver.take_urgent()) == [Stopped(1)]
    assert sender.take_bulk() == b""


def test_a_source_that_fails_tells_the_receiver_why() -> None:
    class Failing:
        def read(self, size: int) -> bytes:
            raise SourceError("the disk is gone")

    sender, receiver = two()
    sender.send({"request_id": 1}, Failing())
    assert carry(sender, receiver)[-1] == BodyEnd(1, "the disk is gone")


def test_a_source_that_has_nothing_yet_is_asked_again_when_woken() -> None:
    class Slow:
        def __init__(self) -> None:
            self.ready: list[bytes | None] = [None, b"now", b""]

        def read(self, size: int) -> bytes | None:
            return self.ready.pop(0)

    sender, receiver = two()
    sender.send({"request_id": 1}, Slow())
    assert [type(event) for event in carry(sender, receiver)] == [Message]
    sender.wake(1)
    assert carry(sender, receiver) == [Body(1, memoryview(b"now")), BodyEnd(1, "")]


def test_the_first_message_overtakes_any_amount_of_bulk() -> None:
    sender, receiver = two()
    sender.send({"request_id": 1}, BytesSource(bytes(10 * CREDIT)))
    receiver.receive(sender.take_urgent() + sender.take_bulk())
    sender.send({"type": "ping", "request_id": 2})
    assert receiver.receive(sender.take_urgent()) == [Message({"type": "ping", "request_id": 2}, 0)]


def link(rate: float, seconds: float, way: float = 0.0002) -> tuple[float, int, float]:
    """A link of ``rate`` bytes a second that is always kept full, where a byte and its report need ``way``.

    Returns (queue in seconds, window) at the end, and bytes a second over all.
    """
    window, now, free_at, through = Window(), 0.0, 0.0, 0
    on_the_way: list[tuple[float, int]] = []
    while now < seconds:
        while window.room >= 16384:
            window.sent(16384, now)
            free_at = max(free_at, now) + 16384 / rate
            on_the_way.append((free_at + way, 16384))
        now, count = on_the_way.pop(0)
        window.arrived(count, now)
        through += count
    return max(0.0, free_at - now), window.size, through / now


def test_on_a_slow_link_the_queue_stays_short() -> None:
    for rate in (4.5e6, 8e6, 12e6, 30e6):
        queue, size, speed = link(rate, 20)
        assert size < 8 * SMALLEST
        assert queue < 0.035
        assert speed > 0.95 * rate


def test_short_bodies_say_nothing_of_a_queue_they_never_made() -> None:
    window, now = Window(), 0.0
    before = window.size
    for _ in range(200):  # each as long as half a window, over a link of 8 MB/s that is idle in between
        while window.flight + 16384 < before // 2:
            window.sent(16384, now)
        now += window.flight / 8e6
        window.arrived(window.flight, now)
    assert window.size == before


def test_arrivals_are_reported_when_a_piece_is_complete() -> None:
    sender, receiver = two()
    sender.send({"request_id": 1}, BytesSource(bytes(CREDIT)))
    receiver.receive(sender.take_urgent() + sender.take_bulk())
    assert sender.take_bulk() == b""  # the first measures the way, short and alone
    report = receiver.take_urgent()
    assert decode_arrived(report) == REPORTED
    sender.receive(report)
    piece = sender.take_bulk()
    receiver.receive(piece[:-1])
    assert receiver.take_urgent() == b""
    receiver.receive(piece[-1:])
    assert decode_arrived(receiver.take_urgent()) == len(piece) - 8


def decode_arrived(data: bytes) -> int:
    assert data[:8] == frame(Kind.ARRIVED, 0, bytes(4))[:8]
    return int.from_bytes(data[8:], "big")


def test_on_a_fast_link_the_window_opens() -> None:
    _, size, _ = link(1e9, 2)
    assert size == LARGEST


def test_a_long_way_is_no_queue_and_bulk_still_fills_it() -> None:
    _, size, speed = link(8e6, 30, way=0.04)
    assert speed > 0.8 * 8e6
    assert size < 3 * 8e6 * 0.04


def test_a_way_that_becomes_shorter_or_longer_is_measured_again() -> None:
    window, now = Window(), 0.0
    for way in (0.002, 0.05, 0.002):
        for _ in range(1000):
            while window.room >= 16384:
                window.sent(16384, now)
            now += way
            window.arrived(window.flight, now)
        assert window.size == LARGEST


def test_what_is_left_of_the_window_waits_until_it_makes_a_piece() -> None:
    sender, receiver = two()
    sender.send({"request_id": 1}, BytesSource(bytes(CREDIT)))
    receiver.receive(sender.take_urgent() + sender.take_bulk())
    sender.receive(receiver.take_urgent())
    whole = START // 2
    assert [len(sender.take_bulk()) - 8 for _ in range(3)] == [whole, whole, -8]
    sender.window.arrived(whole // 4, 0.0)
    assert sender.take_bulk() == b""
    sender.window.arrived(whole // 4, 0.0)
    assert len(sender.take_bulk()) - 8 == whole // 2


def test_a_short_body_does_not_wait_for_a_measurement() -> None:
    sender, receiver = two()
    sender.send({"request_id": 1}, BytesSource(b"short"))
    assert receiver.receive(sender.take_urgent() + sender.take_bulk() + sender.take_bulk())[1:] == [
        Body(1, memoryview(b"short")),
        BodyEnd(1, ""),
    ]


def test_data_that_comes_in_tiny_pieces_does_not_keep_the_buffers_they_lay_in() -> None:
    _, receiver = two()
    receiver.receive(frame(Kind.MESSAGE, 1, encode({"request_id": 1, "data_size": 1000})))
    buffer = bytearray(frame(Kind.BODY, 1, b"[") + frame(Kind.BODY, 99, bytes(60_000)))
    receiver.receive(buffer)  # type: ignore[arg-type]  # as it lies in the transport's memory
    buffer.clear()  # BufferError while anything looks into it


def test_a_peer_that_never_reads_what_it_causes_ends_the_session() -> None:
    _, receiver = two()
    with pytest.raises(ProtocolError, match="does not read"):
        for number in range(1, 100_000):
            for event in receiver.receive(frame(Kind.MESSAGE, number, b"{}")):
                assert isinstance(event, Message)
                receiver.stop(event.stream)
    assert len(receiver.take_urgent()) < 256 * 1024


def test_what_nobody_waits_for_any_more_frees_its_place() -> None:
    waiting = {1}
    receiver = Mux(FakeClock(), expected=lambda head: head.get("request_id") in waiting)
    for round_ in range(100):
        waiting.add(round_)
        head = encode({"request_id": round_, "data_size": MAX_DATA})
        receiver.receive(frame(Kind.MESSAGE, 1 + round_, head) + frame(Kind.BODY, 1 + round_, b"["))
        waiting.clear()
        receiver.stop_unexpected()
        assert receiver.take_urgent() == frame(Kind.STOP, 1 + round_)


class Ways:
    """Two ends with a way in each direction that holds bytes back, and a consumer that takes its time."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.sender, self.receiver = Mux(self.clock), Mux(self.clock)
        self.there, self.back = bytearray(), bytearray()
        self.unread: list[Body] = []
        self.ended: set[int] = set()

    def push(self, pieces: int) -> None:
        self.there += self.sender.take_urgent()
        for _ in range(pieces):
            self.there += self.sender.take_bulk()
        self.back += self.receiver.take_urgent()

    def carry(self, count: int) -> bool:
        """Let so many bytes through each way; whether there were any."""
        there, self.there = bytes(self.there[:count]), self.there[count:]
        back, self.back = bytes(self.back[:count]), self.back[count:]
        for event in self.receiver.receive(there):
            if isinstance(event, Body):
                self.unread.append(event)
            elif isinstance(event, BodyEnd):
                self.ended.add(event.stream)
        self.sender.receive(back)
        return bool(there or back)

    def consume(self) -> None:
        for event in self.unread:
            self.receiver.consumed(event.stream, len(event.data))
        self.unread.clear()


_STEPS = st.one_of(
    st.tuples(
        st.just("send"), st.sampled_from([0, 1, 8191, REPORTED - 1, REPORTED, REPORTED + 1, 3 * CREDIT])
    ),
    st.tuples(st.just("dribble"), st.sampled_from([1, 5000, REPORTED, 70_000])),
    st.tuples(st.sampled_from(["stop", "abort"]), st.integers(1, 6)),
    st.tuples(st.just("push"), st.integers(0, 9)),
    st.tuples(st.just("carry"), st.sampled_from([1, 7, 5000, REPORTED, REPORTED + 8, 1 << 20])),
    st.tuples(st.just("consume"), st.just(0)),
    st.tuples(st.just("pass"), st.sampled_from([0, 1, 5, 6])),
)


class Dribbling:
    """A source that never has more than ``most`` bytes at once."""

    def __init__(self, most: int) -> None:
        self._most, self._left = most, 3 * most

    def read(self, size: int) -> bytes:
        taken = min(size, self._most, self._left)
        self._left -= taken
        return bytes(taken)


@given(st.lists(_STEPS, max_size=60))
def test_nothing_waits_for_ever(steps: list[tuple[str, int]]) -> None:
    """Whatever was sent, stopped, given up or not consumed while the way was measured or emptied."""
    ways = Ways()
    streams: set[int] = set()
    for step, value in steps:
        if step == "send" and len(streams) < 6:
            streams.add(ways.sender.send({"request_id": 1}, BytesSource(bytes(value))))
        elif step == "dribble" and len(streams) < 6:
            streams.add(ways.sender.send({"request_id": 1}, Dribbling(value)))
        elif step == "stop":
            ways.receiver.stop(value)
            ways.ended.add(value)
        elif step == "abort":
            ways.sender.abort(value, "not wanted")
        elif step == "push":
            ways.push(value)
        elif step == "carry":
            ways.carry(value)
        elif step == "consume":
            ways.consume()
        elif step == "pass":
            ways.clock.now += value
    ways.push(1)
    while ways.carry(1 << 20):
        ways.consume()
        ways.push(1)
    assert streams <= ways.ended
    assert not ways.sender.turn
    assert ways.sender.window.flight < REPORTED
    assert ways.sender.window.room > 0
