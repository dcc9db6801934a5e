"""Does a PCI function keep its neighbours apart? The kernel's ``pci_acs_enabled()``, with reasons.

Ported from the behaviour of Linux 6.1.192 (drivers/pci/pci.c, drivers/pci/quirks.c). The answer is None where
the configuration space could not be read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from libneuron.hardware.config_space import Acs, AcsBits, PortType
from libneuron.hardware.machine import Address, Device, Machine
from libneuron.hardware.quirks import SCOPED, AcsRow, Quirks, Rule, shipped

REQUIRED = (
    AcsBits.SOURCE_VALIDATION
    | AcsBits.REQUEST_REDIRECT
    | AcsBits.COMPLETION_REDIRECT
    | AcsBits.UPSTREAM_FORWARDING
)
"""What the kernel wants before it gives devices groups of their own (REQ_ACS_FLAGS)."""

NOTHING = AcsBits(0)
_PORTS = {PortType.ROOT_PORT, PortType.DOWNSTREAM}
_MULTIFUNCTION_TYPES = {
    PortType.ENDPOINT,
    PortType.LEGACY_ENDPOINT,
    PortType.UPSTREAM,
    PortType.RC_ENDPOINT,
}


class Reason(StrEnum):
    """Why a function does or does not keep neighbours apart."""

    ENABLED = "enabled"
    SINGLE_FUNCTION = "single-function"
    KERNEL_TABLE = "kernel-table"
    OVERRIDE = "override"
    ASSUMED = "assumed"
    CONVENTIONAL = "conventional"
    BRIDGE_TYPE = "bridge-type"
    NO_CAPABILITY = "no-capability"
    BITS_OFF = "bits-off"
    UNKNOWN = "unknown"


class Override(StrEnum):
    """What ``pcie_acs_override=`` (an out-of-tree patch) can be told."""

    DOWNSTREAM = "downstream"
    MULTIFUNCTION = "multifunction"


@dataclass(frozen=True)
class Settings:
    """Under which conditions to judge.

    ``kernel_enables``: reckon with the bits that the kernel switches on once the IOMMU is on (the standard
    set of each capability), for predicting while it is off. ``assumed``: functions taken to pass, to see what
    difference one port makes.
    """

    override: frozenset[Override] = frozenset()
    kernel_enables: bool = False
    assumed: frozenset[Address] = frozenset()
    quirks: Quirks = field(default_factory=shipped, compare=False, repr=False)


@dataclass(frozen=True)
class Verdict:
    """``passed`` None: unknown. ``missing``: the required bits that are not in force, if it did not pass."""

    passed: bool | None
    reason: Reason
    missing: AcsBits = NOTHING


def is_multifunction(machine: Machine, device: Device) -> bool:
    """The kernel's view: bit 7 of the header type, or any function but the first."""
    if device.address.function > 0:
        return True
    if device.config is not None:
        return device.config.multifunction_bit
    return len(machine.slot(device)) > 1


def judge(machine: Machine, device: Device, settings: Settings) -> Verdict:
    """Whether ``device`` keeps its neighbours apart under ``settings``."""
    if device.address in settings.assumed:
        return Verdict(passed=True, reason=Reason.ASSUMED)
    config = device.config
    if config is None or config.express is None:
        return Verdict(passed=None, reason=Reason.UNKNOWN)
    from_table = _kernel_table(machine, device, settings)
    if from_table is not None:
        return from_table
    if not config.express:
        return Verdict(passed=False, reason=Reason.CONVENTIONAL, missing=REQUIRED)
    if _overridden(machine, device, settings):
        return Verdict(passed=True, reason=Reason.OVERRIDE)
    if config.port_type in _PORTS:
        return _flags(device, settings)
    if config.port_type in _MULTIFUNCTION_TYPES:
        if is_multifunction(machine, device):
            return _flags(device, settings)
        return Verdict(passed=True, reason=Reason.SINGLE_FUNCTION)
    return Verdict(passed=False, reason=Reason.BRIDGE_TYPE, missing=REQUIRED)


def _overridden(machine: Machine, device: Device, settings: Settings) -> bool:
    """The out-of-tree patch acts only on PCI Express functions without any ACS capability."""
    config = device.config
    if not settings.override or config is None or not config.acs_known or config.acs is not None:
        return False
    if config.port_type in _PORTS:
        return Override.DOWNSTREAM in settings.override
    if config.port_type in _MULTIFUNCTION_TYPES:
        return Override.MULTIFUNCTION in settings.override and is_multifunction(machine, device)
    return False


def _flags(device: Device, settings: Settings) -> Verdict:
    """A bit that the capability lacks counts as wired on; what can be switched must be on."""
    assert device.config is not None
    acs = device.config.acs
    if acs is None:
        if device.config.acs_known:
            return Verdict(passed=False, reason=Reason.NO_CAPABILITY, missing=REQUIRED)
        return Verdict(passed=None, reason=Reason.UNKNOWN)
    return _bits(acs, acs.control, settings)


def _bits(acs: Acs, control: AcsBits, settings: Settings) -> Verdict:
    if settings.kernel_enables:
        control |= acs.capability & REQUIRED
    missing = REQUIRED & acs.capability & ~control
    if missing:
        return Verdict(passed=False, reason=Reason.BITS_OFF, missing=missing)
    return Verdict(passed=True, reason=Reason.ENABLED)


def _kernel_table(machine: Machine, device: Device, settings: Settings) -> Verdict | None:
    """The first row of the kernel's table that has an answer."""
    for row in settings.quirks.acs:
        if row.vendor != device.vendor or (row.rule in SCOPED and device.device not in row.devices):
            continue
        verdict = _rule(machine, device, row, settings)
        if verdict is not None:
            return verdict
    return None


_YES = Verdict(passed=True, reason=Reason.KERNEL_TABLE)
_NO = Verdict(passed=False, reason=Reason.KERNEL_TABLE, missing=REQUIRED)


def _rule(machine: Machine, device: Device, row: AcsRow, settings: Settings) -> Verdict | None:
    config = device.config
    assert config is not None
    listed = device.device in row.devices
    port = config.port_type
    match row.rule:
        case Rule.INTEL_WIDE_REGISTERS:
            if port is PortType.ROOT_PORT and listed and config.acs is not None:
                return _bits(config.acs, AcsBits(config.acs.control32 & 0x7F), settings)
            applies = answer = False
        case Rule.AMD_SOUTHBRIDGE:
            # AMD's word holds only with its IOMMU in the machine, for functions of the south bridge.
            applies = bool(machine.iommu.ivrs) and device.parent is None and is_multifunction(machine, device)
            answer = True
        case Rule.ROOT_COMPLEX_ENDPOINT:
            applies = answer = port is PortType.RC_ENDPOINT
        case Rule.ROOT_PORT:
            applies = answer = port is PortType.ROOT_PORT
        case Rule.ROOT_PORT_LIST | Rule.INTEL_PCH_LIST:
            # The Intel ports have no ACS capability but a register of their own that the kernel switches on.
            applies = answer = port is PortType.ROOT_PORT and listed
        case Rule.PORT_LIST:
            applies, answer = port in _PORTS, listed
        case Rule.ISOLATED | Rule.LIST:
            applies, answer = True, listed
    if not applies:
        return None
    return _YES if answer else _NO
