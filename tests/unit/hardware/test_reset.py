"""Reset advice: by device, by what the kernel offers, and never the wrong module."""

from __future__ import annotations

from pathlib import Path

import pytest

from libneuron.hardware import report, reset
from libneuron.hardware.machine import Machine
from libneuron.hardware.reset import Reset
from libneuron.system.errors import SystemAccessError
from tests.unit.hardware.pc import Pc

AMD, NVIDIA, INTEL = 0x1002, 0x10DE, 0x8086

# The list of the module itself, kept apart from the table on purpose.
VENDOR_RESET = {
    *(0x67C0, 0x67C1, 0x67C2, 0x67C4, 0x67C7, 0x67C8, 0x67C9, 0x67CA, 0x67CC, 0x67CF, 0x67D0, 0x67DF, 0x6FDF),
    *(0x67E0, 0x67E1, 0x67E3, 0x67E7, 0x67E8, 0x67E9, 0x67EB, 0x67EF, 0x67FF),
    *(0x6980, 0x6981, 0x6985, 0x6986, 0x6987, 0x6995, 0x6997, 0x699F),
    *range(0x6860, 0x6865), *range(0x6867, 0x6870), 0x687F,
    *range(0x66A0, 0x66A5), 0x66A7, 0x66AF, 0x738C,
    *(0x7310, 0x7312, 0x7318, 0x7319, 0x731A, 0x731B, 0x731E, 0x731F, 0x7360, 0x7362),
    *(0x7340, 0x7341, 0x7347, 0x734F),
}  # fmt: skip


def pc(vendor: int, device: int, methods: str | None, **about: str) -> Machine:
    attributes = {} if methods is None else {"reset_method": methods}
    made = Pc().desktop(**about)  # type: ignore[arg-type]
    return made.gpu("0000:01:00.0", vendor=vendor, device=device, **attributes).machine()  # type: ignore[arg-type]


def verdict(vendor: int, device: int, methods: str | None = "bus", **about: str) -> reset.ResetVerdict:
    machine = pc(vendor, device, methods, **about)
    return reset.judge(machine.devices[0], machine.kernel)


def test_vendor_reset_is_advised_for_exactly_the_devices_it_knows() -> None:
    advised = {
        device
        for device in range(0x10000)
        for family in reset.shipped()
        if family.vendor == AMD and device in family.devices and family.workaround == "vendor-reset"
    }
    assert advised == VENDOR_RESET


@pytest.mark.parametrize("device", [0x73BF, 0x73DF, 0x73FF, 0x743F])
def test_rx_6000_is_never_told_to_install_vendor_reset(device: int) -> None:
    found = verdict(AMD, device)
    assert (found.verdict, found.workaround) == (Reset.USUAL, None)
    text = report.as_text(report.judge(pc(AMD, device, "bus")))
    assert "vendor-reset" not in text


def test_polaris_is_told_to_install_vendor_reset_and_how_to_choose_it() -> None:
    assert verdict(AMD, 0x67DF).workaround == "vendor-reset"
    text = report.as_text(report.judge(pc(AMD, 0x67DF, "bus")))
    assert "device_specific" in text


def test_vendor_reset_in_force_makes_the_card_good() -> None:
    assert verdict(AMD, 0x67DF, "device_specific bus").verdict is Reset.GOOD


def test_a_row_holds_only_for_its_kernels() -> None:
    assert verdict(AMD, 0x67DF, "bus", release="5.14.0").workaround is None


def test_function_level_reset_is_good() -> None:
    assert verdict(INTEL, 0x56A0, "flr bus").verdict is Reset.GOOD


def test_a_bus_reset_alone_proves_nothing() -> None:
    assert verdict(0x1234, 0x1111, "bus").verdict is Reset.UNKNOWN


def test_no_method_at_all_means_that_nothing_resets_it() -> None:
    assert verdict(NVIDIA, 0x2204, None).verdict is Reset.NONE


def test_a_kernel_too_old_to_tell_leaves_it_unknown() -> None:
    made = Pc().desktop(release="5.10.0").gpu("0000:01:00.0", vendor=0x1234, device=1, reset="")
    machine = made.machine()
    assert reset.judge(machine.devices[0], machine.kernel).verdict is Reset.UNKNOWN


def test_rx_9070_is_told_what_its_owners_found() -> None:
    found = verdict(AMD, 0x7550)
    assert (found.verdict, found.workaround) == (Reset.STUCK, "disable-idle-d3")


def test_every_row_has_a_source() -> None:
    assert all(family.source for family in reset.shipped())


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ('kernels = "soon"', "kernels"),
        ('verdict = "fine"', "verdict"),
        ('devices = ["zz"]', "devices"),
        ("colour = 1", "colour"),
    ],
)
def test_a_wrong_row_is_refused_by_its_key(tmp_path: Path, line: str, complaint: str) -> None:
    row = {
        "name": '"x"', "vendor": '"1002"', "devices": '["1"]', "verdict": '"good"', "workaround": '""',
        "source": '"s"', "confidence": '"certain"', "kernels": '"any"',
    }  # fmt: skip
    key, _, value = line.partition(" = ")
    row[key] = value
    path = tmp_path / "reset.toml"
    path.write_text("[[family]]\n" + "".join(f"{name} = {text}\n" for name, text in row.items()))
    with pytest.raises(SystemAccessError, match=complaint):
        reset.read(path)
