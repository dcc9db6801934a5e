"""The journal survives cuts and strangers."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libneuron.system.clock import RealClock
from libneuron.updates.history import Stage, fold
from libneuron.updates.journal import NAME, Journal, parse


def test_what_was_appended_is_read_back_in_order(tmp_path: Path) -> None:
    journal = Journal(tmp_path, RealClock())
    journal.append("update-beginning", id="1", tool="apt")
    journal.append("update-begun", id="1", point="@neuron/points/1")
    assert [event.kind for event in journal.read().events] == ["update-beginning", "update-begun"]
    update = fold(journal.read().events).updates[0]
    assert (update.stage, update.point) == (Stage.OPEN, "@neuron/points/1")


def test_a_record_after_a_torn_one_is_read_and_the_torn_one_is_counted(tmp_path: Path) -> None:
    journal = Journal(tmp_path, RealClock())
    journal.append("a")
    whole = (tmp_path / NAME).read_bytes()
    journal.append("b")
    (tmp_path / NAME).write_bytes((tmp_path / NAME).read_bytes()[: len(whole) + 20])
    journal.append("c")
    read = journal.read()
    assert [event.kind for event in read.events] == ["a", "c"]
    assert read.damaged == 1


@given(cut=st.integers(0, 400))
def test_a_journal_cut_anywhere_gives_a_beginning_of_its_records(cut: int) -> None:
    whole = _three_records()
    kinds = [event.kind for event in parse(whole[:cut]).events]
    assert kinds == ["a", "b", "c"][: len(kinds)]


@functools.cache
def _three_records() -> bytes:
    with tempfile.TemporaryDirectory() as place:
        journal = Journal(Path(place), RealClock())
        for kind in "abc":
            journal.append(kind, text="é\n")
        return (Path(place) / NAME).read_bytes()


@given(place=st.integers(0, 200), bit=st.integers(0, 7))
def test_a_flipped_bit_never_becomes_a_record(place: int, bit: int) -> None:
    raw = bytearray(_three_records())
    place %= len(raw)
    raw[place] ^= 1 << bit
    originals = {(event.kind, event.data["text"]) for event in parse(_three_records()).events}
    assert {(event.kind, event.data["text"]) for event in parse(bytes(raw)).events} <= originals


def test_kinds_and_keys_of_a_newer_release_are_passed_over(tmp_path: Path) -> None:
    journal = Journal(tmp_path, RealClock())
    journal.append("update-beginning", id="1", tool="apt", colour="blue")
    journal.append("something-new", id="1")
    journal.append("update-begun")  # lacks its id
    assert fold(journal.read().events).updates[0].stage is Stage.BEGINNING


def test_a_link_in_the_journals_place_is_not_written_through(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "state").mkdir()
    (tmp_path / "state/journal").symlink_to(victim)
    with pytest.raises(OSError, match="symbolic links"):
        Journal(tmp_path / "state", RealClock()).append("update-beginning", id="1")
    assert victim.read_text() == "precious"


def test_names_that_are_no_text_are_kept(tmp_path: Path) -> None:
    """Anybody may make a subvolume or a file of such a name; it must not stop a roll back."""
    journal = Journal(tmp_path, RealClock())
    journal.append("rollback-planned", nested=["var/tmp/\udcff"])
    (event,) = journal.read().events
    assert event.data["nested"] == ["var/tmp/\udcff"]
