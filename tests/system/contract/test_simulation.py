"""The contract against the simulated guest."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from libneuron.guest.client import BlockingGuest, GuestClient
from libneuron.system.bus import LoopThread
from neuron_guest_bridge.simulation import Simulation
from tests.system.contract.contract import ALLOWED, Events, GuestContract, Subject


@pytest.fixture(scope="module")
def events() -> Events:
    return Events()


@pytest.fixture(scope="module")
def connected(events: Events) -> Iterator[BlockingGuest]:
    with LoopThread() as io, Simulation() as simulation:
        simulation.hand_over()
        simulation.start()
        client = GuestClient(
            simulation.endpoint(), simulation.keys(), permissions=lambda: ALLOWED, on_event=events
        )
        guest = BlockingGuest(io, client)
        guest.wait_ready(20)
        yield guest
        guest.close()


class TestSimulation(GuestContract):
    @pytest.fixture
    def subject(self, connected: BlockingGuest, events: Events) -> Subject:
        return Subject(connected, ("notes", ("a b",)), title="Notes (simulated) a b", events=events)
