"""``pair`` on the command line: what is left when it comes to nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from libneuron.errors import Cancelled
from libneuron.guest.errors import GuestError
from libneuron.guest.hypervisor import connection
from libneuron.guest.hypervisor.domains import Domain, Power, describe
from libneuron.system.paths import Paths, below
from neuron_guest_bridge import pairing, targets
from neuron_guest_bridge.cli import parser

_UUID = "0b1a36b4-2f1f-4f62-9a0e-7a52a6c6d1f0"
_XML = f"""<domain><name>win</name><uuid>{_UUID}</uuid><devices><channel type="unix">
<source mode="bind" path="/nowhere"/><target type="virtio" name="org.neuronos.guest.0"/></channel>
</devices></domain>"""


@pytest.fixture
def where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    made = below(tmp_path)
    monkeypatch.setattr(targets, "paths", lambda: made)

    def domain(_hypervisor: object, _name: str) -> Domain:
        return describe(live=_XML, config=_XML, power=Power.RUNNING)

    monkeypatch.setattr(connection.Hypervisor, "domain", domain)
    return made


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("why", [GuestError("guest.agent-silent", vm="win"), Cancelled()])
def test_a_hand_over_that_nobody_took_does_not_wait_for_somebody_else(
    where: Paths, monkeypatch: pytest.MonkeyPatch, why: BaseException, *, paired: bool
) -> None:
    store = targets.keys(where)
    if paired:
        store.begin_enrolment(_UUID, "win")
        store.finish_enrolment(_UUID)

    def hand_over(*_arguments: object) -> str:
        assert "enrol" in store.candidates(_UUID)
        raise why

    monkeypatch.setattr(pairing, "_hand_over", hand_over)
    with pytest.raises(type(why)):
        pairing.run(parser().parse_args(["pair", "win"]))
    left = store.candidates(_UUID)
    assert "enrol" not in left
    assert ("paired" in left) is paired
    assert bool(store.list()) is paired
