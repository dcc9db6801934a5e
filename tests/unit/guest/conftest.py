"""A real agent process and a loop, for tests of everything above the wire."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from libneuron.system.bus import LoopThread
from neuron_guest_bridge.simulation import Simulation


@pytest.fixture
def io() -> Iterator[LoopThread]:
    with LoopThread() as made:
        yield made


@pytest.fixture
def simulation() -> Iterator[Simulation]:
    with Simulation() as made:
        made.hand_over()
        made.start()
        yield made
