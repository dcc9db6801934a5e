"""``pair`` killed in the middle, its disc in a machine's drive: whatever starts next leaves nothing of it.

The machine is paused from its first instruction on: nobody in it is needed, and it costs nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import libvirt
import pytest

from libneuron.guest.hypervisor.connection import Hypervisor
from libneuron.guest.keys import KeyStore
from libneuron.system.clipboard.errors import ClipboardError
from libneuron.system.clipboard.model import Clipboard
from libneuron.system.clock import RealClock
from neuron_guest_bridge.activity import Line
from neuron_guest_bridge.fleet import Fleet
from neuron_guest_bridge.machines import Listeners, Snapshot
from tests.system.conftest import PATIENCE
from tests.system.guest.bridge import Bridge
from tests.system.lab.domain import Domain, channel_xml
from tests.system.lab.image import build
from tests.system.lab.libvirtd import Libvirtd
from tests.system.lab.recipes import GUEST
from tests.system.lab.shell import until

pytestmark = [
    pytest.mark.vm,
    pytest.mark.long,
]  # until it was seen running: no slot for a VM was free when it was written

_NAME = "Half paired"
_DRIVE = "<disk type='file' device='cdrom'>{}<target dev='sda' bus='sata'/><readonly/></disk>"


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """A disc that the person has in the drive."""
    made = tmp_path / "theirs.iso"
    made.write_bytes(bytes(2048))
    return made


@pytest.fixture
def home(libvirtd: Libvirtd, tmp_path: Path) -> Bridge:
    """The command line with no keys yet."""
    return Bridge(libvirtd.uri, tmp_path / "home")


def by_list(home: Bridge) -> None:
    """Any command that looks at the machines."""
    home.run("list")


def by_pairing(home: Bridge) -> None:
    """The next pairing; nobody answers it either."""
    assert home.run("pair", _NAME, "--wait", "0.5", status=1)["error"]["code"] == "guest.agent-silent"


def by_tray(home: Bridge) -> None:
    """The program that stays."""

    def none() -> Clipboard:
        raise ClipboardError("clipboard.unavailable")

    looked = threading.Event()

    def changed(snapshot: Snapshot) -> None:
        if snapshot.looked:
            looked.set()

    def happened(_line: Line) -> None:
        pass

    fleet = Fleet(
        home.where, uri=home.uri, clock=RealClock(), host_clipboard=none, simulated_name="Simulated"
    )
    fleet.start(Listeners(changed, happened))
    try:
        assert looked.wait(PATIENCE)
    finally:
        fleet.close()


@pytest.fixture
def machine(connection: libvirt.virConnect, theirs: Path, request: pytest.FixtureRequest) -> Iterator[Domain]:
    """The machine with the drive that the test asks for."""
    drive = {
        "empty": _DRIVE.format(""),
        "full": _DRIVE.format(f"<source file='{theirs}'/>"),
        "none": "",
    }[request.param]
    devices = f"{channel_xml()}{drive}"
    with Domain(connection, build(GUEST), name=_NAME, memory=128, cpus=1, devices=devices) as made:
        made.handle.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)
        yield made


@pytest.mark.parametrize(
    ("machine", "sweep"),
    [("empty", by_list), ("full", by_pairing), ("none", by_tray)],
    indirect=["machine"],
)
def test_what_a_killed_pairing_left_is_gone_after_the_next_start(
    machine: Domain,
    home: Bridge,
    hypervisor: Hypervisor,
    sweep: Callable[[Bridge], None],
    no_setup_discs_left: None,
) -> None:
    before = hypervisor.domain(_NAME)
    process = home.start("pair", _NAME, "--method", "disc")

    def holds_ours() -> bool:
        assert process.poll() is None, process.communicate()
        return any("neuron-setup-" in (drive.medium or "") for drive in hypervisor.domain(_NAME).discs)

    until(holds_ours, timeout=PATIENCE, what="the disc")
    process.kill()
    process.communicate()
    store = KeyStore(home.data / "guest")

    assert hypervisor.domain(_NAME).discs != before.discs
    assert "enrol" in store.candidates(before.uuid)
    assert list(Path("/var/tmp").glob("neuron-setup-*/*.iso"))
    sweep(home)
    assert hypervisor.domain(_NAME).discs == before.discs
    assert store.list() == ()
    assert list(Path("/var/tmp").glob("neuron-setup-*")) == []
