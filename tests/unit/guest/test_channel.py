"""Sessions: beginning, mutual proof, beginning again, and messages with bodies."""

from __future__ import annotations

import os

import pytest

from libneuron.guest.keys import new_pair
from libneuron.guest.wire.channel import HURRIES, Down, Phase, Ready
from libneuron.guest.wire.errors import AuthenticationError
from libneuron.guest.wire.mux import Body, BodyEnd, BytesSource, Message
from libneuron.guest.wire.record import ID_SIZE, Mark, mark, record
from tests.unit.guest.pipes import Joined, credentials


def ready() -> Joined:
    joined = Joined()
    joined.host.start()
    joined.run()
    return joined


def test_both_ends_are_ready_after_one_exchange() -> None:
    joined = ready()
    assert joined.host_events == [Ready({"agent": "test"})]
    assert joined.guest_events == [Ready({})]


def test_messages_arrive_in_both_directions() -> None:
    joined = ready()
    joined.host.send({"type": "ping", "request_id": 1})
    joined.guest.send({"type": "event", "data": {"text": "é🙂"}})
    joined.run()
    assert joined.guest_events[1:] == [Message({"type": "ping", "request_id": 1}, 0)]
    assert joined.host_events[1:] == [Message({"type": "event", "data": {"text": "é🙂"}}, 0)]


def test_data_larger_than_a_frame_arrives_whole() -> None:
    joined = ready()
    text = "emoji 🙂 " * 200_000
    joined.host.send({"type": "clipboard_set", "request_id": 1, "data": {"text": text}})
    joined.run()
    message = joined.guest_events[1]
    assert isinstance(message, Message)
    assert message.head["data"] == {"text": text}


def test_a_body_arrives_in_order_as_credit_allows() -> None:
    joined = ready()
    body = bytes(range(256)) * 20_000
    joined.guest.send({"request_id": 1, "success": True}, BytesSource(body))
    joined.run()
    got = 0
    while got < len(joined.host_events):
        pieces = [event for event in joined.host_events[got:] if isinstance(event, Body)]
        got = len(joined.host_events)
        for piece in pieces:
            joined.host.mux.consumed(piece.stream, len(piece.data))
        joined.run()
    assert b"".join(event.data for event in joined.host_events if isinstance(event, Body)) == body
    assert isinstance(joined.host_events[-1], BodyEnd)


def test_a_guest_that_restarts_calls_and_is_answered() -> None:
    joined = ready()
    joined.guest = joined.new_guest()
    joined.guest.start()
    joined.run()
    assert joined.host_events[-2:] == [Down(None), Ready({"agent": "test"})]
    assert joined.guest.phase is Phase.READY


def test_a_stranger_is_refused_and_both_ends_know() -> None:
    joined = Joined()
    stranger = credentials(new_pair("x"), new_pair("y"), server=True)
    joined.guest._credentials = lambda _hint: stranger
    joined.host.start()
    joined.run()
    down = joined.host_events[-1]
    assert isinstance(down, Down)
    assert isinstance(down.error, AuthenticationError)
    assert joined.guest.phase is not Phase.READY


def test_a_guest_that_calls_without_end_is_answered_less_and_less() -> None:
    joined = Joined()
    joined.host.start()
    sent = len(joined.host.take())
    for _ in range(1000):
        joined.to_host(mark(Mark.CALL, os.urandom(ID_SIZE)))
    assert len(joined.host.take()) <= HURRIES * sent
    joined.clock.now += HURRIES
    joined.host.tick()
    joined.run()
    assert joined.host.phase is Phase.READY


def test_sessions_that_only_begin_are_begun_less_and_less() -> None:
    joined = Joined()
    joined.host.start()
    joined.run()
    for _ in range(1000):
        joined.to_host(mark(Mark.CALL, os.urandom(ID_SIZE)))
        joined.run()
    assert len([event for event in joined.host_events if isinstance(event, Ready)]) <= HURRIES + 1
    joined.clock.now += 1.0
    joined.host.tick()
    joined.run()
    assert joined.host.phase is Phase.READY


def test_a_guest_nobody_reads_from_says_little() -> None:
    joined = Joined()
    joined.guest.start()
    for _ in range(1000):
        joined.to_guest(record(os.urandom(ID_SIZE), b"x"))
        joined.to_guest(mark(Mark.SYNC, b"s" * ID_SIZE))
    assert len(joined.guest.take()) < 64 * 1024


@pytest.mark.parametrize(
    "early", [{"type": "clipboard_offered", "data": {}}, {"request_id": 1, "success": True}]
)
def test_a_guest_that_speaks_before_its_hello_is_hung_up_on(early: dict[str, object]) -> None:
    joined = Joined()

    def greet(_events: object) -> None:
        joined.guest.phase = Phase.READY
        joined.guest.mux.send(early)

    joined.guest._greet = greet  # type: ignore[method-assign,assignment]
    joined.host.start()
    joined.run()
    (down,) = joined.host_events
    assert isinstance(down, Down)
    assert "before its hello" in str(down.error)


def test_a_handshake_that_only_dribbles_is_given_up() -> None:
    joined = Joined()
    joined.host.start()
    joined.to_guest(joined.host.take())
    joined.to_host(joined.guest.take())
    first = joined.host.take()
    for at in range(20):
        joined.clock.now += 3
        joined.to_guest(first[at : at + 1])
        joined.host_events += joined.host.tick()
        joined.guest_events += joined.guest.tick()
    for events, end in ((joined.host_events, joined.host), (joined.guest_events, joined.guest)):
        assert any(isinstance(event, Down) and event.error is not None for event in events)
        assert end.phase is Phase.FAILED
