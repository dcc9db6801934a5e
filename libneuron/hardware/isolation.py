"""Is a GPU's slot alone in its group; if not, which port is to blame, and would anything help?

``isolated`` is said only of groups that the running kernel made. What explains them (the culprit) and what is
predicted comes from :mod:`libneuron.hardware.grouping`, and is unknown where the model cannot see enough or
does not arrive at the kernel's own group.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from libneuron.hardware.acs import NOTHING, Override, Reason, Settings, judge
from libneuron.hardware.config_space import AcsBits, PortType
from libneuron.hardware.grouping import Partition, partition, predict
from libneuron.hardware.machine import Address, Device, Group, Machine

CONFIG_ACS_SINCE = (6, 11)
"""``pci=config_acs=`` came with Linux 6.11 (commit 47c8846a49ba, "PCI: Extend ACS configurability")."""


class Cause(StrEnum):
    """What is wrong with the port that breaks isolation."""

    NO_CAPABILITY = "no-acs-capability"
    BITS_OFF = "acs-bits-off"
    CONVENTIONAL = "conventional-bridge"
    KERNEL_TABLE = "kernel-table"
    ALIAS = "dma-alias"


@dataclass(frozen=True)
class Culprit:
    """The one device that keeps a group from being smaller; ``missing`` are the ACS bits it lacks."""

    address: Address
    cause: Cause
    missing: AcsBits


@dataclass(frozen=True)
class GroupVerdict:
    """One group of the running kernel. ``isolated``: its devices are all functions of one slot."""

    group: Group
    isolated: bool | None
    culprit: Culprit | None
    explained: bool


@dataclass(frozen=True)
class OverrideVerdict:
    """Whether the slot would be alone with this setting; None: unknown."""

    override: frozenset[Override]
    isolates: bool | None


@dataclass(frozen=True)
class SlotVerdict:
    """A GPU's slot. ``isolated`` from the live group; ``predicted`` from the model, for an IOMMU that is off.

    ``needs_override``: the slot is not alone, and the override is predicted to help. ``by_override``: it is
    alone only because an override is in force. ``config_acs``: the culprit's ACS bits are off, and switching
    them on is predicted to help.
    """

    isolated: bool | None
    predicted: bool | None
    culprit: Culprit | None
    foreign: tuple[Address, ...]
    overrides: tuple[OverrideVerdict, ...]
    needs_override: bool | None
    by_override: bool | None
    config_acs: bool | None


OVERRIDES = (
    frozenset({Override.DOWNSTREAM}),
    frozenset({Override.DOWNSTREAM, Override.MULTIFUNCTION}),
)


def in_force(machine: Machine) -> frozenset[Override]:
    """The override that the command line asks for (whether or not this kernel knows it)."""
    values = machine.kernel.argument("pcie_acs_override")
    return frozenset(override for override in Override if override.value in values)


def _base(machine: Machine) -> Settings:
    """The conditions under which the running kernel made (or would make) its groups."""
    return Settings(override=in_force(machine), kernel_enables=not machine.groups)


def foreigners(machine: Machine, device: Device, members: frozenset[Address]) -> tuple[Address, ...] | None:
    """Members that are neither of the device's own slot nor bridges; None if one of them is not known."""
    found = []
    for address in sorted(members):
        member = machine.by_address.get(address)
        if member is None:
            return None
        if address.of_slot != device.address.of_slot and not member.is_infrastructure:
            found.append(address)
    return tuple(found)


def _alone(machine: Machine, device: Device, members: frozenset[Address] | None) -> bool | None:
    if members is None:
        return None
    others = foreigners(machine, device, members)
    return None if others is None else not others


def live_members(machine: Machine, device: Device) -> frozenset[Address] | None:
    """The device's group as the kernel made it, None where there is none or its two listings disagree."""
    groups = [group for group in machine.groups if device.address in group.devices]
    if len(groups) != 1 or groups[0].number != device.group:
        return None
    listed = {other.address for other in machine.devices if other.group == device.group}
    members = frozenset(groups[0].devices)
    return members if listed == members else None


def culprit_of(machine: Machine, device: Device, settings: Settings) -> Culprit | None:
    """The port whose repair would free most of the device's group; ties go to the one nearest the root.

    None if the device shares its group with nothing foreign, or if what is to blame cannot be read.
    """
    groups = partition(machine, settings, unknown=True)
    before = foreigners(machine, device, groups[device.address])
    if not before:
        return None
    suspects = []
    for bridge in machine.path(device):
        culprit = _suspect(machine, bridge, settings)
        if culprit is not None:
            suspects.append(culprit)
    if not suspects:
        return _beside(machine, device, groups[device.address], settings)
    if len(suspects) == 1:
        return suspects[0]

    def remaining(culprit: Culprit) -> int:
        repaired = replace(settings, assumed=settings.assumed | {culprit.address})
        after = foreigners(machine, device, partition(machine, repaired, unknown=True)[device.address])
        return len(after or ())

    return min(reversed(suspects), key=remaining)


