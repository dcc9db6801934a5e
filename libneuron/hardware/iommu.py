"""What state is the IOMMU in, and which one cause keeps it off?

The parameters are those of Linux ``Documentation/admin-guide/kernel-parameters.txt``. "IOMMU enabled" in
the kernel's log proves nothing (it appears without any IOMMU), nor does an argument on the command line:
groups do.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from libneuron.hardware.machine import Machine


class State(StrEnum):
    """What the IOMMU does, or the one thing that keeps it from doing so."""

    ON = "on"
    ON_WITHOUT_REMAPPING = "on-without-interrupt-remapping"
    PASSTHROUGH = "passthrough-mode"
    VIRTUALIZATION_OFF = "virtualization-off"
    FIRMWARE_OFF = "firmware-off"
    OFF_BY_ARGUMENT = "off-by-argument"
    NEEDS_ARGUMENT = "needs-argument"
    NOT_BUILT = "not-built"
    VIRTUAL_MACHINE = "virtual-machine"
    FAILED = "failed"
    UNKNOWN = "unknown"


ACTIVE = frozenset({State.ON, State.ON_WITHOUT_REMAPPING, State.PASSTHROUGH})


@dataclass(frozen=True)
class IommuVerdict:
    """``kind``: "intel", "amd", another driver's name, or None. ``argument``: what switches it off."""

    state: State
    kind: str | None
    argument: str | None
    interrupt_remapping: bool | None
    virtualization: bool | None

    @property
    def active(self) -> bool:
        """Whether devices are in groups."""
        return self.state in ACTIVE


def _kind(machine: Machine) -> str | None:
    units = machine.iommu.units
    if any(unit.startswith("dmar") for unit in units) or machine.iommu.dmar:
        return "intel"
    if any(unit.startswith("ivhd") for unit in units) or machine.iommu.ivrs:
        return "amd"
    if units:
        return units[0].rstrip("0123456789.x")
    return {"GenuineIntel": "intel", "AuthenticAMD": "amd", "HygonGenuine": "amd"}.get(machine.cpu.vendor)


def _switching_off(machine: Machine, kind: str | None) -> str | None:
    """The argument that keeps the driver off, as written; a later "on" takes it back."""
    kernel = machine.kernel
    if "off" in kernel.argument("iommu"):
        return "iommu=off"
    if kind == "intel":
        said = [value for value in kernel.argument("intel_iommu") if value in ("on", "off")]
        if said and said[-1] == "off":
            return "intel_iommu=off"
    if kind == "amd" and "off" in kernel.argument("amd_iommu"):
        return "amd_iommu=off"
    return None


def _virtualization(machine: Machine) -> bool | None:
    """The kernel drops the CPU's flag when the firmware has locked it off (Intel; AMD since 6.7)."""
    if machine.cpu.virtualization is not None:
        return True
    return False if machine.cpu.vendor else None


def passthrough_mode(machine: Machine) -> bool:
    """Whether host devices bypass translation (``iommu=pt``); assignment to a VM is not affected."""
    kernel = machine.kernel
    return "pt" in kernel.argument("iommu") or kernel.argument("iommu.passthrough")[-1:] == ("1",)


def classify(machine: Machine) -> IommuVerdict:
    """The IOMMU's state with its cause."""
    kind = _kind(machine)
    virtualization = _virtualization(machine)
    remapping = machine.iommu.remapped_interrupts
    argument = _switching_off(machine, kind)
    if any(group.devices for group in machine.groups):
        state = State.PASSTHROUGH if passthrough_mode(machine) else State.ON
        if remapping is False:
            state = State.ON_WITHOUT_REMAPPING
        return IommuVerdict(state, kind, None, remapping, virtualization)
    return IommuVerdict(_why_off(machine, kind, argument), kind, argument, None, virtualization)


def _why_off(machine: Machine, kind: str | None, argument: str | None) -> State:
    listed = {"intel": machine.iommu.dmar, "amd": machine.iommu.ivrs}.get(kind or "")
    options = machine.kernel.options
    if listed is None:
        return State.UNKNOWN
    if not listed:
        if machine.cpu.hypervisor:
            return State.VIRTUAL_MACHINE
        if _virtualization(machine) is False:
            return State.VIRTUALIZATION_OFF
        return State.FIRMWARE_OFF
    driver = "INTEL_IOMMU" if kind == "intel" else "AMD_IOMMU"
    if options is not None and options.get(driver) != "y":
        return State.NOT_BUILT
    if argument is not None:
        return State.OFF_BY_ARGUMENT
    if kind == "intel" and "on" not in machine.kernel.argument("intel_iommu"):
        if options is None:
            return State.NEEDS_ARGUMENT
        on = (options.get(f"INTEL_IOMMU_DEFAULT_ON{which}") for which in ("", "_INTGPU_OFF"))
        if "y" not in on:
            return State.NEEDS_ARGUMENT
    return State.FAILED
