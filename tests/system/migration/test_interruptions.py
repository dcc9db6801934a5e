"""Killed, out of room, source gone: every run can be gone on with, and ends as if nothing had happened."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from libneuron.migration.errors import MigrationError
from libneuron.migration.session import Run
from tests.unit.migration.maker import Lab, entries_below, progress, totals, tree, without_run

FILES = 1500


def busy_lab(top: Path, count: int = FILES) -> Lab:
    """Enough files that a kill lands in the middle, some merged and some in conflict."""
    made = random.Random(4)
    files: dict[str, bytes | str] = {
        f"Documents/{number % 20}/{number}.bin": made.randbytes(made.choice((10, 3000, 20_000)))
        for number in range(count)
    }
    files |= {
        "Pictures/big.raw": made.randbytes(12 << 20),
        "AppData/Local/Google/Chrome/User Data/Local State": '{"profile":{"info_cache":{"Default":{}}}}',
        "AppData/Local/Google/Chrome/User Data/Default/Preferences": "{}",
        ".gitconfig": "[core]\r\n\tautocrlf = true\r\n",
    }
    home: dict[str, bytes | str] = {
        "Documents/3/3.bin": "mine",
        ".config/google-chrome/Local State": '{"profile":{"info_cache":{"Default":{}}}}',
        ".config/google-chrome/Default/Preferences": "{}",
    }
    return Lab(top).make(files, home)


@pytest.fixture
def start(root: Path) -> Iterator[object]:
    running: list[subprocess.Popen[bytes]] = []

    def begin(lab: Lab, *words: str) -> subprocess.Popen[bytes]:
        argv = [sys.executable, "-m", "neuron_migration_assistant", "run", str(lab.source)]
        argv += ["--home", str(lab.home), "--yes", "--json", *words]
        made = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=root)
        running.append(made)
        return made

    yield begin
    for one in running:
        one.kill()
        one.wait()


def copied(lab: Lab) -> int:
    return entries_below(lab.home)


def kill_when(one: subprocess.Popen[bytes], lab: Lab, entries: int) -> None:
    """End the program without warning once the home holds so many entries, or let it end."""
    deadline = time.monotonic() + 120
    while one.poll() is None and copied(lab) < entries:
        assert time.monotonic() < deadline
    one.send_signal(signal.SIGKILL)
    one.wait()


def check_kills(tmp_path: Path, start: object, points: list[int], count: int = FILES) -> None:
    reference = busy_lab(tmp_path / "reference", count)
    before = tree(reference.home)
    reference.migrate()
    wanted = without_run(tree(reference.home, times=False))
    lab = busy_lab(tmp_path / "killed", count)
    for point in points:
        kill_when(start(lab, "--resume"), lab, point)  # type: ignore[operator]
    finished = {
        path: path.stat().st_ino for path in (lab.home / "Documents").rglob("*.bin") if path.is_file()
    }
    assert 0 < len(finished) < count, "the last kill came too late"
    last = start(lab, "--resume")  # type: ignore[operator]
    assert last.wait(300) == 0
    assert without_run(tree(lab.home)) == wanted
    assert not list(lab.home.rglob(".neuron-migration-*"))
    assert {path: path.stat().st_ino for path in finished} == finished, "finished files were copied again"
    run = Run.required(lab.home)
    assert totals(run).seen == entries_below(lab.profile)
    assert totals(run).failed == 0
    run.undo(progress())
    assert tree(lab.home) == before


def test_a_run_killed_at_several_points_ends_like_an_uninterrupted_one(tmp_path: Path, start: object) -> None:
    check_kills(tmp_path, start, [5, 200, 900, 1300])


@pytest.mark.long
def test_a_run_killed_at_fifty_points_ends_like_an_uninterrupted_one(tmp_path: Path, start: object) -> None:
    # Four chunks; a kill falls into copying, making durable, renaming or journalling.
    made, count = random.Random(50), 8000
    check_kills(tmp_path, start, sorted(made.randrange(count) for _ in range(50)), count)


def test_undo_works_after_a_kill(tmp_path: Path, start: object) -> None:
    lab = busy_lab(tmp_path)
    before = tree(lab.home, times=True)
    kill_when(start(lab), lab, 700)  # type: ignore[operator]
    Run.required(lab.home).undo(progress())
    assert tree(lab.home, times=True) == before


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real ext4 file system of 192 MiB."""
    image, place = tmp_path / "disk.img", tmp_path / "home"
    place.mkdir()
    with image.open("wb") as file:
        file.truncate(192 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", image], check=True)
    subprocess.run(["mount", "-o", "loop", image, place], check=True)
    yield place
    subprocess.run(["umount", place], check=True)


def test_a_full_disk_stops_politely_and_the_run_goes_on_with_room(tmp_path: Path, small_disk: Path) -> None:
    lab = Lab(tmp_path).make({f"Documents/{number}": os.urandom(1 << 20) for number in range(40)})
    filler = small_disk / "filler"
    run = lab.begin()
    room = os.statvfs(small_disk)
    filler.write_bytes(bytes(room.f_bavail * room.f_frsize - (20 << 20)))
    with pytest.raises(MigrationError) as caught:
        lab.go_on(run)
    assert caught.value.code == "migration.no-space"
    assert not list(lab.home.rglob(".neuron-migration-*"))
    done = len(os.listdir(lab.home / "Documents"))
    assert 0 < done < 40
    filler.unlink()
    lab.go_on(run)
    assert totals(run).waiting == totals(run).failed == 0
    for path in (lab.profile / "Documents").iterdir():
        assert (lab.home / "Documents" / path.name).read_bytes() == path.read_bytes()


def test_too_little_room_is_said_before_anything_is_copied(tmp_path: Path, small_disk: Path) -> None:
    lab = Lab(tmp_path).make({"Pictures/big": bytes(180 << 20)})
    before = tree(small_disk)
    with pytest.raises(MigrationError) as caught:
        lab.begin()
    assert caught.value.code == "migration.no-space"
    assert tree(small_disk) == before


def test_a_read_only_home_is_refused(tmp_path: Path, small_disk: Path) -> None:
    lab = Lab(tmp_path).make({"Documents/a": "a"})
    plan = lab.plan()
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(MigrationError) as caught:
        lab.begin()
    assert caught.value.code == "migration.home-read-only"
    assert plan.exists()
