"""Fuzzed frames and records by the hundred thousand: no crash, no hang, no growth."""

from __future__ import annotations

import random
import tracemalloc

import pytest

from libneuron.guest.wire.channel import Channel, Phase
from libneuron.guest.wire.errors import ProtocolError
from libneuron.guest.wire.frames import Kind, frame
from libneuron.guest.wire.jsontext import encode
from libneuron.guest.wire.mux import Body, Mux
from libneuron.guest.wire.record import Mark, mark, record
from tests.unit.guest.pipes import pair_of_credentials

_HEADS = (
    {"type": "ping", "request_id": 1},
    {"type": "clipboard_set", "request_id": "x", "data": {"text": "é🙂"}},
    {"request_id": 5, "success": True, "data": None, "error": None, "data_size": 40},
    {"type": "hello", "data": {"oldest": 1, "newest": 1}},
)


def fuzzed_frame(dice: random.Random) -> bytes:
    """A frame that is often right, and often nearly so."""
    kind = dice.choice(tuple(Kind))
    if kind is Kind.MESSAGE:
        payload = encode(dice.choice(_HEADS))
    elif kind in (Kind.CREDIT, Kind.ARRIVED):
        payload = dice.randbytes(4) if dice.random() < 0.5 else b"\0\0\0\x01"
    else:
        payload = dice.randbytes(dice.randrange(60))
    made = bytearray(frame(kind, dice.randrange(6), payload))
    for _ in range(dice.choice((0, 0, 0, 1, 3))):
        made[dice.randrange(len(made))] = dice.randrange(256)
    return bytes(made)


def frames(count: int) -> int:
    """Feed ``count`` frames to muxes, a new one after each error; returns the peak of memory in bytes."""
    dice = random.Random(20)
    mux = Mux(lambda: 0.0)
    tracemalloc.start()
    for _ in range(count):
        try:
            for event in mux.receive(fuzzed_frame(dice)):
                if isinstance(event, Body):
                    mux.consumed(event.stream, len(event.data))
            mux.take_urgent()
        except ProtocolError:
            mux = Mux(lambda: 0.0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def channels(count: int) -> None:
    """Feed ``count`` fuzzed records to a guest that the marks among them keep resetting."""
    dice = random.Random(21)
    guest = Channel(host=False, credentials=lambda _hint: pair_of_credentials()[1], clock=lambda: 0.0)
    epochs = [bytes([number]) * 16 for number in range(3)]
    for _ in range(count):
        epoch = dice.choice(epochs)
        made = bytearray(
            mark(dice.choice(tuple(Mark)), epoch)
            if dice.random() < 0.1
            else record(epoch, dice.randbytes(dice.randrange(80)))
        )
        for _ in range(dice.choice((0, 0, 1))):
            made[dice.randrange(len(made))] = dice.randrange(256)
        guest.receive(bytes(made[: dice.choice((len(made), len(made), dice.randrange(len(made)))) or 1]))
        assert len(guest.take()) < 4096
        assert guest.phase is not Phase.READY


def test_twenty_thousand_fuzzed_frames() -> None:
    assert frames(20_000) < 20_000_000


def test_five_thousand_fuzzed_records() -> None:
    channels(5_000)


@pytest.mark.long
def test_a_million_fuzzed_frames() -> None:
    assert frames(1_000_000) < 20_000_000


@pytest.mark.long
def test_a_hundred_thousand_fuzzed_records() -> None:
    channels(100_000)
