"""A copy's content on its way: limits, free space, nothing left behind."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libneuron.system.clipboard.errors import ClipboardError
from libneuron.system.clipboard.spool import MIB, Content, Spool, SpoolLimits


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with 8 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", folder], check=True)
    yield folder
    subprocess.run(["umount", folder], check=True)


@given(st.lists(st.binary(max_size=50)), st.integers(1, 64))
def test_pieces_come_out_as_they_went_in(pieces: list[bytes], length: int) -> None:
    spool = Spool(Path("/nowhere"), SpoolLimits())
    for piece in pieces:
        spool.write(piece)
    content = spool.finish()
    assert content.size == len(b"".join(pieces))
    assert b"".join(content.parts(length)) == content.whole() == b"".join(pieces)


def test_large_content_lies_in_a_private_folder_in_a_file_without_a_name(tmp_path: Path) -> None:
    data = os.urandom(3 * MIB)
    spool = Spool(tmp_path / "spool", SpoolLimits())
    for offset in range(0, len(data), 100_000):
        spool.write(data[offset : offset + 100_000])
    content = spool.finish()
    assert content.whole() == data
    assert list((tmp_path / "spool").iterdir()) == []
    assert (tmp_path / "spool").stat().st_mode & 0o777 == 0o700
    content.close()
    with pytest.raises(ValueError, match="closed"):
        content.whole()


def test_the_limit_counts_every_byte() -> None:
    spool = Spool(Path("/nowhere"), SpoolLimits(most=10))
    spool.write(b"0123456789")
    with pytest.raises(ClipboardError) as caught:
        spool.write(b"x")
    assert caught.value.code == "clipboard.too-large"


def test_an_announcement_over_the_limit_is_refused_and_a_lie_costs_nothing() -> None:
    spool = Spool(Path("/nowhere"), SpoolLimits(most=MIB))
    with pytest.raises(ClipboardError):
        spool.expect(1 << 32)
    spool.expect(MIB)
    assert spool.finish().size == 0


def test_a_full_disk_is_said_before_the_last_space_is_gone(small_disk: Path) -> None:
    spool = Spool(small_disk / "spool", SpoolLimits(reserve=4 * MIB))
    with pytest.raises(ClipboardError) as caught:
        for _ in range(8):
            spool.write(bytes(MIB))
    assert caught.value.code == "clipboard.disk-full"
    assert str(small_disk) in caught.value.hint()
    spool.discard()
    disk = os.statvfs(small_disk)
    assert disk.f_bavail * disk.f_frsize > 7 * MIB


def test_a_disk_that_fills_up_under_us_is_the_same_error(small_disk: Path) -> None:
    spool = Spool(small_disk / "spool", SpoolLimits(reserve=-1 << 40))
    with pytest.raises(ClipboardError) as caught:
        for _ in range(20):
            spool.write(bytes(MIB))
    assert caught.value.code == "clipboard.disk-full"
    spool.discard()


def test_a_folder_that_cannot_be_made_is_an_error_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    spool = Spool(tmp_path / "file" / "spool", SpoolLimits())
    with pytest.raises(ClipboardError) as caught:
        spool.write(bytes(2 * MIB))
    assert caught.value.code == "clipboard.disk-full"


def test_content_made_from_bytes_needs_no_file() -> None:
    assert Content.of(b"abc").part(1, 5) == b"bc"
