"""The window's machines over a real libvirt: they come, change and go as it tells; nobody asks twice."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import libvirt
import pytest

from libneuron.guest.hypervisor.domains import ChannelState, Power
from libneuron.system.clipboard.errors import ClipboardError
from libneuron.system.clipboard.model import Clipboard
from libneuron.system.clock import RealClock
from libneuron.system.paths import below
from neuron_guest_bridge.activity import Line, What
from neuron_guest_bridge.fleet import Fleet
from neuron_guest_bridge.machines import Act, Listeners, Machine, Snapshot
from tests.system.lab.libvirtd import Libvirtd
from tests.system.lab.shell import until

_XML = """\
<domain type='qemu'>
  <name>{name}</name><memory unit='MiB'>64</memory>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <channel type='unix'><target type='virtio' name='org.neuronos.guest.0'/></channel>
    <memballoon model='none'/>
  </devices>
</domain>
"""


class Heard:
    """What the fleet told last."""

    def __init__(self) -> None:
        self.snapshot = Snapshot()
        self.lines: list[Line] = []

    def changed(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot


def _no_clipboard() -> Clipboard:
    raise ClipboardError("clipboard.unavailable", details="not needed here")


@pytest.fixture
def fleet(libvirtd: Libvirtd, tmp_path: Path) -> Iterator[tuple[Fleet, Heard]]:
    made = Fleet(
        below(tmp_path),
        uri=libvirtd.uri,
        clock=RealClock(),
        host_clipboard=_no_clipboard,
        simulated_name="Simulated",
    )
    heard = Heard()
    made.start(Listeners(heard.changed, heard.lines.append))
    until(lambda: heard.snapshot.looked, timeout=60, what="the first look")
    yield made, heard
    made.close()


def test_a_machine_comes_runs_is_suspended_and_goes(
    fleet: tuple[Fleet, Heard], connection: libvirt.virConnect
) -> None:
    machines, heard = fleet
    name = f"fleet-{uuid.uuid4().hex[:8]}"
    domain = connection.defineXML(_XML.format(name=name))
    number = domain.UUIDString()

    def now() -> Machine | None:
        return heard.snapshot.find(number)

    def is_at(power: Power) -> bool:
        found = now()
        return found is not None and found.power is power

    try:
        until(lambda: is_at(Power.OFF), timeout=60, what="the machine")
        found = now()
        assert found is not None
        assert (found.name, found.channel, found.paired) == (name, ChannelState.CONFIGURED, False)
        machines.power(number, Act.START)
        until(lambda: is_at(Power.RUNNING), timeout=60, what="the running machine")
        domain.suspend()  # by somebody else
        until(lambda: is_at(Power.PAUSED), timeout=60, what="the suspended machine")
        machines.power(number, Act.POWER_OFF)
        until(lambda: is_at(Power.OFF), timeout=60, what="the machine to be off")
    finally:
        if domain.isActive():
            domain.destroy()
        domain.undefine()
    until(lambda: now() is None, timeout=60, what="the machine to be gone")
    assert [(line.what, line.detail) for line in heard.lines] == [
        (What.POWER, Act.START),
        (What.POWER, Act.POWER_OFF),
    ]
