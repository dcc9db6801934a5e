"""``pair`` on the command line: it waits, proves, and leaves nothing when it comes to nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from libneuron.errors import Cancelled
from libneuron.guest.client import BlockingGuest, GuestClient
from libneuron.guest.errors import GuestError
from libneuron.guest.hypervisor import connection
from libneuron.guest.hypervisor.domains import Domain, Power, describe
from libneuron.guest.hypervisor.errors import HypervisorError
from libneuron.guest.owned import OwnedEndpoint
from libneuron.guest.permissions import DEFAULT
from libneuron.system.loop import LoopThread
from libneuron.system.paths import Paths, below
from neuron_guest_bridge import handing_over, targets
from neuron_guest_bridge.__main__ import main
from neuron_guest_bridge.cli import parser
from neuron_guest_bridge.simulation import VM, Simulation

_UUID = "0b1a36b4-2f1f-4f62-9a0e-7a52a6c6d1f0"
_CHANNEL = """<channel type="unix"><source mode="bind" path="/nowhere"/>
<target type="virtio" name="org.neuronos.guest.0"/></channel>"""


def _xml(devices: str) -> str:
    return f"<domain><name>win</name><uuid>{_UUID}</uuid><devices>{devices}</devices></domain>"


@pytest.fixture
def where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    made = below(tmp_path)
    monkeypatch.setattr(targets, "paths", lambda: made)
    show(monkeypatch, _CHANNEL)
    return made


def show(monkeypatch: pytest.MonkeyPatch, devices: str) -> None:
    """libvirt's one machine has ``devices``."""
    xml = _xml(devices)

    def domain(_hypervisor: object, _name: str) -> Domain:
        return describe(live=xml, config=xml, power=Power.RUNNING)

    monkeypatch.setattr(connection.Hypervisor, "domain", domain)


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("why", [GuestError("guest.agent-silent", vm="win"), Cancelled()])
def test_a_hand_over_that_nobody_took_does_not_wait_for_somebody_else(
    where: Paths, monkeypatch: pytest.MonkeyPatch, why: BaseException, *, paired: bool
) -> None:
    store = targets.keys(where)
    if paired:
        store.begin_enrolment(_UUID, "win")
        store.finish_enrolment(_UUID)

    def on_disc(*_arguments: object, **_words: object) -> None:
        assert "enrol" in store.candidates(_UUID)
        raise why

    monkeypatch.setattr(handing_over, "on_disc", on_disc)
    options = parser().parse_args(["pair", "win", "--method", "disc"])
    with pytest.raises(type(why)):
        options.verb(options)
    left = store.candidates(_UUID)
    assert "enrol" not in left
    assert ("paired" in left) is paired
    assert bool(store.list()) is paired
    assert not list((where.state / "guest" / "pairing").glob("*.json"))


def test_the_disc_takes_over_where_the_guest_agent_does_not_answer(
    where: Paths, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    target = '<target type="virtio" name="org.qemu.guest_agent.0" state="connected"/>'
    show(monkeypatch, f'{_CHANNEL}<channel type="unix">{target}</channel>')
    ways: list[str] = []

    def through_agent(*_arguments: object) -> None:
        ways.append("agent")
        raise HypervisorError("guest.no-guest-agent", vm="win")

    def on_disc(*_arguments: object, **_words: object) -> None:
        ways.append("disc")
        raise Cancelled

    monkeypatch.setattr(handing_over, "through_agent", through_agent)
    monkeypatch.setattr(handing_over, "on_disc", on_disc)
    assert main(["pair", "win", "--json"]) == 130
    assert ways == ["agent", "disc"]
    assert "set-up disc is used instead" in capsys.readouterr().err


def test_the_channel_is_only_added_to_a_machine_when_somebody_agrees(
    where: Paths, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    show(monkeypatch, "")
    assert main(["pair", "win", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "guest.channel-consent"


@pytest.fixture
def simulation(where: Paths) -> Iterator[Simulation]:
    with Simulation() as made:
        made.store = targets.keys(where)
        made.start()
        yield made


def pair(simulation: Simulation, file: Path, capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    """``pair`` by file over the simulation's socket: its status and what it printed."""
    capsys.readouterr()
    status = main(["pair", VM, "--socket", str(simulation.socket), "--file", str(file), "--json", *words])
    return status, json.loads(capsys.readouterr().out)


def test_the_file_is_gone_when_nobody_took_it_in_time(
    simulation: Simulation, where: Paths, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "hand-over.json"
    status, found = pair(simulation, file, capsys, "--wait", "0.5")
    assert (status, found["error"]["code"]) == (1, "guest.pairing-refused")
    assert not file.exists()
    assert targets.keys(where).list() == ()


def test_a_file_of_the_persons_own_is_not_written_over(
    simulation: Simulation, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "letter.txt"
    file.write_text("Dear Ada")
    status, found = pair(simulation, file, capsys)
    assert (status, found["error"]["code"]) == (2, "guest.bad-value")
    assert file.read_text() == "Dear Ada"


def test_a_machine_that_another_program_keeps_connected_is_paired_anew_through_it(
    simulation: Simulation, where: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    file = simulation.folder / "guest" / "neuron-enrolment.json"
    assert pair(simulation, file, capsys)[0] == 0
    before = targets.keys(where).list()[0].fingerprint
    with LoopThread() as io:
        endpoint = OwnedEndpoint(simulation.endpoint(), runtime=where.runtime, vm=VM)
        client = GuestClient(endpoint, simulation.keys(), permissions=lambda: DEFAULT)
        endpoint.owned = client
        owner = BlockingGuest(io, client)
        owner.wait_ready(60)
        status, found = pair(simulation, file, capsys)
        assert (status, found["paired"], found["version"]) == (0, True, "0.1.0")
        owner.run(lambda api: api.ping())
        owner.close()
        io.wait(endpoint.close())
    assert targets.keys(where).list()[0].fingerprint != before


def test_an_agent_that_sees_the_hand_over_late_is_paired_anew_all_the_same(
    simulation: Simulation, where: Paths, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Meanwhile it answers with the earlier keys, and that is no proof of the new ones."""
    inside = simulation.folder / "guest" / "neuron-enrolment.json"
    assert pair(simulation, inside, capsys)[0] == 0
    before = targets.keys(where).list()[0].fingerprint
    file = tmp_path / "copy-me.json"
    from neuron_guest_bridge import pairing
    from neuron_guest_bridge.reach import Direct

    connected = pairing._Waiting.connection

    def connection(waiting: Any) -> Any:
        found = connected(waiting)
        if isinstance(found, Direct) and found.state.value == "ready" and file.exists():
            inside.write_bytes(file.read_bytes())
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pairing._Waiting, "connection", connection)
        assert pair(simulation, file, capsys)[0] == 0
    assert targets.keys(where).list()[0].fingerprint != before
