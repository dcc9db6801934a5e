"""A real agent process and a loop, for tests of everything above the wire."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings

from libneuron.system.bus import LoopThread
from neuron_guest_bridge.simulation import Simulation

# A busy machine makes any single example slow; the tests' verdicts do not depend on time.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


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
