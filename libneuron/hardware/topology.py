"""A machine's PCI tree as rows to draw or to read out: each device below its bridge, with its group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from libneuron.errors import QT_TRANSLATE_NOOP, Translate
from libneuron.hardware.acs import Override, Settings
from libneuron.hardware.config_space import PortType
from libneuron.hardware.grouping import predict
from libneuron.hardware.isolation import judge_groups
from libneuron.hardware.machine import Address, Device, Machine
from libneuron.hardware.texts import Marked


class Role(StrEnum):
    """What a device is in the tree, as far as a person cares."""

    GPU = "gpu"
    AUDIO = "audio"
    USB = "usb"
    NETWORK = "network"
    DISK = "disk"
    ROOT_PORT = "root-port"
    UPSTREAM = "upstream"
    DOWNSTREAM = "downstream"
    BRIDGE = "bridge"
    CHIPSET = "chipset"
    OTHER = "other"


ROLES: dict[Role, Marked] = {
    Role.GPU: QT_TRANSLATE_NOOP("hardware", "graphics card"),
    Role.AUDIO: QT_TRANSLATE_NOOP("hardware", "sound"),
    Role.USB: QT_TRANSLATE_NOOP("hardware", "USB"),
    Role.NETWORK: QT_TRANSLATE_NOOP("hardware", "network"),
    Role.DISK: QT_TRANSLATE_NOOP("hardware", "disk controller"),
    Role.ROOT_PORT: QT_TRANSLATE_NOOP("hardware", "slot of the processor or chipset"),
    Role.UPSTREAM: QT_TRANSLATE_NOOP("hardware", "entry of a switch"),
    Role.DOWNSTREAM: QT_TRANSLATE_NOOP("hardware", "exit of a switch"),
    Role.BRIDGE: QT_TRANSLATE_NOOP("hardware", "bridge of the old kind"),
    Role.CHIPSET: QT_TRANSLATE_NOOP("hardware", "part of the chipset"),
    Role.OTHER: QT_TRANSLATE_NOOP("hardware", "device"),
}

_CLASSES = {
    "01": Role.DISK, "02": Role.NETWORK, "03": Role.GPU, "0401": Role.AUDIO, "0403": Role.AUDIO,
    "0c03": Role.USB, "06": Role.CHIPSET, "08": Role.CHIPSET, "0c05": Role.CHIPSET, "05": Role.CHIPSET,
}  # fmt: skip
_PORTS = {
    PortType.ROOT_PORT: Role.ROOT_PORT,
    PortType.UPSTREAM: Role.UPSTREAM,
    PortType.DOWNSTREAM: Role.DOWNSTREAM,
}


def role_of(device: Device) -> Role:
    """What a device is; a bridge that could not be read is a bridge."""
    if device.is_bridge:
        port = device.config.port_type if device.config is not None else None
        return _PORTS.get(port, Role.BRIDGE) if port is not None else Role.BRIDGE
    return _CLASSES.get(device.kind) or _CLASSES.get(device.kind[:2], Role.OTHER)


@dataclass(frozen=True)
class Row:
    """One device at its depth; ``above`` is its bridge's place in the rows. ``group`` None: unknown."""

    device: Device
    depth: int
    above: int | None
    role: Role
    group: int | None
    culprit: bool

    @property
    def is_gpu(self) -> bool:
        """Whether this is a graphics card."""
        return self.role is Role.GPU


@dataclass(frozen=True)
class View:
    """The tree under one condition. ``override`` None: as the kernel made it; else predicted with it."""

    rows: tuple[Row, ...]
    override: frozenset[Override] | None
    predicted: bool


def _order(machine: Machine) -> list[tuple[Device, int, int | None]]:
    """Depth first; what hangs in no tree (a loop, a lost bridge) stands at the root."""
    below: dict[Address | None, list[Device]] = {}
    for device in machine.devices:
        path = machine.path(device)
        rooted = device.parent is None or (path and path[-1].parent is None)
        below.setdefault(device.parent if rooted else None, []).append(device)
    found: list[tuple[Device, int, int | None]] = []

    def visit(device: Device, depth: int, above: int | None) -> None:
        here = len(found)
        found.append((device, depth, above))
        for child in below.get(device.address, ()):
            visit(child, depth + 1, here)

    for device in below.get(None, ()):
        visit(device, 0, None)
    return found


def _numbers(order: list[Device], groups: Mapping[Address, frozenset[Address]]) -> dict[Address, int]:
    """Predicted groups have no numbers of the kernel's: count them in order."""
    numbers: dict[frozenset[Address], int] = {}
    found = {}
    for device in order:
        group = groups.get(device.address)
        if group is not None:
            found[device.address] = numbers.setdefault(group, len(numbers))
    return found


def view(machine: Machine, override: frozenset[Override] | None = None) -> View:
    """The tree as it stands, or predicted under ``override``; with the IOMMU off it is always predicted."""
    order = _order(machine)
    devices = [device for device, _, _ in order]
    predicted = override is not None or not machine.groups
    if predicted:
        settings = Settings(override=override or frozenset(), kernel_enables=not machine.groups)
        numbers = _numbers(devices, predict(machine, settings).certain)
    else:
        numbers = {address: group.number for group in machine.groups for address in group.devices}
    culprits = set()
    if not override:
        culprits = {verdict.culprit.address for verdict in judge_groups(machine) if verdict.culprit}
    return View(
        rows=tuple(
            Row(
                device=device,
                depth=depth,
                above=above,
                role=role_of(device),
                group=numbers.get(device.address),
                culprit=device.address in culprits,
            )
            for device, depth, above in order
        ),
        override=override,
        predicted=predicted,
    )


_WORDS = {
    "device": QT_TRANSLATE_NOOP("hardware", "{name}, {role}, {address}, {group}"),
    "culprit": QT_TRANSLATE_NOOP("hardware", "{device}; this port does not keep devices apart"),
    "group": QT_TRANSLATE_NOOP("hardware", "Group {number}"),
    "predicted": QT_TRANSLATE_NOOP("hardware", "Group {number} (predicted)"),
    "no-group": QT_TRANSLATE_NOOP("hardware", "group unknown"),
    "fault": QT_TRANSLATE_NOOP("hardware", "does not keep devices apart"),
}


def group_text(group: int | None, *, predicted: bool, translate: Translate) -> str:
    """A group's label."""
    if group is None:
        return translate(*_WORDS["no-group"])
    return translate(*_WORDS["predicted" if predicted else "group"]).format(number=group)


def role_text(role: Role, translate: Translate) -> str:
    """What a device is, in words."""
    return translate(*ROLES[role])


def fault_text(translate: Translate) -> str:
    """What is wrong with the culprit."""
    return translate(*_WORDS["fault"])


def row_text(row: Row, *, predicted: bool, translate: Translate) -> str:
    """A row as it is read out."""
    said = translate(*_WORDS["device"]).format(
        name=row.device.name,
        role=role_text(row.role, translate),
        address=row.device.address,
        group=group_text(row.group, predicted=predicted, translate=translate),
    )
    return translate(*_WORDS["culprit"]).format(device=said) if row.culprit else said
