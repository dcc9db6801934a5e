"""One task model: counted, paused, cancelled, told at most ten times a second."""

from __future__ import annotations

import threading

import pytest

from libneuron.errors import Cancelled
from libneuron.progress import Progress, ProgressView


class FakeClock:
    """Monotonic seconds that move only when told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_rate_and_time_left_come_from_the_last_seconds() -> None:
    clock = FakeClock()
    progress = Progress(clock=clock)
    progress.start(total=1000, unit="bytes")
    for _ in range(10):
        clock.now += 1
        progress.advance(10)
    view = progress.view()
    assert view.done == 100
    assert view.rate == pytest.approx(10)
    assert view.remaining == pytest.approx(90)


def test_the_rate_follows_a_slowdown() -> None:
    clock = FakeClock()
    progress = Progress(clock=clock)
    progress.start(total=None, unit="files")
    for amount in [1000] * 10 + [1] * 10:
        clock.now += 1
        progress.advance(amount)
    assert progress.view().rate == pytest.approx(1)
    assert progress.view().remaining is None


def test_the_listener_hears_at_most_ten_times_a_second_and_always_the_end() -> None:
    clock = FakeClock()
    heard: list[ProgressView] = []
    progress = Progress(clock=clock, listener=heard.append)
    progress.start(total=100, unit="files")
    for _ in range(100):
        clock.now += 0.01
        progress.advance(1)
    progress.finish()
    assert len(heard) <= 13
    assert heard[-1].done == 100


def test_cancel_stops_the_next_step() -> None:
    progress = Progress(clock=FakeClock())
    progress.start(total=2, unit="files")
    progress.advance(1)
    assert progress.cancel()
    with pytest.raises(Cancelled):
        progress.advance(1)
    assert progress.view().done == 1


def test_a_stage_that_must_not_be_cancelled_says_so() -> None:
    progress = Progress(clock=FakeClock())
    progress.start(total=None, unit="steps", cancellable=False)
    assert not progress.cancel()
    progress.advance(1)
    assert not progress.view().cancellable


def test_pause_holds_the_worker_and_cancel_frees_it() -> None:
    paused = threading.Event()

    def listen(view: ProgressView) -> None:
        if view.paused:
            paused.set()

    progress = Progress(clock=FakeClock(), listener=listen)
    progress.start(total=None, unit="files")
    progress.pause()
    ended: list[str] = []

    def work() -> None:
        try:
            progress.advance(1)
        except Cancelled:
            ended.append("cancelled")

    worker = threading.Thread(target=work)
    worker.start()
    assert paused.wait(10)
    assert progress.view().done == 0
    progress.cancel()
    worker.join(10)
    assert ended == ["cancelled"]


def test_resume_lets_the_worker_go_on() -> None:
    progress = Progress(clock=FakeClock())
    progress.start(total=None, unit="files")
    progress.pause()
    worker = threading.Thread(target=progress.advance, args=(1,))
    worker.start()
    progress.resume()
    worker.join(10)
    assert progress.view().done == 1


def test_work_that_is_done_elsewhere_is_shown_even_while_it_is_to_pause() -> None:
    clock = FakeClock()
    there, here = Progress(clock=clock), Progress(clock=clock)
    here.pause()
    for total in (1000, 50):
        there.start(total=total, unit="bytes", cancellable=total == 50)
        for _ in range(5):
            clock.now += 1
            there.advance(10, item="a")
            here.mirror(there.view())
        view = here.view()
        assert (view.done, view.total, view.unit, view.item) == (50, total, "bytes", "a")
        assert view.rate == pytest.approx(10)
        assert view.cancellable is (total == 50)
    assert here.view().paused
