"""Reads through a root prefix, writes that cannot tear, opens that follow no links."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from libneuron.system import files
from libneuron.system.errors import SystemAccessError
from libneuron.system.files import Root


def test_a_recorded_tree_answers_like_the_machine(tmp_path: Path) -> None:
    (tmp_path / "sys/devices/pci/0000:01:00.0").mkdir(parents=True)
    (tmp_path / "sys/devices/pci/0000:01:00.0/class").write_text("0x030000\n")
    (tmp_path / "sys/bus").mkdir()
    (tmp_path / "sys/bus/gpu").symlink_to("../devices/pci/0000:01:00.0")
    root = Root(tmp_path)
    assert root.text("/sys/bus/gpu/class") == "0x030000"
    assert root.names("/sys/bus") == ("gpu",)
    assert root.link_name("/sys/bus/gpu") == "0000:01:00.0"


def test_absolute_links_stay_inside_the_prefix(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/hostname").write_text("recorded\n")
    (tmp_path / "etc/name").symlink_to("/etc/hostname")
    (tmp_path / "etc/out").symlink_to("../../../../../../etc/hostname")
    root = Root(tmp_path)
    assert root.text("/etc/name") == "recorded"
    assert root.text("/etc/out") == "recorded"


def test_what_is_absent_is_none_or_empty(tmp_path: Path) -> None:
    root = Root(tmp_path)
    assert root.text("/nothing") is None
    assert root.names("/nothing") == ()
    assert root.link_name("/nothing/there") is None
    assert not root.exists("/nothing")


def test_a_loop_of_links_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("/b")
    (tmp_path / "b").symlink_to("/a")
    with pytest.raises(SystemAccessError):
        Root(tmp_path).path("/a/x")


def test_a_read_has_a_limit(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"x" * 100)
    assert Root(tmp_path).bytes("/big", limit=10) == b"x" * 10


def test_an_atomic_write_replaces_the_whole_file_with_its_mode(tmp_path: Path) -> None:
    target = tmp_path / "key"
    target.write_bytes(b"old")
    files.write_atomic(target, b"new", mode=0o600)
    assert target.read_bytes() == b"new"
    assert files.is_private(target)
    assert list(tmp_path.iterdir()) == [target]


def test_a_write_that_cannot_begin_names_the_file_that_was_asked_for(tmp_path: Path) -> None:
    target = tmp_path / "missing" / "picture.png"
    with pytest.raises(FileNotFoundError) as caught:
        files.write_atomic(target, b"")
    assert caught.value.filename == str(target)


def test_a_failed_write_keeps_the_old_file_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "settings"
    target.write_bytes(b"old")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        files.write_atomic(target, b"new")
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("bad", ["/etc/passwd", "../up", "a/../../up", "", "."])
def test_only_names_below_are_opened(tmp_path: Path, bad: str) -> None:
    top = os.open(tmp_path, os.O_RDONLY)
    try:
        with pytest.raises(SystemAccessError):
            files.open_beneath(top, bad, os.O_RDONLY)
    finally:
        os.close(top)


def test_links_are_not_followed_anywhere_on_the_way(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("secret")
    home = tmp_path / "home"
    home.mkdir()
    (home / "dir").symlink_to(outside)
    (home / "last").symlink_to(outside / "file")
    top = os.open(home, os.O_RDONLY)
    try:
        for name in ("dir/file", "last"):
            with pytest.raises(SystemAccessError):
                files.open_beneath(top, name, os.O_RDONLY)
        with pytest.raises(SystemAccessError), files.directory_beneath(top, "dir/new", create=True):
            pass
    finally:
        os.close(top)
    assert list(outside.iterdir()) == [outside / "file"]


def test_directories_are_made_below(tmp_path: Path) -> None:
    top = os.open(tmp_path, os.O_RDONLY)
    try:
        with files.directory_beneath(top, "a/b/c", create=True) as below:
            os.close(os.open("file", os.O_WRONLY | os.O_CREAT, 0o600, dir_fd=below))
    finally:
        os.close(top)
    assert (tmp_path / "a/b/c/file").is_file()


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    top = os.open(tmp_path, os.O_RDONLY)
    (tmp_path / "link").symlink_to("/")
    for _ in range(5):
        with files.directory_beneath(top, "a/b", create=True):
            pass
        with pytest.raises(SystemAccessError), files.directory_beneath(top, "link/b"):
            pass
    os.close(top)
    assert len(os.listdir("/proc/self/fd")) == before
