"""Isolation of slots built to show one rule each."""

from __future__ import annotations

import pytest

from libneuron.hardware import acs, report
from libneuron.hardware.acs import Reason, Settings, judge
from libneuron.hardware.config_space import AcsBits, PortType
from libneuron.hardware.grouping import predict
from libneuron.hardware.isolation import Cause, judge_slot
from libneuron.hardware.machine import Address, Machine, parse_address
from tests.unit.hardware.pc import ALL_ACS, REQUIRED, Pc, config

INTEL = 0x8086


def at(text: str) -> Address:
    address = parse_address(text)
    assert address is not None
    return address


def verdict(machine: Machine, text: str, settings: Settings | None = None) -> acs.Verdict:
    return judge(machine, machine.by_address[at(text)], settings or Settings())


def shared_pc(**port: object) -> Pc:
    """A GPU and a disk behind two functions of one root port."""
    pc = Pc().desktop()
    pc.port("0000:00:01.0", multifunction=True, **port)  # type: ignore[arg-type]
    pc.port("0000:00:01.1", **port)  # type: ignore[arg-type]
    pc.gpu("0000:01:00.0", below="0000:00:01.0")
    pc.add("0000:02:00.0", config(class_code=0x010802), below="0000:00:01.1")
    return pc


def grouped(pc: Pc) -> Pc:
    return pc.group(1, "0000:00:01.0", "0000:00:01.1", "0000:01:00.0", "0000:02:00.0")


def test_bits_that_are_off_are_named() -> None:
    machine = shared_pc(acs=(ALL_ACS, AcsBits.SOURCE_VALIDATION)).machine()
    found = verdict(machine, "00:01.0")
    assert (found.passed, found.reason) == (False, Reason.BITS_OFF)
    assert found.missing == REQUIRED & ~AcsBits.SOURCE_VALIDATION


def test_a_bit_that_the_port_does_not_have_counts_as_wired_on() -> None:
    only = AcsBits.REQUEST_REDIRECT | AcsBits.COMPLETION_REDIRECT
    machine = shared_pc(acs=(only, only)).machine()
    assert verdict(machine, "00:01.0").passed


def test_intels_old_chipset_ports_pass_without_a_capability() -> None:
    machine = shared_pc(vendor=INTEL, device=0x8C10).machine()
    assert verdict(machine, "00:01.0").reason is Reason.KERNEL_TABLE
    assert verdict(machine, "00:01.0").passed


def test_sunrise_point_is_read_where_it_really_keeps_its_bits() -> None:
    space = bytearray(
        config(INTEL, 0xA110, 0x060400, port=PortType.ROOT_PORT, bridge=True, acs=(ALL_ACS, AcsBits(0)))
    )
    machine = Pc().add("0000:00:1c.0", bytes(space)).machine()
    assert verdict(machine, "00:1c.0").reason is Reason.BITS_OFF
    space[0x108] = int(REQUIRED)
    machine = Pc().add("0000:00:1c.0", bytes(space)).machine()
    assert verdict(machine, "00:1c.0").passed


def test_intels_root_complex_endpoints_are_apart_by_specification() -> None:
    space = config(INTEL, 0x9A49, 0x030000, port=PortType.RC_ENDPOINT, multifunction=True)
    assert verdict(Pc().add("0000:00:02.0", space).machine(), "00:02.0").passed
    other = config(0x1002, 0x9A49, 0x030000, port=PortType.RC_ENDPOINT, multifunction=True)
    assert verdict(Pc().add("0000:00:02.0", other).machine(), "00:02.0").passed is False


@pytest.mark.parametrize(("tables", "passed"), [(("IVRS",), True), ((), False)])
def test_amds_south_bridge_is_trusted_only_with_its_iommu(tables: tuple[str, ...], *, passed: bool) -> None:
    space = config(0x1022, 0x780F, 0x060401, port=None, bridge=True, multifunction=True)
    machine = Pc().desktop(tables=tables).add("0000:00:14.4", space).machine()
    assert bool(verdict(machine, "00:14.4").passed) is passed


def test_devices_of_a_remapping_domain_share_the_remapping_devices_group() -> None:
    pc = Pc().add("0000:00:0e.0", config(INTEL, 0x9A0B, 0x010400))
    pc.paths["vmd"] = pc.paths["0000:00:0e.0"] + "/pci10000:e0"
    pc.port("10000:e0:06.0", below="vmd", acs=(ALL_ACS, REQUIRED))
    pc.add("10000:e1:00.0", config(class_code=0x010802), below="10000:e0:06.0")
    machine = pc.machine()
    group = predict(machine, Settings()).group(at("10000:e1:00.0"))
    assert group == frozenset(device.address for device in machine.devices)


def test_functions_that_do_dma_as_another_share_its_group() -> None:
    pc = Pc().add("0000:01:00.0", config(0x1B4B, 0x9172, multifunction=True, acs=(REQUIRED, REQUIRED)))
    pc.add("0000:01:00.1", config(0x1B4B, 0x91A4, acs=(REQUIRED, REQUIRED)))
    machine = pc.machine()
    assert predict(machine, Settings()).group(at("01:00.0")) == frozenset({at("01:00.0"), at("01:00.1")})


