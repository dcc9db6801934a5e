"""A disk that dies under a run: everything answers EIO from then on, or data is lost on the way to it.

No device mapper is needed: ext4 has a call that ends a mounted file system as a dead drive would (xfstests
use it too), and a loop device whose file lies on a full disk loses what is written back to it.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
import random
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from libneuron.migration import engine
from libneuron.migration.errors import MigrationError
from libneuron.migration.scan import Source
from libneuron.migration.session import Run
from libneuron.migration.verify import Extent
from libneuron.progress import Progress, ProgressView
from tests.unit.migration.maker import Lab, entries_below, progress, totals, tree, without_run

SHUTDOWN = 0x8004587D
"""EXT4_IOC_SHUTDOWN, which is FS_IOC_SHUTDOWN of XFS as well."""
NO_LOG_FLUSH = 2
FILES = 700


@contextlib.contextmanager
def loop(image: Path, place: Path) -> Iterator[None]:
    place.mkdir(exist_ok=True)
    subprocess.run(["mount", "-o", "loop", image, place], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", place], check=True)


def make_disk(image: Path, size: int, *words: str) -> None:
    with image.open("wb") as file:
        file.truncate(size)
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", *words, image], check=True)


def die(place: Path) -> None:
    """The file system at ``place`` answers EIO to everything, and what it has not written is lost."""
    descriptor = os.open(place, os.O_RDONLY)
    try:
        fcntl.ioctl(descriptor, SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
    finally:
        os.close(descriptor)


class Dying(Progress):
    """Progress that ends the disk at ``place`` once so much of a stage (1 copying, 2 checking) is done."""

    def __init__(self, place: Path, *, stage: int, share: float) -> None:
        super().__init__(clock=itertools.count().__next__, listener=self._listen)  # told of every step
        self._place, self._stage, self._share = place, stage, share
        self._begun = 0

    def start(self, *, total: int | None, unit: str, cancellable: bool = True) -> None:
        self._begun += 1
        super().start(total=total, unit=unit, cancellable=cancellable)

    def _listen(self, view: ProgressView) -> None:
        if self._begun == self._stage and view.done > self._share * (view.total or 0):
            self._begun = 0
            die(self._place)


def fill(lab: Lab) -> None:
    made = random.Random(9)
    files: dict[str, bytes | str] = {
        f"Documents/{number % 9}/{number}.bin": made.randbytes(made.choice((10, 3000, 20_000)))
        for number in range(FILES)
    }
    files |= {f"Pictures/{number}.raw": made.randbytes(3 << 20) for number in range(6)}
    files |= {".gitconfig": "[core]\r\n\tautocrlf = true\r\n"}
    lab.make(files, {".gitconfig": "[user]\n\tname = mine\n", "Documents/3/3.bin": "mine"})


def go_on(lab: Lab, run: Run, watching: Progress) -> None:
    with Source(lab.source) as source:
        run.go_on(source, watching, extent=Extent.FULL)


DEATHS = [(1, 0.0), (1, 0.3), (1, 0.6), (1, 0.9), (2, 0.1), (2, 0.9)]


def test_a_home_that_dies_again_and_again_ends_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "CHUNK_FILES", 100)
    reference = Lab(tmp_path / "reference")
    fill(reference)
    reference.migrate()
    wanted = without_run(tree(reference.home))
    image = tmp_path / "home.img"
    make_disk(image, 160 << 20)
    lab = Lab(tmp_path)
    with loop(image, lab.home):
        fill(lab)
        before = tree(lab.home)
        run = lab.begin()
    for stage, share in DEATHS:
        with loop(image, lab.home), pytest.raises(MigrationError) as caught:
            go_on(lab, run, Dying(lab.home, stage=stage, share=share))
        assert caught.value.code == "migration.home-failing"
    with loop(image, lab.home):
        lab.go_on(run)
    with loop(image, lab.home):
        assert {
            name: what for name, what in without_run(tree(lab.home)).items() if name != "lost+found"
        } == wanted
        assert (totals(run).seen, totals(run).failed) == (entries_below(lab.profile), 0)
        run.undo(progress())
        assert tree(lab.home) == before


def test_a_source_that_dies_again_and_again_is_read_to_its_end(tmp_path: Path) -> None:
    image = tmp_path / "source.img"
    make_disk(image, 160 << 20)
    lab = Lab(tmp_path)
    with loop(image, lab.source):
        fill(lab)
        run = lab.begin()
        seen = entries_below(lab.profile)
    for share in (0.0, 0.3, 0.9):
        with loop(image, lab.source), pytest.raises(MigrationError) as caught:
            go_on(lab, run, Dying(lab.source, stage=1, share=share))
        assert caught.value.code == "migration.source-gone"
    with loop(image, lab.source):
        lab.go_on(run)
        assert (totals(run).seen, totals(run).failed, totals(run).waiting) == (seen, 0, 0)
        for path in (lab.profile / "Documents").rglob("*.bin"):
            if path.name != "3.bin":
                assert (lab.home / path.relative_to(lab.profile)).read_bytes() == path.read_bytes()


def test_data_lost_on_its_way_to_the_disk_is_not_believed_because_the_cache_has_it(tmp_path: Path) -> None:
    outer = tmp_path / "outer"
    outer.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "none", outer], check=True)
    try:
        image = outer / "home.img"
        # Only the first 24 MiB have their room for sure; all that ext4 needs for itself lies there.
        words = ["-b", "4096", "-N", "8192", "-J", "size=4", "-O", "^resize_inode"]
        words += ["-E", "lazy_itable_init=0"]
        make_disk(image, 120 << 20, *words)
        with image.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, 24 << 20)
        lab = Lab(tmp_path)
        with loop(image, lab.home):
            lab.make({f"Documents/{number}": os.urandom(1 << 20) for number in range(40)}, {"Documents/": ""})
            run = lab.begin()
            with pytest.raises(MigrationError):
                lab.go_on(run)
            subprocess.run(["mount", "-o", "remount,size=200m", outer], check=True)
            lab.go_on(run, Extent.NONE)
            assert (totals(run).failed, totals(run).waiting) == (0, 0)
        with loop(image, lab.home):
            for path in (lab.profile / "Documents").iterdir():
                assert (lab.home / "Documents" / path.name).read_bytes() == path.read_bytes()
    finally:
        subprocess.run(["umount", outer], check=True)
