"""Reading PCI devices and IOMMU groups from sysfs."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from libneuron.hardware import config_space
from libneuron.hardware.machine import Address, Bar, Device, Group, Reserved, parse_address
from libneuron.hardware.names import Names
from libneuron.system.trees import Tree

_DEVICES = "/sys/bus/pci/devices"
_GROUPS = "/sys/kernel/iommu_groups"
_ROOT_BUS = re.compile(r"pci[0-9a-f]{4,8}:[0-9a-f]{2}")
_IORESOURCE_MEM = 0x200
_IORESOURCE_IO = 0x100
_IORESOURCE_PREFETCH = 0x2000


def devices(tree: Tree, names: Names) -> tuple[Device, ...]:
    """Every PCI function, sorted by address."""
    found = []
    for name in tree.names(_DEVICES):
        address = parse_address(name)
        if address is not None:
            found.append(_device(tree, names, name, address))
    return tuple(sorted(found, key=lambda device: device.address))


def groups(tree: Tree) -> tuple[Group, ...]:
    """Every IOMMU group, by number; numbers need not be contiguous."""
    found = []
    for name in tree.names(_GROUPS):
        if not re.fullmatch(r"\d{1,9}", name):
            continue
        members = (parse_address(member) for member in tree.names(f"{_GROUPS}/{name}/devices"))
        regions = tree.text(f"{_GROUPS}/{name}/reserved_regions")
        found.append(
            Group(
                number=int(name),
                kind=tree.text(f"{_GROUPS}/{name}/type"),
                devices=tuple(sorted(member for member in members if member is not None)),
                reserved=None if regions is None else _reserved(regions),
            )
        )
    return tuple(sorted(found, key=lambda group: group.number))


def _reserved(text: str) -> tuple[Reserved, ...]:
    return tuple(
        Reserved(int(start, 16), int(end, 16), kind)
        for start, end, kind in re.findall(r"^(0x[0-9a-f]+) (0x[0-9a-f]+) (\S+)$", text, re.MULTILINE)
    )


def _number(tree: Tree, path: str, digits: int) -> int | None:
    text = tree.text(path, limit=64)
    if text is None or not re.fullmatch(rf"(0x)?[0-9a-fA-F]{{1,{digits}}}", text):
        return None
    return int(text, 16)


def _place(tree: Tree, name: str) -> tuple[Address | None, bool]:
    """The nearest PCI device above in the device tree, and whether the tree down from a root bus was seen.

    For devices of a remapping domain (Intel VMD) the device above is the remapping one in the other domain.
    """
    parts = PurePosixPath(tree.link(f"{_DEVICES}/{name}") or "").parts[:-1]
    above = next((found for part in reversed(parts) if (found := parse_address(part)) is not None), None)
    return above, any(_ROOT_BUS.fullmatch(part) for part in parts)


def _bars(text: str) -> tuple[Bar, ...]:
    found = []
    for index, line in enumerate(text.splitlines()[:6]):
        match = re.fullmatch(r"0x([0-9a-f]{1,16}) 0x([0-9a-f]{1,16}) 0x([0-9a-f]{1,16})", line.strip())
        if match is None:
            continue
        start, end, flags = (int(part, 16) for part in match.groups())
        if flags & (_IORESOURCE_MEM | _IORESOURCE_IO) and end > start:
            found.append(Bar(index, start, end, bool(flags & _IORESOURCE_PREFETCH)))
    return tuple(found)


def _device(tree: Tree, names: Names, name: str, address: Address) -> Device:
    here = f"{_DEVICES}/{name}"
    inside = set(tree.names(here))
    parent, placed = _place(tree, name)
    power = tree.text(f"{here}/power_state", limit=64)
    # Reading the configuration space of a device in D3cold would wake it up.
    data = None if power == "D3cold" else tree.bytes(f"{here}/config", limit=config_space.EXTENDED)
    config = None if data is None else config_space.parse(data)

    def number(attribute: str, digits: int, otherwise: int) -> int:
        value = _number(tree, f"{here}/{attribute}", digits)
        return otherwise if value is None else value

    vendor = number("vendor", 4, config.vendor if config else 0xFFFF)
    device = number("device", 4, config.device if config else 0xFFFF)
    group = tree.link_name(f"{here}/iommu_group")
    methods = tree.text(f"{here}/reset_method", limit=256) if "reset_method" in inside else None
    override = tree.text(f"{here}/driver_override", limit=256)
    boot = tree.text(f"{here}/boot_vga", limit=16) if "boot_vga" in inside else None
    return Device(
        address=address,
        parent=parent,
        placed=placed,
        vendor=vendor,
        device=device,
        subsystem=(number("subsystem_vendor", 4, 0), number("subsystem_device", 4, 0)),
        class_code=number("class", 6, config.class_code if config else 0),
        name=names.name(vendor, device),
        config=config,
        driver=tree.link_name(f"{here}/driver"),
        driver_override=override if override and override != "(null)" else None,
        group=int(group) if group is not None and re.fullmatch(r"\d{1,9}", group) else None,
        reset_methods=_methods(inside, methods),
        boot_vga=None if boot is None else boot == "1",
        bars=_bars(tree.text(f"{here}/resource", limit=4096) or ""),
        power_state=power,
        has_rom="rom" in inside,
        resizable=any(re.fullmatch(r"resource\d_resize", entry) for entry in inside),
        virtual_function="physfn" in inside,
    )


def _methods(inside: set[str], methods: str | None) -> tuple[str, ...] | None:
    """What the kernel would use to reset the device; () for none, None where the kernel is too old to say.

    Since 5.15 there is ``reset_method`` for each device that can be reset and nothing for the others; before,
    only ``reset`` shows that there is some way.
    """
    if methods is not None:
        return tuple(methods.split())
    return None if "reset" in inside or not inside else ()
