"""Records: found again from any byte, refused before anything is allocated, never an exception."""

from __future__ import annotations

import os
import struct
import tracemalloc
from zlib import crc32

from hypothesis import example, given
from hypothesis import strategies as st

from libneuron.guest.wire.record import (
    HEADER_SIZE,
    MARKER,
    MAX_PAYLOAD,
    Foreign,
    Lost,
    Mark,
    Marked,
    Payload,
    RecordDecoder,
    RecordEncoder,
    RecordEvent,
    mark,
    record,
)

OLD, NEW = b"o" * 16, b"n" * 16


def everything(decoder: RecordDecoder, data: bytes) -> list[RecordEvent]:
    """All events, with each SYNC's epoch taken on, as a channel does."""
    events: list[RecordEvent] = []
    found = decoder.feed(data)
    while found:
        for event in found:
            if isinstance(event, Marked):
                decoder.epoch = event.id
        events += found
        found = decoder.more()
    return events


def aligned(epoch: bytes = OLD) -> RecordDecoder:
    decoder = RecordDecoder()
    everything(decoder, mark(Mark.SYNC, epoch))
    return decoder


def test_records_of_the_epoch_arrive_and_others_are_dropped() -> None:
    assert everything(aligned(), record(OLD, b"one") + record(NEW, b"two") + record(OLD, b"three")) == [
        Payload(memoryview(b"one")),
        Foreign(NEW),
        Payload(memoryview(b"three")),
    ]


@given(st.integers(0, HEADER_SIZE + 300), st.integers(1, 60))
@example(313, 1)  # the mark's first bytes complete the record
@example(328, 1)
def test_a_mark_is_seen_in_the_middle_of_any_record(cut: int, step: int) -> None:
    old = record(OLD, os.urandom(300))[:cut]
    stream = old + mark(Mark.SYNC, NEW) + record(NEW, b"fresh")
    decoder = aligned()
    events = [
        event for at in range(0, len(stream), step) for event in everything(decoder, stream[at : at + step])
    ]
    assert events[-2:] == [Marked(Mark.SYNC, NEW), Payload(memoryview(b"fresh"))]


@given(st.integers(0, 39))
def test_a_mark_cut_off_by_another_mark_is_forgotten(cut: int) -> None:
    stream = mark(Mark.SYNC, OLD)[:cut] + mark(Mark.SYNC, NEW) + record(NEW, b"fresh")
    assert everything(RecordDecoder(), stream)[-1] == Payload(memoryview(b"fresh"))


def test_a_header_of_four_gibibytes_is_refused_before_allocation() -> None:
    head = struct.pack(">BxxxI16s", 0x44, 0xFFFFFFFF, OLD)
    decoder = aligned()
    tracemalloc.start()
    events = everything(decoder, head + struct.pack(">I", crc32(head)) + b"x" * 100)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert events == [Lost()]
    assert peak < 100_000


def test_what_is_held_back_never_grows_beyond_one_record() -> None:
    decoder = aligned()
    piece = record(OLD, bytes(MAX_PAYLOAD))[:-1]
    everything(decoder, piece)
    for _ in range(50):
        everything(decoder, os.urandom(MAX_PAYLOAD))
    assert decoder.held <= MAX_PAYLOAD + HEADER_SIZE


@given(st.lists(st.binary(max_size=200), max_size=20))
def test_no_bytes_raise_anything(pieces: list[bytes]) -> None:
    decoder = aligned()
    for piece in pieces:
        everything(decoder, piece)


@given(st.lists(st.sampled_from([MARKER, MARKER[:7], record(OLD, b"x"), record(NEW, b""), b"\0", b"D"])))
def test_nearly_valid_bytes_raise_nothing_and_a_mark_still_works(pieces: list[bytes]) -> None:
    decoder = aligned()
    for piece in pieces:
        everything(decoder, piece)
    events = everything(decoder, mark(Mark.SYNC, NEW) + record(NEW, b"fresh"))
    assert events[-1] == Payload(memoryview(b"fresh"))


def test_data_of_any_size_becomes_records_of_at_most_32_kib() -> None:
    data = os.urandom(100_000)
    decoder = aligned()
    events = everything(decoder, RecordEncoder(OLD).records(data))
    assert b"".join(event.data for event in events if isinstance(event, Payload)) == data
    assert all(isinstance(event, Payload) and len(event.data) <= MAX_PAYLOAD for event in events)


def _copied(event: RecordEvent) -> RecordEvent:
    return Payload(memoryview(bytes(event.data))) if isinstance(event, Payload) else event


def _certain(event: RecordEvent) -> bool:
    """Whether it does not matter where the reads ended.

    A mark's first bytes that complete a record which its writer never finished are taken for its end where
    the rest of the mark is still to come (a record of another epoch is told of without them); and a lost
    place is told once for each read.
    """
    if isinstance(event, Payload):
        return not any(event.data[-size:] == MARKER[:size] for size in range(1, len(MARKER)))
    return isinstance(event, Marked)


_PIECES = st.sampled_from(
    [
        record(OLD, b"x" * 40),
        record(OLD, b"y" * 29 + MARKER[:11]),
        record(NEW, b"z" * 5),
        record(OLD, b""),
        record(OLD, b"w" * 70)[:60],
        MARKER[:1],
        MARKER,
        mark(Mark.SYNC, NEW),
        mark(Mark.SYNC, OLD),
        mark(Mark.SYNC, OLD)[:20],
        b"\0" * 31,
    ]
)


@given(st.lists(_PIECES, max_size=12), st.lists(st.integers(1, 80), min_size=1, max_size=8))
def test_however_a_stream_is_cut_the_same_records_and_marks_are_found(
    pieces: list[bytes], cuts: list[int]
) -> None:
    stream = b"".join(pieces)
    decoder, found, at = aligned(), [], 0
    while at < len(stream):
        step = cuts[at % len(cuts)]
        found += [_copied(event) for event in everything(decoder, stream[at : at + step])]
        at += step
    whole = [_copied(event) for event in everything(aligned(), stream)]
    assert list(filter(_certain, found)) == list(filter(_certain, whole))
