"""Files that come in: made new in a private folder, within what was announced, or removed."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from libneuron.guest.wire import filing
from libneuron.guest.wire.filing import FilingError, Incoming, listed, move_into, read_piece, sweep


def refused(work: Callable[[], object]) -> str:
    with pytest.raises(FilingError) as caught:
        work()
    return caught.value.code


def test_a_batch_lies_in_a_private_folder_of_its_own(tmp_path: Path) -> None:
    batch = Incoming(tmp_path / "new" / "private", 5)
    assert stat.S_IMODE(batch.folder.stat().st_mode) == 0o700
    batch.directory("d")
    batch.write("d/x", 0, b"abc")
    batch.write("d/x", 3, b"de")
    batch.write("empty", 0, b"")
    assert [path.name for path in batch.finish()] == ["d", "empty"]
    assert (batch.folder / "d" / "x").read_bytes() == b"abcde"
    assert (batch.folder / "empty").read_bytes() == b""


def test_nothing_is_written_over_and_no_link_is_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(b"precious")
    batch = Incoming(tmp_path / "in", 100)
    batch.write("x", 0, b"1")
    (batch.folder / "link").symlink_to(outside)
    assert refused(lambda: batch.write("x", 0, b"2")) == "refused"
    assert refused(lambda: batch.write("link", 0, b"2")) == "refused"
    assert refused(lambda: batch.write("../outside", 0, b"2")) == "unsafe-name"
    batch.discard()
    assert outside.read_bytes() == b"precious"


@pytest.mark.parametrize(("path", "offset"), [("x", 2), ("y", 3), ("x", 4)])
def test_a_piece_out_of_turn_is_refused(tmp_path: Path, path: str, offset: int) -> None:
    batch = Incoming(tmp_path, 100)
    batch.write("x", 0, b"abc")
    assert refused(lambda: batch.write(path, offset, b"d")) == "refused"
    batch.discard()


def test_more_or_less_than_was_announced_is_refused(tmp_path: Path) -> None:
    batch = Incoming(tmp_path, 3)
    batch.write("x", 0, b"ab")
    assert refused(batch.finish) == "refused"
    assert refused(lambda: batch.write("x", 2, b"cd")) == "refused"
    batch.discard()


def test_without_room_nothing_is_begun(tmp_path: Path) -> None:
    assert refused(lambda: Incoming(tmp_path / "in", 1 << 60)) == "disk-full"
    assert not list((tmp_path / "in").iterdir())


def test_more_files_than_a_copy_may_have_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filing, "MOST_FILES", 3)
    batch = Incoming(tmp_path / "in", 0)
    for name in "abc":
        batch.write(name, 0, b"")
    assert refused(lambda: batch.write("d", 0, b"")) == "too-many"
    batch.discard()
    for name in "abcd":
        (tmp_path / name).touch()
    assert refused(lambda: listed([tmp_path / name for name in "abcd"])) == "too-many"


def test_a_discarded_batch_leaves_nothing(tmp_path: Path) -> None:
    batch = Incoming(tmp_path, 3)
    batch.directory("d")
    batch.write("d/x", 0, b"ab")
    batch.discard()
    assert list(tmp_path.iterdir()) == []


def test_the_newest_batches_are_kept_and_nothing_else_is_touched(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    batches = [Incoming(tmp_path, 0).folder for _ in range(4)]
    for age, folder in enumerate(batches):
        os.utime(folder, ns=(age, age))
    sweep(tmp_path, keep=2)
    assert {path.name for path in tmp_path.iterdir()} == {"mine", batches[2].name, batches[3].name}
    sweep(tmp_path, keep=0, coming=batches[2:])
    for keep in (2, 3, 5):
        sweep(tmp_path, keep=keep)
        assert batches[2].exists()
    sweep(tmp_path / "not there", keep=0)
    assert batches[3].exists()


def test_links_inside_folders_stay_where_they_are_and_are_counted(tmp_path: Path) -> None:
    (tmp_path / "top" / "in").mkdir(parents=True)
    (tmp_path / "top" / "in" / "x").write_bytes(b"12")
    (tmp_path / "top" / "link").symlink_to("/etc/passwd")
    (tmp_path / "top" / "up").symlink_to("..")
    os.mkfifo(tmp_path / "top" / "pipe")
    (tmp_path / "chosen").symlink_to(tmp_path / "top" / "in" / "x")
    found = listed([tmp_path / "top", tmp_path / "chosen"])
    assert [(entry.path, entry.size) for entry in found.entries if not entry.directory] == [
        ("top/in/x", 2),
        ("chosen", 2),
    ]
    assert (found.left_out, found.size) == (3, 4)


def test_files_of_one_name_from_two_folders_both_come(tmp_path: Path) -> None:
    for folder in ("a", "b", "c"):
        (tmp_path / folder).mkdir()
    tops = [tmp_path / "a" / "x.txt", tmp_path / "b" / "X.txt", tmp_path / "c" / "x.txt"]
    for top in tops:
        top.touch()
    assert [entry.path for entry in listed(tops).entries] == ["x.txt", "X (2).txt", "x (3).txt"]


def test_a_file_that_is_not_there_or_has_an_odd_name_is_said(tmp_path: Path) -> None:
    assert refused(lambda: listed([tmp_path / "no"])) == "refused"
    odd = Path(os.fsdecode(bytes(tmp_path) + b"/\xff\xfe"))
    odd.touch()
    assert refused(lambda: listed([odd])) == "unsafe-name"
    odd.unlink()  # pytest would not find it


def test_a_file_that_became_shorter_is_not_taken_for_whole(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")
    [source] = listed([tmp_path / "x"]).sources
    assert read_piece(source, 1, 2) == b"bc"
    assert refused(lambda: read_piece(source, 1, 3)) == "changed"
    (tmp_path / "x").unlink()
    assert refused(lambda: read_piece(source, 0, 3)) == "refused"


def test_what_is_moved_to_the_downloads_goes_beside_what_is_there(tmp_path: Path) -> None:
    there = tmp_path / "Downloads"
    there.mkdir()
    (there / "x.txt").write_bytes(b"old")
    (tmp_path / "x.txt").write_bytes(b"new")
    [moved] = move_into(there, [tmp_path / "x.txt"])
    assert (moved.name, moved.read_bytes(), (there / "x.txt").read_bytes()) == ("x (2).txt", b"new", b"old")


def test_a_sweep_that_may_keep_more_than_there_are_removes_none(tmp_path: Path) -> None:
    batches = [Incoming(tmp_path, 0).folder for _ in range(3)]
    sweep(tmp_path, keep=5)
    assert all(folder.is_dir() for folder in batches)


def test_an_address_that_is_no_path_is_refused(tmp_path: Path) -> None:
    assert refused(lambda: listed([tmp_path / "a\0b"])) == "refused"


@pytest.mark.parametrize("trap", ["pipe", "link", "another"])
def test_what_lies_in_a_listed_files_place_since_is_not_read(tmp_path: Path, trap: str) -> None:
    """In a folder that others may write in: a pipe would hold us for ever, a link fetch a file of ours."""
    (tmp_path / "secret").write_bytes(b"mine")
    (tmp_path / "top").mkdir()
    place = tmp_path / "top" / "x"
    place.write_bytes(b"hers")
    source = listed([tmp_path / "top"]).sources[1]
    assert read_piece(source, 0, 4) == b"hers"
    if trap == "another":
        (tmp_path / "top").rename(tmp_path / "away")
        (tmp_path / "other").mkdir()
        (tmp_path / "other" / "x").write_bytes(b"mine")
        (tmp_path / "top").symlink_to("other")
    else:
        place.unlink()
        place.symlink_to(tmp_path / "secret") if trap == "link" else os.mkfifo(place)
    assert refused(lambda: read_piece(source, 0, 4)) == "changed"
