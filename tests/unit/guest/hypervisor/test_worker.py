"""Blocking calls on a thread of their own: a hang costs one thread and one error, not the program."""

from __future__ import annotations

import asyncio
import threading

import pytest

from libneuron.guest.hypervisor.worker import HungError, Worker


def test_calls_run_on_the_workers_thread_in_order() -> None:
    worker = Worker("w", on_hung=lambda: None)
    names = [worker.call(lambda: threading.current_thread().name, timeout=5) for _ in range(2)]
    assert names == ["w", "w"]
    worker.close()


def test_an_error_reaches_the_caller() -> None:
    def work() -> None:
        raise KeyError("x")

    worker = Worker("w", on_hung=lambda: None)
    with pytest.raises(KeyError):
        worker.call(work, timeout=5)
    worker.close()


def test_a_call_from_within_a_call_does_not_wait_for_itself() -> None:
    worker = Worker("w", on_hung=lambda: None)
    assert worker.call(lambda: worker.call(lambda: 1, timeout=5), timeout=5) == 1
    worker.close()


def test_a_hung_call_is_abandoned_and_the_next_one_works() -> None:
    hung: list[bool] = []
    go = threading.Event()
    worker = Worker("w", on_hung=lambda: hung.append(True))
    with pytest.raises(HungError):
        worker.call(go.wait, timeout=0.05)
    assert hung == [True]
    assert worker.call(lambda: 2, timeout=5) == 2
    before = {thread for thread in threading.enumerate() if thread.name == "w"}
    go.set()
    worker.close()
    for thread in before:
        thread.join(5)
        assert not thread.is_alive()


def test_the_loop_goes_on_while_a_call_hangs() -> None:
    go = threading.Event()
    worker = Worker("w", on_hung=lambda: None)

    async def work() -> int:
        with pytest.raises(HungError):
            await worker.call_async(go.wait, timeout=0.05)
        return await worker.call_async(lambda: 3, timeout=5)

    assert asyncio.run(work()) == 3
    go.set()
    worker.close()


def test_the_works_own_timeout_is_no_hang() -> None:
    def work() -> None:
        raise TimeoutError("mine")

    worker = Worker("w", on_hung=lambda: pytest.fail("no hang"))
    with pytest.raises(TimeoutError, match="mine"):
        worker.call(work, timeout=5)
    worker.close()