def _beside(
    machine: Machine, device: Device, members: frozenset[Address], settings: Settings
) -> Culprit | None:
    """No bridge above the device is at fault: a bridge in its own slot, or an alias, brings the others in."""
    for address in sorted(members):
        member = machine.by_address[address]
        if address.of_slot == device.address.of_slot and member.is_bridge:
            culprit = _suspect(machine, member, settings)
            if culprit is not None:
                return culprit
    return Culprit(device.address, Cause.ALIAS, NOTHING)


def _suspect(machine: Machine, bridge: Device, settings: Settings) -> Culprit | None:
    config = bridge.config
    if config is None or config.express is None:
        return None
    if not config.express or config.port_type in (PortType.PCIE_TO_PCI, PortType.PCI_TO_PCIE):
        return Culprit(bridge.address, Cause.CONVENTIONAL, NOTHING)
    verdict = judge(machine, bridge, settings)
    if verdict.passed is not False:
        return None
    cause = {
        Reason.NO_CAPABILITY: Cause.NO_CAPABILITY,
        Reason.BITS_OFF: Cause.BITS_OFF,
        Reason.KERNEL_TABLE: Cause.KERNEL_TABLE,
    }.get(verdict.reason, Cause.NO_CAPABILITY)
    return Culprit(bridge.address, cause, verdict.missing)


def judge_groups(machine: Machine) -> tuple[GroupVerdict, ...]:
    """Every live group, with the one culprit of each that spans more than one slot."""
    settings = _base(machine)
    prediction = predict(machine, settings)
    return tuple(_judge_group(machine, group, settings, prediction.certain) for group in machine.groups)


def _judge_group(
    machine: Machine,
    group: Group,
    settings: Settings,
    certain: Partition,
) -> GroupVerdict:
    members = frozenset(group.devices)
    devices = [machine.by_address[address] for address in group.devices if address in machine.by_address]
    endpoints = [device for device in devices if not device.is_infrastructure]
    whole = len(devices) == len(members) and all(
        live_members(machine, device) == members for device in devices
    )
    explained = whole and all(certain.get(address) == members for address in members)
    isolated = len({device.address.of_slot for device in endpoints}) <= 1 if whole else None
    culprit = None
    if isolated is False and explained:
        chosen = next((device for device in endpoints if device.is_gpu), endpoints[0])
        culprit = culprit_of(machine, chosen, settings)
    return GroupVerdict(group, isolated, culprit, explained)


def judge_slot(machine: Machine, device: Device) -> SlotVerdict:
    """Everything about the isolation of ``device``'s slot."""
    base = _base(machine)
    live = live_members(machine, device)
    modelled = predict(machine, base).group(device.address)
    isolated = _alone(machine, device, live) if machine.groups else None
    predicted = _alone(machine, device, modelled)
    explained = modelled is not None and (modelled == live if machine.groups else True)
    current = isolated if machine.groups else predicted
    overrides: tuple[OverrideVerdict, ...] = ()
    culprit = None
    config_acs = None
    if current is False and explained:
        culprit = culprit_of(machine, device, base)
        overrides = tuple(
            OverrideVerdict(
                override,
                _alone(
                    machine,
                    device,
                    predict(machine, replace(base, override=override)).group(device.address),
                ),
            )
            for override in OVERRIDES
        )
        config_acs = False
        if culprit is not None and culprit.cause is Cause.BITS_OFF:
            switched_on = predict(machine, replace(base, kernel_enables=True)).group(device.address)
            config_acs = _alone(machine, device, switched_on)
    members = live if machine.groups else modelled
    return SlotVerdict(
        isolated=isolated,
        predicted=predicted,
        culprit=culprit,
        foreign=(foreigners(machine, device, members) or ()) if members is not None else (),
        overrides=overrides,
        needs_override=_needs(current=current, overrides=overrides, explained=explained),
        by_override=_by_override(machine, device, base, current=current),
        config_acs=config_acs,
    )


def _needs(*, current: bool | None, overrides: tuple[OverrideVerdict, ...], explained: bool) -> bool | None:
    if current is True:
        return False
    if current is None or not explained:
        return None
    if any(verdict.isolates for verdict in overrides):
        return True
    return None if any(verdict.isolates is None for verdict in overrides) else False


def _by_override(machine: Machine, device: Device, base: Settings, *, current: bool | None) -> bool | None:
    """Whether the slot would share its group without the override that is in force."""
    if current is not True or not base.override:
        return False
    without = predict(machine, replace(base, override=frozenset())).group(device.address)
    alone = _alone(machine, device, without)
    return None if alone is None else not alone
