"""Each cause of an IOMMU that is off is told apart, with the fix that fits it."""

from __future__ import annotations

import pytest

from libneuron.hardware import report
from libneuron.hardware.iommu import State, classify
from tests.unit.hardware.pc import Pc

_ARCH = "CONFIG_INTEL_IOMMU=y\nCONFIG_AMD_IOMMU=y\nCONFIG_VFIO_PCI=m\n"
_DEBIAN = _ARCH + "CONFIG_INTEL_IOMMU_DEFAULT_ON_INTGPU_OFF=y\n"


def pc(config: str = _ARCH, **about: object) -> Pc:
    made = Pc().desktop(release="6.12.1", **about)  # type: ignore[arg-type]
    return made.text("/boot/config-6.12.1", config)


def state(made: Pc) -> State:
    return classify(made.machine()).state


def test_virtualization_switched_off_in_the_firmware() -> None:
    assert state(pc(flags="", tables=())) is State.VIRTUALIZATION_OFF


def test_iommu_switched_off_in_the_firmware() -> None:
    assert state(pc(tables=())) is State.FIRMWARE_OFF
    assert state(pc(cpu="AuthenticAMD", flags="svm", tables=())) is State.FIRMWARE_OFF


def test_a_virtual_machine_without_an_iommu_is_no_pc_with_a_setting() -> None:
    assert state(pc(tables=(), flags="hypervisor")) is State.VIRTUAL_MACHINE


@pytest.mark.parametrize(
    ("cpu", "table", "arguments", "named"),
    [
        ("GenuineIntel", "DMAR", "intel_iommu=off", "intel_iommu=off"),
        ("GenuineIntel", "DMAR", "intel_iommu=on,off", "intel_iommu=off"),
        ("GenuineIntel", "DMAR", "iommu=off", "iommu=off"),
        ("AuthenticAMD", "IVRS", "amd_iommu=off", "amd_iommu=off"),
    ],
)
def test_an_argument_that_switches_it_off_is_named(cpu: str, table: str, arguments: str, named: str) -> None:
    verdict = classify(pc(cpu=cpu, tables=(table,), arguments=arguments).machine())
    assert (verdict.state, verdict.argument) == (State.OFF_BY_ARGUMENT, named)


def test_an_argument_for_the_other_maker_does_nothing() -> None:
    assert state(pc(cpu="AuthenticAMD", tables=("IVRS",), arguments="intel_iommu=off")) is State.FAILED


def test_a_kernel_that_waits_to_be_asked() -> None:
    assert state(pc()) is State.NEEDS_ARGUMENT


def test_a_kernel_that_is_on_by_default_but_made_no_groups_has_failed() -> None:
    assert state(pc(_DEBIAN)) is State.FAILED
    assert state(pc(arguments="intel_iommu=on")) is State.FAILED


def test_a_kernel_without_the_driver() -> None:
    assert state(pc("CONFIG_VFIO=y\n")) is State.NOT_BUILT


def test_an_unreadable_firmware_is_unknown() -> None:
    made = pc()
    del made.names["/sys/firmware/acpi/tables"]
    assert state(made) is State.UNKNOWN


def test_groups_are_the_proof_and_not_an_argument() -> None:
    assert state(pc(arguments="").gpu("0000:01:00.0").group(0, "0000:01:00.0")) is State.ON


def test_an_empty_folder_of_groups_is_no_proof() -> None:
    made = pc(arguments="intel_iommu=on")
    made.names["/sys/kernel/iommu_groups"] = ()
    assert state(made) is State.FAILED


@pytest.mark.parametrize(
    ("loader", "distribution", "steps"),
    [
        ("/etc/default/grub", "ID=debian", "sudo update-grub"),
        ("/etc/default/grub", "ID=arch", "sudo grub-mkconfig -o /boot/grub/grub.cfg"),
        ("/boot/grub2/grub.cfg", "ID=fedora", 'sudo grubby --update-kernel=ALL --args="intel_iommu=on"'),
        ("/boot/grub2/grub.cfg", 'ID=opensuse-tumbleweed\nID_LIKE="opensuse suse"', "sudo grub2-mkconfig"),
        ("/boot/loader/loader.conf", "ID=debian", "sudo kernel-install add-all"),
        ("/boot/limine.conf", "ID=arch", "limine.conf"),
    ],
)
def test_the_fix_is_written_for_this_boot_loader(loader: str, distribution: str, steps: str) -> None:
    made = pc().text("/etc/os-release", distribution)
    made.present.add(loader)
    findings = report.judge(made.machine()).findings
    finding = next(finding for finding in findings if finding.code == "iommu-needs-argument")
    assert steps in "\n".join(finding.fix())
    assert "intel_iommu=on" in "\n".join(finding.fix())
