"""The process's loop thread."""

from __future__ import annotations

import pytest

from libneuron.system.loop import LoopThread


async def _seven() -> int:
    return 7


def test_a_blocking_wait_returns_what_the_work_made() -> None:
    with LoopThread() as io:
        assert io.wait(_seven()) == 7


def test_waiting_on_the_loops_own_thread_is_a_mistake_and_not_a_hang() -> None:
    with LoopThread() as io:

        async def nested() -> int:
            return io.wait(_seven())

        with pytest.raises(RuntimeError, match="would wait for itself"):
            io.wait(nested(), timeout=30)
