"""The Windows agent keeps serving: helpers and services that die, hosts that come and go."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from libneuron.guest.client import BlockingGuest, GuestClient
from libneuron.guest.errors import GuestError
from libneuron.guest.permissions import DEFAULT
from libneuron.system.bus import LoopThread
from tests.system.wine.agent import WineAgent
from tests.system.wine.lab import WineLab
from tests.system.wine.test_desktop import wait_for


@pytest.fixture(scope="module")
def agent(wine: WineLab) -> Iterator[WineAgent]:
    with WineAgent(wine) as made:
        made.hand_over()
        made.start()
        yield made


def client(agent: WineAgent) -> GuestClient:
    return GuestClient(agent.endpoint(), agent.keys(), permissions=lambda: DEFAULT)


def user(guest: BlockingGuest) -> object:
    """Who is signed in; None while the guest does not answer or has no helper yet."""
    try:
        return guest.run(lambda api: api.info())["user"]
    except GuestError:
        return None


@pytest.fixture
def guest(agent: WineAgent) -> Iterator[BlockingGuest]:
    with LoopThread() as io:
        made = BlockingGuest(io, client(agent))
        try:
            made.wait_ready(60)
            wait_for(lambda: user(made), 60)
            yield made
        finally:
            made.close()


def helpers(wine: WineLab) -> list[int]:
    told = wine.prefix / "drive_c" / "ProgramData" / "NeuronGuest" / "status.json"
    service = json.loads(told.read_text())["process"]
    found: list[int] = wine.call("processes.children", parent=service)
    return found


def test_a_helper_that_dies_is_replaced(wine: WineLab, guest: BlockingGuest) -> None:
    (before,) = helpers(wine)
    wine.call("processes.end", process=before)
    wait_for(lambda: helpers(wine) not in ([], [before]))
    wait_for(lambda: user(guest), 60)
    guest.run(lambda api: api.set_clipboard_text("after"))
    assert guest.run(lambda api: api.clipboard_text()) == "after"


def test_a_host_that_comes_again_is_answered(agent: WineAgent, guest: BlockingGuest) -> None:
    guest.close()
    for _ in range(3):
        with LoopThread() as io:
            again = BlockingGuest(io, client(agent))
            again.wait_ready(30)
            again.run(lambda api: api.ping(timeout=20))
            again.close()


def test_a_killed_service_leaves_no_helper_and_a_new_one_takes_over(
    wine: WineLab, agent: WineAgent, guest: BlockingGuest
) -> None:
    (before,) = helpers(wine)
    agent.kill()
    wait_for(lambda: not wine.call("processes.exists", process=before))
    agent.start()
    wait_for(lambda: user(guest), 60)


def test_the_selftest_finds_every_verb_working(wine: WineLab) -> None:
    done = wine.run(str(wine.python), "-m", "neuron_guest", "selftest", "--json")
    report = json.loads(done.stdout)
    assert [step for step in report["steps"] if step["code"] not in ("", "not-tried")] == []
    assert done.returncode == 0
