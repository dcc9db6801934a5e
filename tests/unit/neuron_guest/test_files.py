"""Files inside the guest: batches that fail leave nothing, old listings end, helpers are doubted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from libneuron.guest.wire.transfers import Place
from neuron_guest.backend import BackendError
from neuron_guest.files import LocalFiles, Places
from neuron_guest.files_link import NoFiles, RemoteFiles, verbs


@pytest.fixture
def copied() -> list[Path]:
    return []


@pytest.fixture
def files(tmp_path: Path, copied: list[Path]) -> LocalFiles:
    return LocalFiles(
        Places(lambda: tmp_path / "private", lambda: tmp_path / "Downloads", lambda: copied, Path.as_uri)
    )


def code(work: Any, *arguments: object, **named: object) -> str:
    with pytest.raises(BackendError) as refusal:
        work(*arguments, **named)
    return refusal.value.code


def left(tmp_path: Path) -> Sequence[Path]:
    return list((tmp_path / "private").iterdir())


def test_a_piece_that_cannot_be_written_ends_its_batch_and_leaves_nothing(
    files: LocalFiles, tmp_path: Path
) -> None:
    batch = files.begin(10)
    files.write(batch, "a", 0, b"12345", directory=False)
    assert code(files.write, batch, "a", 0, b"12345", directory=False) == "refused"
    assert left(tmp_path) == []
    assert code(files.write, batch, "b", 0, b"", directory=False) == "not-found"
    batch = files.begin(10)
    assert code(files.finish, batch, Place.CLIPBOARD) == "refused"  # nothing of the ten has come
    assert left(tmp_path) == []


def test_the_last_two_batches_stay_and_what_an_earlier_run_left_goes(
    files: LocalFiles, tmp_path: Path
) -> None:
    (tmp_path / "private" / "batch-old").mkdir(parents=True)
    for number in range(4):
        batch = files.begin(1)
        files.write(batch, f"{number}", 0, b"x", directory=False)
        [uri] = files.finish(batch, Place.CLIPBOARD)
        assert uri.endswith(f"/{number}")
    assert len(left(tmp_path)) <= 3
    assert not (tmp_path / "private" / "batch-old").exists()


def test_of_many_batches_at_once_the_oldest_is_given_up(files: LocalFiles, tmp_path: Path) -> None:
    batches = [files.begin(1) for _ in range(5)]
    assert code(files.write, batches[0], "x", 0, b"x", directory=False) == "not-found"
    files.write(batches[4], "x", 0, b"x", directory=False)
    assert len(left(tmp_path)) == 4
    for batch in batches:
        files.discard(batch)
    assert left(tmp_path) == []


def test_only_files_that_were_copied_can_be_read_and_an_old_listing_ends(
    files: LocalFiles, copied: list[Path], tmp_path: Path
) -> None:
    (tmp_path / "x").write_bytes(b"content")
    copied.append(tmp_path / "x")
    listing = files.copied()
    assert files.read(listing["batch"], 0, 2, 3) == b"nte"
    assert code(files.read, listing["batch"], 1, 0, 1) == "not-found"
    for _ in range(4):
        files.copied()
    assert code(files.read, listing["batch"], 0, 0, 1) == "not-found"


def test_through_a_helper_it_is_the_same(files: LocalFiles, tmp_path: Path) -> None:
    told = verbs(files)
    remote = RemoteFiles(lambda verb, **arguments: told[verb](**arguments))
    batch = remote.begin(4)
    remote.write(batch, "d", 0, b"", directory=True)
    remote.write(batch, "d/x", 0, b"abcd", directory=False)
    [uri] = remote.finish(batch, Place.DOWNLOADS)
    assert (tmp_path / "Downloads" / "d" / "x").read_bytes() == b"abcd"
    assert uri == (tmp_path / "Downloads" / "d").as_uri()
    assert left(tmp_path) == []
    assert remote.copied()["files"] == []
    batch = remote.begin(4)
    remote.discard(batch)
    assert left(tmp_path) == []


@pytest.mark.parametrize("answer", [None, -1, "7", [1], {"batch": 1}, b"x" * (4 * 1024 * 1024 + 1)])
def test_a_helper_that_answers_nonsense_is_an_error_and_nothing_more(answer: object) -> None:
    remote = RemoteFiles(lambda _verb, **_arguments: answer)
    assert code(remote.begin, 1) == "failed"
    assert code(remote.copied) == "failed"
    assert code(remote.read, 1, 0, 0, 1) == "failed"
    if answer not in (None, [1]):
        assert code(remote.finish, 1, Place.CLIPBOARD) == "failed"


def test_where_nobody_is_signed_in_there_are_no_files() -> None:
    assert code(NoFiles().begin, 1) == "no-session"
