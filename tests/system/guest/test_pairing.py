"""A real VM from “no channel” to “ready” by the set-up disc, then every command from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from libneuron.guest.hypervisor.connection import Hypervisor
from tests.system.guest.bridge import Bridge
from tests.system.lab.domain import Domain
from tests.system.lab.libvirtd import Libvirtd
from tests.system.lab.shell import until

pytestmark = pytest.mark.vm

NAME = "Lab guest"
_INSTALL = (
    "mkdir -p /mnt/disc; mount -t iso9660 -o ro /dev/sr0 /mnt/disc; sh /mnt/disc/setup.sh; umount /mnt/disc"
)


@pytest.fixture(scope="module")
def bridge(libvirtd: Libvirtd, tmp_path_factory: pytest.TempPathFactory) -> Bridge:
    return Bridge(libvirtd.uri, tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def paired(guest: Domain, hypervisor: Hypervisor, bridge: Bridge) -> Bridge:
    """The guest paired by disc, as a person does it."""
    process = bridge.start("pair", NAME, "--method", "disc", "--yes")
    ready = "blkid -o value -s LABEL /dev/sr0 2>/dev/null || true"
    until(
        lambda: process.poll() is not None or guest.shell.sh(ready) == "NEURON_SETUP",
        timeout=60,
        what="the disc",
    )
    guest.shell.sh(_INSTALL, timeout=120)
    done = bridge.finish(process, timeout=180)
    assert (done["paired"], done["method"]) == (True, "disc")
    assert hypervisor.domain(NAME).discs[0].medium is None
    assert list(Path("/var/tmp").glob("neuron-setup-*")) == []
    return bridge


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


def test_the_disc_is_worthless_once_used(guest: Domain, paired: Bridge) -> None:
    used = guest.shell.sh("cat /var/lib/neuron-guest/used")
    assert used.strip()


def test_pairing_again_goes_through_the_guest_agent(guest: Domain, paired: Bridge) -> None:
    done = paired.run("pair", NAME, "--method", "agent")
    assert (done["paired"], done["method"]) == (True, "agent")
    assert paired.run("ping", NAME)["ms"] > 0
