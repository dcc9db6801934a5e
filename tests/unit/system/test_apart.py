"""Work in a process of its own: progress, outcome, Pause and Stop cross, and nothing outlives."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import pytest

from libneuron.errors import Cancelled
from libneuron.progress import Progress, ProgressView
from libneuron.system.apart import apart
from libneuron.system.errors import SystemAccessError

PATIENCE = 60.0


def progress() -> Progress:
    return Progress(clock=time.monotonic)


def where(_progress: Progress) -> int:
    return os.getpid()


def names(folder: Path, _progress: Progress) -> list[str]:
    return os.listdir(folder)


def count(progress: Progress) -> str:
    progress.start(total=3, unit="files")
    for number in range(3):
        progress.advance(1, item=f"file {number}")
    progress.finish()
    return "counted"


def complain(_progress: Progress) -> None:
    raise SystemAccessError("system.program-missing", program="x", details="why")


def stumble(_progress: Progress) -> None:
    raise ZeroDivisionError


def die(_progress: Progress) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def go_on(note: Path, progress: Progress) -> None:
    """Work until somebody stops it; ``note`` tells who works, and grows with every step."""
    note.write_text(f"{os.getpid()}\n")
    progress.start(total=None, unit="steps")
    while True:
        progress.advance(1)
        with note.open("a") as file:
            file.write(".")
        time.sleep(0.001)


def wait_until(condition: object) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.005)


def steps(note: Path) -> int:
    return note.stat().st_size if note.exists() else 0


def gone(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


def test_the_work_is_done_in_another_process_which_ends_with_it() -> None:
    process = apart(where, progress())
    assert process != os.getpid()
    assert gone(process)


def test_it_is_prepared_first(tmp_path: Path) -> None:
    assert apart(partial(names, tmp_path), progress(), prepare=partial(Path.touch, tmp_path / "first")) == [
        "first"
    ]


def test_how_far_it_is_comes_back() -> None:
    views: list[ProgressView] = []
    one = Progress(clock=time.monotonic, listener=views.append)
    assert apart(count, one) == "counted"
    assert (views[-1].done, views[-1].total, views[-1].unit, views[-1].item) == (3, 3, "files", "file 2")


def test_an_error_comes_back_with_its_words() -> None:
    with pytest.raises(SystemAccessError) as caught:
        apart(complain, progress())
    wanted = SystemAccessError("system.program-missing", program="x", details="why")
    assert caught.value.as_json() == wanted.as_json()


def test_a_bug_comes_back_with_its_traceback() -> None:
    with pytest.raises(RuntimeError, match="in stumble") as caught:
        apart(stumble, progress())
    assert "ZeroDivisionError" in str(caught.value)


def test_a_process_that_was_killed_is_told() -> None:
    with pytest.raises(SystemAccessError) as caught:
        apart(die, progress())
    assert caught.value.code == "system.process-ended"


def test_pause_holds_it_and_stop_ends_it(tmp_path: Path) -> None:
    note, one = tmp_path / "note", progress()
    ended: list[BaseException] = []

    def work() -> None:
        try:
            apart(partial(go_on, note), one)
        except Cancelled as error:
            ended.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        wait_until(lambda: steps(note) > 100)
        one.pause()
        wait_until(lambda: one.view().paused and _still(note))
        held = steps(note)
        one.resume()
        wait_until(lambda: steps(note) > held)
    finally:
        one.cancel()
        thread.join(PATIENCE)
    assert len(ended) == 1
    assert gone(int(note.read_text().split()[0]))


def _still(note: Path) -> bool:
    before = steps(note)
    time.sleep(0.1)
    return steps(note) == before


def test_the_work_stops_once_the_window_is_gone(tmp_path: Path, root: Path) -> None:
    note = tmp_path / "note"
    code = (
        "import sys; from functools import partial; from pathlib import Path;"
        "from libneuron.system.apart import apart; "
        "from tests.unit.system.test_apart import go_on, progress;"
        "apart(partial(go_on, Path(sys.argv[1])), progress())"
    )
    with subprocess.Popen([sys.executable, "-c", code, note], cwd=root) as window:
        try:
            wait_until(lambda: steps(note) > 100)
        finally:
            window.kill()
    wait_until(lambda: gone(int(note.read_text().split()[0])))
