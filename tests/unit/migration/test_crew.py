"""The processes that copy small files: exact, harmless where they fail, gone when the run is gone."""

from __future__ import annotations

import fcntl
import hashlib
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from libneuron.migration import worker
from libneuron.migration.crew import Crew, Lost, Worker, wait_for_workers
from tests.unit.migration.maker import Lab, entries_below, totals, tree, without_run

STAMP = 1_234_567_890_123_456_700


@pytest.fixture
def folders(tmp_path: Path) -> Iterator[tuple[int, int]]:
    for name in ("from", "to", "run"):
        (tmp_path / name).mkdir()
    opened = tuple(os.open(tmp_path / name, os.O_RDONLY | os.O_DIRECTORY) for name in ("from", "to"))
    yield (opened[0], opened[1])
    for descriptor in opened:
        os.close(descriptor)


@pytest.fixture
def process(tmp_path: Path, folders: tuple[int, int]) -> Iterator[Worker]:
    wait_for_workers(tmp_path / "run")
    made = Worker(tmp_path / "run")
    yield made
    made.close()


def test_a_file_is_copied_with_bytes_time_and_mode_and_named(
    tmp_path: Path, folders: tuple[int, int], process: Worker
) -> None:
    (tmp_path / "from/a").write_bytes(b"photo")
    os.utime(tmp_path / "from/a", ns=(1, STAMP))
    (answer,) = process.copy(*folders, [(b"a", b"a.part", 0o600)])
    info = (tmp_path / "to/a.part").stat()
    assert answer == (hashlib.sha256(b"photo").digest(), 5, info.st_ino)
    assert (info.st_mtime_ns, stat.S_IMODE(info.st_mode)) == (STAMP, 0o600)
    assert process.rename(folders[1], [(b"a.part", b"a")]) == [True]
    assert os.listdir(tmp_path / "to") == ["a"]


def test_a_name_that_is_taken_is_not_given(tmp_path: Path, folders: tuple[int, int], process: Worker) -> None:
    (tmp_path / "to/a").write_text("mine")
    (tmp_path / "to/a.part").write_text("theirs")
    assert process.rename(folders[1], [(b"a.part", b"a"), (b"missing", b"b")]) == [False, False]
    assert (tmp_path / "to/a").read_text() == "mine"


def test_what_is_no_small_file_is_left_to_the_run_and_leaves_nothing(
    tmp_path: Path, folders: tuple[int, int]
) -> None:
    source = tmp_path / "from"
    os.mkfifo(source / "pipe")
    (source / "link").symlink_to("/etc/passwd")
    (source / "folder").mkdir()
    (source / "big").write_bytes(bytes(worker.SMALL + 1))
    for name in (b"pipe", b"link", b"folder", b"big", b"missing"):
        assert worker.copy(*folders, (name, b"part", 0o666)) is None
    assert os.listdir(tmp_path / "to") == []


def test_a_temporary_file_that_is_there_is_left_to_the_run(tmp_path: Path, folders: tuple[int, int]) -> None:
    (tmp_path / "from/a").write_text("new")
    (tmp_path / "to/part").write_text("left by a kill")
    assert worker.copy(*folders, (b"a", b"part", 0o666)) is None
    assert (tmp_path / "to/part").read_text() == "left by a kill"


def test_a_file_that_changes_while_it_is_read_is_left_to_the_run(
    tmp_path: Path, folders: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "from/a").write_text("before")
    real = os.read

    def read(descriptor: int, size: int) -> bytes:
        data = real(descriptor, size)
        (tmp_path / "from/a").write_text("longer than before")
        return data

    monkeypatch.setattr(os, "read", read)
    assert worker.copy(*folders, (b"a", b"part", 0o666)) is None
    assert os.listdir(tmp_path / "to") == []


def test_a_process_that_dies_is_told_from_one_that_answers(
    tmp_path: Path, folders: tuple[int, int], process: Worker
) -> None:
    process._process.kill()
    process._process.wait()
    with pytest.raises(Lost):
        process.copy(*folders, [(b"a", b"part", 0o666)])


def test_a_process_holds_the_lock_that_the_next_run_waits_for(
    tmp_path: Path, folders: tuple[int, int], process: Worker
) -> None:
    process.rename(folders[1], [(b"no", b"such")])  # it has started once it answers
    descriptor = os.open(tmp_path / "run/workers", os.O_RDWR)
    with pytest.raises(BlockingIOError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    process.close()
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(descriptor)


def test_a_process_ends_when_the_run_is_killed(tmp_path: Path, root: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from libneuron.migration.crew import *;"
        " folder = Path(sys.argv[1]); wait_for_workers(folder); one = Worker(folder);"
        " one.rename(os.open('/', os.O_RDONLY), [(b'no', b'such')]);"
        " print(one._process.pid, flush=True); sys.stdin.read()"
    )
    run = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=root
    )
    assert run.stdout is not None and run.stdin is not None
    child = int(run.stdout.readline())
    run.send_signal(signal.SIGKILL)
    run.communicate()
    deadline = time.monotonic() + 60
    while Path(f"/proc/{child}").exists() and "Z" not in Path(f"/proc/{child}/stat").read_text().split()[2]:
        assert time.monotonic() < deadline
    wait_for_workers(tmp_path)


@pytest.mark.parametrize("call", ["copy", "rename"])
@pytest.mark.parametrize("answered", [False, True])
def test_a_run_whose_processes_die_ends_like_any_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, answered: bool
) -> None:
    files: dict[str, bytes | str] = {f"Documents/{number % 7}/{number}": str(number) for number in range(700)}
    lab = Lab(tmp_path).make(files, {"Documents/3/3": "mine"})
    real = getattr(Worker, call)
    asked = []

    def dies(self: Worker, *words: object) -> object:
        asked.append(1)
        if len(asked) == 3:
            if answered:
                real(self, *words)
            raise Lost
        return real(self, *words)

    monkeypatch.setattr(Worker, call, dies)
    run = lab.migrate()
    assert len(asked) >= 3
    sums = totals(run)
    assert (sums.seen, sums.failed, sums.waiting) == (entries_below(lab.profile), 0, 0)
    there = without_run(tree(lab.home))
    assert (lab.home / "Documents/3/3").read_text() == "mine"
    assert (lab.home / "Documents/3/3 (from Windows)").read_text() == "3"
    assert len([name for name in there if name.startswith("Documents/")]) == 7 + 701
    assert not list(lab.home.rglob(".neuron-migration-*"))


def test_few_files_need_no_process(tmp_path: Path) -> None:
    with Crew(1, tmp_path, processes=False) as crew:
        assert crew.submit(crew.worker).result() is None
