"""Between service and helper: everything comes through whole, and rubbish ends the pipe and nothing else."""

from __future__ import annotations

import json
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuron_guest.platform.windows.helper_wire import MAXIMUM_BYTES, Reader, WireError, pack, unpack

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(st.dictionaries(st.text(), VALUES, max_size=3), max_size=4), st.integers(1, 50))
def test_messages_come_through_however_they_are_cut(messages: list[dict[str, Any]], size: int) -> None:
    messages = [message for message in messages if "$bytes" not in str(message)]
    stream = b"".join(b"".join(pack(message)) for message in messages)
    reader = Reader()
    got = [each for at in range(0, len(stream), size) for each in reader.feed(stream[at : at + size])]
    assert got == messages


@given(st.binary(max_size=100))
def test_rubbish_is_an_error_of_its_own_kind(data: bytes) -> None:
    try:
        list(Reader().feed(data))
    except WireError:
        return


def test_a_huge_size_is_refused_before_it_comes() -> None:
    with pytest.raises(WireError):
        list(Reader().feed(struct.pack("<II", 2, MAXIMUM_BYTES + 1)))
    with pytest.raises(WireError):
        list(Reader().feed(struct.pack("<II", 0xFFFFFFFF, 0)))


@pytest.mark.parametrize("place", [[0, 9], [-1, 1], [2, 1], [0], "x", None])
def test_bytes_outside_the_message_are_refused(place: object) -> None:
    text = json.dumps({"a": {"$bytes": place}}).encode()
    with pytest.raises(WireError):
        list(Reader().feed(struct.pack("<II", len(text), 3) + text + b"abc"))


def test_the_same_bytes_are_not_copied_again_and_again() -> None:
    text = json.dumps({"a": [{"$bytes": [0, 3]}, {"$bytes": [0, 3]}]}).encode()
    with pytest.raises(WireError):
        list(Reader().feed(struct.pack("<II", len(text), 3) + text + b"abc"))


def test_a_message_of_millions_of_parts_is_refused_before_it_is_taken_apart() -> None:
    text = b'{"value": [' + b"[]," * 1_000_000 + b"[]]}"
    with pytest.raises(WireError, match="parts"):
        unpack(text, b"")
