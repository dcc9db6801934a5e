"""What could be changed: a card is kept for virtual machines only where that can do no harm."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from libneuron.hardware import advice, report
from libneuron.hardware.boot.cmdline import Wish
from libneuron.hardware.config_space import AcsBits
from libneuron.hardware.machine import Machine
from tests.unit.hardware import typical
from tests.unit.hardware.pc import ALL_ACS, Pc
from tests.unit.hardware.test_public_machines import NAMES, machine


def reservation(of: Machine) -> Wish:
    judged = report.judge(of)
    return advice.reservation(of, judged.gpus)


def test_all_functions_of_the_best_card_are_kept_by_address() -> None:
    assert reservation(typical.good()) == Wish(bind=("0000:01:00.0", "0000:01:00.1"))


@pytest.mark.parametrize("make", [typical.shared, typical.switched_off, typical.in_a_vm])
def test_a_card_that_is_not_separated_is_not_kept(make: Callable[[], Machine]) -> None:
    assert reservation(make()) == Wish()


def cards(*, driver: str | None = None, shows: bool = False, second: bool = True) -> Machine:
    pc = Pc().desktop(arguments="intel_iommu=on")
    pc.port("0000:00:01.0").gpu("0000:01:00.0", below="0000:00:01.0", boot_vga=str(int(shows)))
    pc.group(1, "0000:00:01.0", "0000:01:00.0")
    if second:
        pc.port("0000:00:02.0").gpu("0000:02:00.0", below="0000:00:02.0", boot_vga="1")
        pc.group(2, "0000:00:02.0", "0000:02:00.0")
    if driver:
        pc.links["/sys/bus/pci/devices/0000:01:00.0/driver"] = f"../../../bus/pci/drivers/{driver}"
    return pc.machine()


def test_the_only_card_is_not_kept() -> None:
    assert reservation(cards(second=False)) == Wish()


def test_a_card_that_shows_this_desktop_is_not_kept() -> None:
    assert reservation(cards(shows=True)) == Wish()


def test_what_vfio_has_already_needs_no_change() -> None:
    assert reservation(cards(driver="nouveau")) == Wish(bind=("0000:01:00.0",))
    assert reservation(cards(driver="vfio-pci")) == Wish()


@pytest.mark.parametrize("name", NAMES)
def test_of_published_pcs_only_whole_separate_cards_are_kept(name: str) -> None:
    of = machine(name)
    kept = reservation(of).bind
    groups = {device.group for device in of.devices if str(device.address) in kept}
    members = [device for device in of.devices if device.group in groups]
    assert all(str(device.address) in kept or device.is_infrastructure for device in members)
    assert not kept or any(str(gpu.address) not in kept for gpu in of.gpus)


def test_config_acs_is_wished_for_where_the_kernel_knows_it() -> None:
    """Mainline since 6.11; an older kernel is not sent an option that it would ignore."""
    wished = {
        release: advice.wanted(report.judge(typical_with_bits_off(release)).findings)
        for release in ("6.10.9", "6.12.1")
    }
    assert wished["6.12.1"] == Wish(set=("pci=config_acs=111x1@0000:00:01.0",))
    assert wished["6.10.9"] == Wish()


def typical_with_bits_off(release: str) -> Machine:
    """Two ports of one slot that have every ACS bit, with all of them off although the IOMMU is on."""
    pc = Pc().desktop(arguments="intel_iommu=on", release=release)
    off = (ALL_ACS, AcsBits(0))
    pc.port("0000:00:01.0", acs=off, multifunction=True).gpu("0000:01:00.0", below="0000:00:01.0")
    pc.port("0000:00:01.1", acs=off).add("0000:02:00.0", None, below="0000:00:01.1", **{"class": "0x020000"})
    pc.group(1, "0000:00:01.0", "0000:00:01.1", "0000:01:00.0", "0000:02:00.0")
    pc.gpu("0000:03:00.0").group(2, "0000:03:00.0")
    return pc.machine()