def test_one_sleeping_device_hides_only_what_depends_on_it() -> None:
    pc = (
        Pc()
        .desktop()
        .port("0000:00:01.0", acs=(ALL_ACS, REQUIRED))
        .port("0000:00:03.0", acs=(ALL_ACS, REQUIRED))
    )
    pc.gpu("0000:01:00.0", below="0000:00:01.0")
    pc.add("0000:03:00.0", None, below="0000:00:03.0", power_state="D3cold")
    pc.add("0000:03:00.1", config(class_code=0x040300), below="0000:00:03.0")
    prediction = predict(pc.machine(), Settings())
    assert prediction.group(at("01:00.0")) == frozenset({at("01:00.0")})
    assert prediction.group(at("03:00.1")) is None


def test_a_device_in_d3cold_is_not_read() -> None:
    machine = Pc().add("0000:01:00.0", config(), power_state="D3cold").machine()
    assert machine.by_address[at("01:00.0")].config is None


def test_without_root_the_live_groups_are_told_and_the_culprit_is_not() -> None:
    pc = grouped(shared_pc())
    for path in [path for path in pc.files if path.endswith("/config")]:
        pc.files[path] = pc.files[path][:64]
    machine = pc.machine()
    found = judge_slot(machine, machine.by_address[at("01:00.0")])
    assert found.isolated is False
    assert (found.culprit, found.needs_override, found.overrides) == (None, None, ())
    assert not machine.privileged


def test_bits_that_are_off_can_be_switched_on_by_the_kernel_that_knows_how() -> None:
    pc = grouped(shared_pc(acs=(ALL_ACS, AcsBits(0))))
    judged = report.judge(pc.machine())
    slot = judged.gpus[0].slot
    assert slot.culprit is not None
    assert (slot.culprit.cause, slot.config_acs, slot.needs_override) == (Cause.BITS_OFF, True, False)
    fix = next(finding for finding in judged.findings if finding.code == "gpu-shared-config-acs").fix()
    assert "pci=config_acs=111x1@0000:00:01.0" in fix[0]


def test_an_older_kernel_is_not_told_to_use_config_acs() -> None:
    pc = grouped(shared_pc(acs=(ALL_ACS, AcsBits(0)))).desktop(release="6.10.3")
    assert "gpu-shared-config-acs" not in {finding.code for finding in report.judge(pc.machine()).findings}


def test_what_is_alone_only_by_the_override_is_said_so() -> None:
    pc = shared_pc().desktop(arguments="pcie_acs_override=downstream,multifunction", release="6.9.1-zen1")
    pc.group(1, "0000:00:01.0").group(2, "0000:00:01.1").group(3, "0000:01:00.0").group(4, "0000:02:00.0")
    judged = report.judge(pc.machine())
    assert judged.gpus[0].slot.isolated
    assert judged.gpus[0].slot.by_override
    assert "gpu-alone-by-override" in {finding.code for finding in judged.findings}


def test_groups_that_the_model_cannot_explain_are_told_without_a_culprit() -> None:
    pc = shared_pc(acs=(ALL_ACS, REQUIRED))
    judged = report.judge(grouped(pc).machine())
    assert judged.gpus[0].slot.isolated is False
    assert judged.gpus[0].slot.culprit is None
    assert judged.groups[0].explained is False


def test_listings_that_contradict_each_other_are_not_called_isolated() -> None:
    pc = shared_pc(acs=(ALL_ACS, REQUIRED)).group(1, "0000:01:00.0")
    pc.links["/sys/bus/pci/devices/0000:02:00.0/iommu_group"] = "../1"
    machine = pc.machine()
    assert judge_slot(machine, machine.by_address[at("01:00.0")]).isolated is None


def test_a_member_that_was_not_recorded_is_not_called_isolated() -> None:
    pc = shared_pc(acs=(ALL_ACS, REQUIRED)).group(1, "0000:01:00.0", "0000:09:00.0")
    assert report.judge(pc.machine()).groups[0].isolated is None


def test_a_device_whose_place_is_not_known_makes_every_prediction_unknown() -> None:
    pc = shared_pc(acs=(ALL_ACS, REQUIRED))
    assert predict(pc.machine(), Settings()).group(at("01:00.0")) is not None
    del pc.links["/sys/bus/pci/devices/0000:02:00.0"]
    assert predict(pc.machine(), Settings()).group(at("01:00.0")) is None


def test_a_bridge_that_was_not_recorded_makes_every_prediction_unknown() -> None:
    pc = shared_pc(acs=(ALL_ACS, REQUIRED))
    pc.names["/sys/bus/pci/devices"] = tuple(
        name for name in pc.names["/sys/bus/pci/devices"] if name != "0000:00:01.0"
    )
    assert predict(pc.machine(), Settings()).group(at("01:00.0")) is None


def test_a_region_mapped_one_to_one_forbids_assignment() -> None:
    pc = Pc().desktop().gpu("0000:01:00.0").gpu("0000:02:00.0", device=0x1E87)
    pc.group(1, "0000:01:00.0", reserved="0x1000 0x1fff direct\n")
    pc.group(2, "0000:02:00.0", reserved="0x1000 0x1fff direct-relaxable\n")
    judged = {str(gpu.device.address): gpu.direct_regions for gpu in report.judge(pc.machine()).gpus}
    assert judged == {"0000:01:00.0": True, "0000:02:00.0": False}
