"""Renames that never overwrite, attributes and locks, on the real file system."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from libneuron.system.filesystem import (
    attribute,
    attribute_names,
    free_bytes,
    only_one,
    only_one_in,
    rename_new,
    start_writeback,
    sync_file_system,
)


def test_a_rename_never_replaces(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").write_text("b")
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        with pytest.raises(FileExistsError):
            rename_new(b"a", b"b", source_directory=folder, target_directory=folder)
        rename_new(b"a", b"c", source_directory=folder, target_directory=folder)
        with pytest.raises(FileNotFoundError):
            rename_new(b"a", b"d", source_directory=folder, target_directory=folder)
        sync_file_system(folder)
    finally:
        os.close(folder)
    assert sorted(path.read_text() for path in tmp_path.iterdir()) == ["a", "b"]


def test_syncing_a_closed_descriptor_is_an_error() -> None:
    with pytest.raises(OSError, match="Bad file descriptor"):
        sync_file_system(10_000)


def test_attributes_are_read_below_a_descriptor_and_not_through_links(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    (tmp_path / "l").symlink_to("a")
    os.setxattr(tmp_path / "a", "user.x", b"1")
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        assert attribute(folder, "a", "user.x") == b"1"
        assert attribute(folder, "l", "user.x") is None
        assert attribute(folder, "none", "user.x") is None
        assert attribute_names(folder, "a") == ("user.x",)
        assert attribute_names(folder, "l") == ()
        assert attribute_names(folder, "none") == ()
    finally:
        os.close(folder)


def test_a_lock_admits_one(tmp_path: Path) -> None:
    with only_one(tmp_path / "lock") as first, only_one(tmp_path / "lock") as second:
        assert (first, second) == (True, False)
    with only_one(tmp_path / "lock") as again:
        assert again


def test_free_room_is_counted_in_bytes(tmp_path: Path) -> None:
    info = os.statvfs(tmp_path)
    assert 0 < free_bytes(tmp_path) <= info.f_blocks * info.f_frsize


def test_starting_writeback_is_only_a_hint(tmp_path: Path) -> None:
    with (tmp_path / "a").open("wb") as file:
        file.write(b"x")
        file.flush()
        start_writeback(file.fileno(), 0, 1)
    start_writeback(10_000, 0, 1)


def test_a_folder_is_locked_without_a_file_in_it(tmp_path: Path) -> None:
    with only_one_in(tmp_path) as first, only_one_in(tmp_path) as second:
        assert (first, second) == (True, False)
    with only_one_in(tmp_path) as again:
        assert again
    assert list(tmp_path.iterdir()) == []
