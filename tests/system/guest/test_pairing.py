"""A real VM from “no channel” to “ready” by the set-up disc, then every command from the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import libvirt
import pytest

from libneuron.guest.hypervisor.connection import Hypervisor
from tests.system.conftest import NAME, PATIENCE
from tests.system.guest.bridge import Bridge
from tests.system.lab.domain import Domain
from tests.system.lab.image import build
from tests.system.lab.libvirtd import Libvirtd
from tests.system.lab.recipes import GUEST
from tests.system.lab.shell import until

pytestmark = pytest.mark.vm


def test_a_wrong_name_says_which_was_meant(guest: Domain, bridge: Bridge) -> None:
    error = bridge.run("ping", "Lab gest", status=2)["error"]
    assert error["code"] == "guest.no-vm-near"
    assert "“Lab guest”" in error["hint"]


def test_an_unpaired_vm_says_how_to_pair_it(guest: Domain, libvirtd: Libvirtd, tmp_path: Path) -> None:
    error = Bridge(libvirtd.uri, tmp_path).run("ping", NAME, status=1)["error"]
    assert error["code"] == "guest.not-paired"
    assert f"pair {NAME}" in error["hint"]


def test_the_list_shows_the_paired_vm(paired: Bridge) -> None:
    (row,) = [row for row in paired.run("list")["machines"] if row["name"] == NAME]
    assert (row["power"], row["channel"], row["pairing"]) == ("running", "connected", "paired")


def test_ping_and_info(paired: Bridge) -> None:
    assert paired.run("ping", NAME)["ms"] > 0
    info = paired.run("info", NAME)
    assert (info["backend"], info["hostname"]) == ("linux", "guest")


def test_text_goes_to_the_guest_and_back(paired: Bridge) -> None:
    text = "Zwei 🙂\nZeilen, שלום, '; $(id)"
    paired.run("clipboard", "set", NAME, text)
    assert paired.run("clipboard", "get", NAME)["text"] == text


def test_the_guests_keys_are_its_administrators_alone(guest: Domain, paired: Bridge) -> None:
    assert guest.shell.sh("stat -c %a /var/lib/neuron-guest") == "700"
    open_to_others = "find /var/lib/neuron-guest -type f -perm /077"
    assert guest.shell.sh(open_to_others) == ""
    assert guest.shell.sh("ls /var/lib/neuron-guest").split() == ["paired", "used"]


def test_after_pairing_the_drive_is_empty_and_the_image_deleted(
    paired: Bridge, hypervisor: Hypervisor, no_setup_discs_left: None
) -> None:
    assert hypervisor.domain(NAME).discs[0].medium is None


def test_a_hand_over_works_once(guest: Domain, paired: Bridge, tmp_path: Path) -> None:
    """What anybody in the guest could have copied from the disc opens nothing afterwards."""
    here, there = tmp_path / "copy.json", "/var/lib/neuron-guest/neuron-enrolment.json"
    process = paired.start("pair", NAME, "--file", str(here))
    until(lambda: here.exists() or process.poll() is not None, timeout=PATIENCE, what="the file")
    copied = here.read_bytes()
    guest.shell.write(there, copied, mode=0o600)
    done = paired.finish(process)
    assert (done["paired"], done["method"]) == (True, "file")
    assert not here.exists()
    used = guest.shell.sh("cat /var/lib/neuron-guest/used").split()
    assert json.loads(copied)["id"] in used
    guest.shell.sh(f"test ! -e {there}")
    guest.shell.write(there, copied, mode=0o600)
    assert paired.run("ping", NAME)["ms"] > 0  # with the keys of before: the copy is worth nothing


def test_pairing_again_goes_through_the_guest_agent(guest: Domain, paired: Bridge) -> None:
    done = paired.run("pair", NAME, "--method", "agent")
    assert (done["paired"], done["method"]) == (True, "agent")
    assert paired.run("ping", NAME)["ms"] > 0


def test_a_vm_shuts_down_from_the_inside_when_it_is_told_to(guest: Domain, paired: Bridge) -> None:
    paired.run("shutdown", NAME)
    until(lambda: not guest.handle.isActive(), timeout=PATIENCE, what="the VM to be off")
    (row,) = [row for row in paired.run("list")["machines"] if row["name"] == NAME]
    assert row["power"] == "off"


@pytest.fixture
def bare(connection: libvirt.virConnect) -> Iterator[Domain]:
    """A VM without a virtio-serial controller, running; nobody waits for it to boot."""
    with Domain(connection, build(GUEST), name="Bare", memory=256, serial=False) as machine:
        machine.handle.create()
        yield machine


def test_the_channel_is_not_added_without_being_asked_for(bare: Domain, bridge: Bridge) -> None:
    before = bare.handle.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
    error = bridge.run("pair", "Bare", status=1)["error"]
    assert error["code"] == "guest.channel-consent"
    assert "--yes" in error["hint"]
    assert bare.handle.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE) == before


def test_a_vm_that_must_restart_for_the_channel_is_told_so(bare: Domain, bridge: Bridge) -> None:
    assert bridge.run("pair", "Bare", "--yes", status=1)["error"]["code"] == "guest.channel-needs-restart"
    (row,) = [row for row in bridge.run("list")["machines"] if row["name"] == "Bare"]
    assert row["channel"] == "needs-restart"
    bare.stop()
    assert bridge.run("pair", "Bare", status=1)["error"]["code"] == "guest.vm-off"
    (row,) = [row for row in bridge.run("list")["machines"] if row["name"] == "Bare"]
    assert (row["power"], row["channel"]) == ("off", "configured")
