"""Programs that paste what the host has promised: they wait together, give up, find it at the next try."""

from __future__ import annotations

import queue
import time
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from neuron_guest import promises as module
from neuron_guest.backend import BackendError
from neuron_guest.promises import Promises

Wanted = queue.SimpleQueue[tuple[int, int, str]]


def refused(paste: Future[bytes]) -> str:
    error = paste.exception(20)
    assert isinstance(error, BackendError)
    return error.code


def test_programs_that_paste_the_same_wait_for_one_answer() -> None:
    wanted: Wanted = queue.SimpleQueue()
    made = Promises(lambda *what: wanted.put(what))
    with ThreadPoolExecutor(3) as pool:
        pastes = [pool.submit(made.fetch, 1, "x") for _ in range(3)]
        number, serial, mime = wanted.get(timeout=20)
        assert (serial, mime) == (1, "x")
        end = time.monotonic() + 20
        while sum(asked.waiting for asked in made._asked.values()) < 3:
            assert time.monotonic() < end
        made.supplied(number, b"once")
        assert [paste.result(20) for paste in pastes] == [b"once"] * 3
    assert wanted.empty()
    assert made._asked == {}


def test_what_comes_too_late_is_there_for_the_next_paste_and_only_for_it() -> None:
    wanted: Wanted = queue.SimpleQueue()
    made = Promises(lambda *what: wanted.put(what), patience=0.01)
    with pytest.raises(BackendError) as refusal:
        made.fetch(1, "x")
    assert refusal.value.code == "timeout"
    made.supplied(wanted.get(timeout=20)[0], b"late")
    assert made.fetch(1, "x") == b"late"
    assert wanted.empty()
    assert made._asked == {}


def test_a_newer_promise_and_a_host_that_never_answers_leave_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted: Wanted = queue.SimpleQueue()
    made = Promises(lambda *what: wanted.put(what), patience=0.01)
    for serial in (1, 2):
        with pytest.raises(BackendError):
            made.fetch(serial, "x")
    assert list(made._asked) == [(2, "x")]
    monkeypatch.setattr(module, "_STALE", -1.0)
    with pytest.raises(BackendError):
        made.fetch(2, "x")
    assert [wanted.get(timeout=20)[1] for _ in range(3)] == [1, 2, 2]  # asked anew


def test_a_problem_reaches_who_waits_and_is_not_kept() -> None:
    wanted: Wanted = queue.SimpleQueue()
    made = Promises(lambda *what: wanted.put(what))
    with ThreadPoolExecutor(1) as pool:
        paste = pool.submit(made.fetch, 1, "x")
        made.supplied(wanted.get(timeout=20)[0], b"", "stale")
        assert refused(paste) == "stale"
        paste = pool.submit(made.fetch, 1, "x")
        made.supplied(wanted.get(timeout=20)[0], b"now")
        assert paste.result(20) == b"now"
    made.supplied(4711, b"nobody asked")


def test_no_more_than_so_many_wait_and_the_end_reaches_all() -> None:
    wanted: Wanted = queue.SimpleQueue()
    made = Promises(lambda *what: wanted.put(what))
    with ThreadPoolExecutor(40) as pool:
        pastes = [pool.submit(made.fetch, 1, str(number)) for number in range(32)]
        for _ in pastes:
            wanted.get(timeout=20)
        assert refused(pool.submit(made.fetch, 1, "one more")) == "busy"
        made.end()
        assert {refused(paste) for paste in pastes} == {"no-session"}
        assert refused(pool.submit(made.fetch, 1, "later")) == "no-session"
