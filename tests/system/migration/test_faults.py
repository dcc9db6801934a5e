"""A disk that cannot read what it holds, and copies that rot: each is named, and mended once it can be."""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from libneuron.migration.journal import Journal
from libneuron.migration.model import State
from libneuron.migration.scan import Source
from libneuron.migration.session import Run
from libneuron.migration.summary import lines
from libneuron.migration.verify import Extent
from tests.unit.migration.maker import Lab, progress, report, totals, write

FILES = 24
UNREADABLE = (3, 11, 17)


def flip(path: Path, offset: int, bit: int = 0) -> None:
    """Turn one bit of a file over, in place."""
    with path.open("r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ (1 << bit)]))
        file.flush()
        os.fsync(file.fileno())


@contextlib.contextmanager
def mounted(image: Path, place: Path, options: str) -> Iterator[None]:
    subprocess.run(["mount", "-o", f"loop,{options}", image, place], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", place], check=True)


def test_sectors_that_cannot_be_read_fail_alone_and_come_with_a_retry(tmp_path: Path) -> None:
    # btrfs answers EIO for data whose checksum does not hold, as a drive does for a bad sector.
    made = random.Random(5)
    contents = [made.randbytes(64 << 10) for _ in range(FILES)]
    image = tmp_path / "disk.img"
    with image.open("wb") as file:
        file.truncate(160 << 20)
    subprocess.run(["mkfs.btrfs", "-q", image], check=True)
    lab = Lab(tmp_path)
    lab.source.mkdir()
    lab.home.mkdir()
    with mounted(image, lab.source, "compress=no"):
        write(lab.profile / "Documents", {f"{number}.bin": data for number, data in enumerate(contents)})
    whole = image.read_bytes()
    places = [whole.index(contents[number]) + 5000 for number in UNREADABLE]
    for place in places:
        flip(image, place)
    with mounted(image, lab.source, "ro"):
        with pytest.raises(OSError, match="Input/output error"):
            (lab.profile / "Documents/3.bin").read_bytes()
        run = lab.migrate()
        assert (totals(run).failed, totals(run).waiting) == (len(UNREADABLE), 0)
        with Journal(run.journal_path) as journal:
            told = {line.path.rpartition("/")[2]: line.reason for line in lines(journal, State.FAILED)}
        assert told == {f"{number}.bin": "The disk could not read it." for number in UNREADABLE}
        assert report(run)["ok"] is False
        assert len(os.listdir(lab.home / "Documents")) == FILES - len(UNREADABLE)
    for place in places:
        flip(image, place)
    with mounted(image, lab.source, "ro"):
        run = Run.required(lab.home)
        with Source(lab.source) as source:
            run.retry(source, progress())
    assert totals(run).failed == 0
    for number, data in enumerate(contents):
        assert (lab.home / f"Documents/{number}.bin").read_bytes() == data
    assert len(os.listdir(lab.home / "Documents")) == FILES


def test_every_flipped_bit_is_found(tmp_path: Path) -> None:
    made = random.Random(7)
    files: dict[str, bytes | str] = {
        f"Pictures/{number % 7}/{number}.jpg": made.randbytes(made.choice((1, 100, 5000, 70_000, 1_300_000)))
        for number in range(120)
    }
    lab = Lab(tmp_path).make(files)
    run = lab.migrate()
    victims = sorted(made.sample(sorted(files), 40))
    for name in victims:
        path = lab.home / name
        info = path.stat()
        flip(path, made.randrange(info.st_size), made.randrange(8))
        os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))
    found = run.verify(progress(), extent=Extent.FULL).verification
    assert sorted(found.damaged) == victims
    assert (found.changed, found.missing) == ([], [])
    assert found.checked == len(files)


def test_a_copy_that_its_disk_no_longer_gives_back_is_damaged_and_a_retry_mends_it(tmp_path: Path) -> None:
    content = random.Random(6).randbytes(64 << 10)
    image = tmp_path / "disk.img"
    with image.open("wb") as file:
        file.truncate(160 << 20)
    subprocess.run(["mkfs.btrfs", "-q", image], check=True)
    lab = Lab(tmp_path)
    lab.home.mkdir()
    with mounted(image, lab.home, "compress=no"):
        lab.make({"Documents/a.bin": content, "Documents/b.bin": "b"})
        run = lab.migrate()
    flip(image, image.read_bytes().index(content) + 5000)
    with mounted(image, lab.home, "compress=no"):
        found = run.verify(progress(), extent=Extent.FULL).verification
        assert (found.damaged, found.missing) == (["Documents/a.bin"], [])
        with Source(lab.source) as source:
            run.retry(source, progress())
        assert (lab.home / "Documents/a.bin").read_bytes() == content
        assert sorted(os.listdir(lab.home / "Documents")) == ["a.bin", "b.bin"]
