"""A real VM takes the set-up disc in each of its ways, and a file through qemu-ga; nothing stays behind."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

from libneuron.guest import setup_disc
from libneuron.guest.errors import GuestError
from libneuron.guest.hypervisor import disc, handover
from libneuron.guest.hypervisor.connection import Hypervisor
from tests.system.conftest import PATIENCE
from tests.system.lab.domain import Domain
from tests.system.lab.shell import until

pytestmark = pytest.mark.vm

_NAME = "Lab guest"


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter."""
    with tempfile.TemporaryDirectory(prefix="neuron-disc-", dir="/var/tmp") as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder


def burn(folder: Path, name: str, files: dict[str, bytes]) -> Path:
    made = tuple(
        setup_disc.DiscFile(PurePosixPath(path), data, program=path.endswith(".sh"))
        for path, data in files.items()
    )
    image = folder / name
    image.write_bytes(setup_disc.image(made))
    image.chmod(0o644)
    return image


def shown(guest: Domain, device: str) -> str:
    """What the guest sees in a drive: each file with its mode."""
    return guest.shell.sh(
        f"mkdir -p /mnt/d; mount -t iso9660 -o ro {device} /mnt/d; trap 'umount /mnt/d' EXIT;"
        "find /mnt/d -type f -printf '%P %m\\n' | sort"
    )


def has_disc(guest: Domain, device: str) -> bool:
    script = f"blockdev --getsize64 {device} 2>/dev/null || echo 0"
    return guest.shell.sh(script) not in ("0", "")


def test_an_empty_drive_takes_the_disc_and_is_empty_again_afterwards(
    guest: Domain, hypervisor: Hypervisor, open_folder: Path
) -> None:
    image = burn(open_folder, 'it\'s a "disc" & <more>.iso', {"setup.sh": b"#!/bin/sh\n", "linux/x": b"1"})
    domain = hypervisor.domain(_NAME)
    inserted = disc.insert(hypervisor, domain, image)
    assert (inserted.drive.target, inserted.plugged) == ("sda", False)
    until(lambda: has_disc(guest, "/dev/sr0"), timeout=PATIENCE, what="the disc")
    assert shown(guest, "/dev/sr0") == "linux/x 444\nsetup.sh 555"
    disc.remove(hypervisor, domain, inserted)
    assert hypervisor.domain(_NAME).discs[0].medium is None


def test_a_full_drive_gets_its_own_disc_back_although_the_guest_has_ours_mounted(
    guest: Domain, hypervisor: Hypervisor, open_folder: Path
) -> None:
    domain = hypervisor.domain(_NAME)
    theirs = disc.insert(hypervisor, domain, burn(open_folder, "theirs.iso", {"theirs": b"1"}))
    ours = disc.insert(hypervisor, hypervisor.domain(_NAME), burn(open_folder, "ours.iso", {"ours": b"1"}))
    assert (ours.drive.target, ours.before) == ("sda", str(theirs.image))
    until(lambda: has_disc(guest, "/dev/sr0"), timeout=PATIENCE, what="the disc")
    guest.shell.sh("mkdir -p /mnt/busy; mount -t iso9660 -o ro /dev/sr0 /mnt/busy; test -e /mnt/busy/ours")
    try:
        disc.remove(hypervisor, domain, ours)
        assert hypervisor.domain(_NAME).discs[0].medium == str(theirs.image)
    finally:
        guest.shell.sh("umount /mnt/busy")
        disc.remove(hypervisor, domain, theirs)
    assert hypervisor.domain(_NAME).discs[0].medium is None


def test_a_vm_without_a_drive_gets_one_by_usb_that_is_gone_afterwards(
    guest: Domain, hypervisor: Hypervisor, open_folder: Path
) -> None:
    domain = hypervisor.domain(_NAME)
    image = burn(open_folder, "usb.iso", {"neuron-enrolment.json": b"{}"})
    inserted = disc.insert(hypervisor, domain, image, exchange=False)
    assert inserted.plugged
    # libvirt before usb-bot shows it as a disk, later ones as a CD-ROM: both must be readable.
    found = "ls -d /sys/block/sd* /sys/block/sr[1-9] 2>/dev/null | sed 's|/sys/block|/dev|'"
    device = until(lambda: guest.shell.sh(found, check=False), timeout=PATIENCE, what="the USB drive")
    until(lambda: has_disc(guest, device), timeout=PATIENCE, what="the disc")
    assert shown(guest, device) == "neuron-enrolment.json 444"
    disc.remove(hypervisor, domain, inserted)
    assert hypervisor.domain(_NAME).discs == domain.discs
    until(lambda: not guest.shell.sh(found, check=False), timeout=PATIENCE, what="the USB drive to go")


def test_a_place_that_qemu_cannot_reach_is_named_before_anything_is_attached(
    guest: Domain, hypervisor: Hypervisor, open_folder: Path
) -> None:
    closed = open_folder / "closed"
    closed.mkdir(mode=0o700)
    domain = hypervisor.domain(_NAME)
    with pytest.raises(GuestError) as refused:
        disc.insert(hypervisor, domain, burn(closed, "x.iso", {"x": b"1"}))
    assert refused.value.code == "guest.disc-unreadable"
    assert str(closed) in refused.value.sentence()
    assert hypervisor.domain(_NAME).discs == domain.discs


def test_a_file_goes_into_a_folder_of_the_administrator(guest: Domain, hypervisor: Hypervisor) -> None:
    domain = hypervisor.domain(_NAME)
    assert handover.system(hypervisor, domain).family == "linux"
    guest.shell.sh("mkdir -m 700 -p /var/lib/keys")
    data = os.urandom(700_000)
    handover.write_file(hypervisor, domain, "/var/lib/keys/x", data)
    assert guest.shell.read("/var/lib/keys/x") == data
    with pytest.raises(GuestError) as refused:
        handover.write_file(hypervisor, domain, "/var/lib/absent/x", b"1")
    assert refused.value.code == "guest.guest-agent-refused"
    assert "absent" in refused.value.details


def test_without_the_guest_agent_the_person_is_sent_to_the_disc(
    guest: Domain, hypervisor: Hypervisor
) -> None:
    pid = guest.shell.sh("systemctl show -p MainPID --value qemu-guest-agent")
    guest.shell.start("/bin/sh", "-c", f"kill -STOP {pid}; sleep 14; kill -CONT {pid}")
    domain = hypervisor.domain(_NAME)

    def refusal() -> GuestError | None:
        try:
            handover.system(hypervisor, domain)
        except GuestError as error:
            return error
        return None

    silent = until(refusal, timeout=PATIENCE, what="qemu-ga to stop")
    assert silent.code == "guest.no-guest-agent"
    assert "disc" in silent.hint()
    guest.shell.wait(timeout=PATIENCE)
