"""One machine as one frozen value: everything that was read of it, before any judgement.

None always means "could not be read", never "no". Addresses are ``DDDD:BB:DD.F`` as sysfs writes them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from libneuron.hardware.config_space import ConfigSpace

_ADDRESS = re.compile(r"([0-9a-f]{4,8}):([0-9a-f]{2}):([01][0-9a-f])\.([0-7])")


class Address(NamedTuple):
    """Where a PCI function sits. A tuple, because grouping looks addresses up by the ten thousand."""

    domain: int
    bus: int
    slot: int
    function: int

    def __str__(self) -> str:
        return f"{self.domain:04x}:{self.bus:02x}:{self.slot:02x}.{self.function}"

    @property
    def of_slot(self) -> tuple[int, int, int]:
        """Domain, bus and device number: functions of one slot share it."""
        return self.domain, self.bus, self.slot


def parse_address(text: str) -> Address | None:
    """``text`` as an address, with domain 0 where it names none; None where it is no address."""
    text = text.strip().lower()
    if text.count(":") == 1:
        text = "0000:" + text
    match = _ADDRESS.fullmatch(text)
    if match is None:
        return None
    domain, bus, slot, function = (int(part, 16) for part in match.groups())
    return Address(domain, bus, slot, function)


@dataclass(frozen=True)
class Bar:
    """One memory or I/O range of a device; ``start`` and ``end`` as the CPU sees them, inclusive."""

    index: int
    start: int
    end: int
    prefetchable: bool

    @property
    def size(self) -> int:
        """Bytes."""
        return self.end - self.start + 1


@dataclass(frozen=True)
class Device:
    """One PCI function. ``parent`` is the bridge (or remapping device) above it, None on a root bus.

    ``placed`` False: where it hangs could not be read, and ``parent`` None says nothing.
    """

    address: Address
    parent: Address | None
    placed: bool
    vendor: int
    device: int
    subsystem: tuple[int, int]
    class_code: int
    name: str
    config: ConfigSpace | None
    driver: str | None
    driver_override: str | None
    group: int | None
    reset_methods: tuple[str, ...] | None
    boot_vga: bool | None
    bars: tuple[Bar, ...]
    power_state: str | None
    has_rom: bool
    resizable: bool
    virtual_function: bool

    @property
    def is_bridge(self) -> bool:
        """A bridge to another bus (header type 1 or 2), whatever its class says."""
        if self.config is not None:
            return self.config.header_type in (1, 2)
        return self.class_code >> 8 in (0x0604, 0x0607, 0x0609)

    @property
    def is_infrastructure(self) -> bool:
        """Bridges and host bridges: they may share a group with what sits below them."""
        return self.is_bridge or self.class_code >> 8 == 0x0600

    @property
    def is_gpu(self) -> bool:
        """A display controller of any sort (VGA, 3D, other), not only class 0x0300."""
        return self.class_code >> 16 == 0x03

    @property
    def kind(self) -> str:
        """Class and subclass as four hexadecimal digits ("0300")."""
        return f"{self.class_code >> 8:04x}"


@dataclass(frozen=True)
class Reserved:
    """A reserved region of a group; ``direct`` must stay mapped one to one and blocks assignment."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True)
class Group:
    """One IOMMU group as the kernel made it."""

    number: int
    kind: str | None
    devices: tuple[Address, ...]
    reserved: tuple[Reserved, ...] | None


@dataclass(frozen=True)
class Cpu:
    """The processor; ``virtualization`` is "vmx", "svm" or None, ``hypervisor`` whether we are a guest."""

    vendor: str
    model: str
    threads: int
    virtualization: str | None
    hypervisor: bool


@dataclass(frozen=True)
class Kernel:
    """The running kernel. ``options`` holds the build options we ask about; None: no config was readable."""

    release: str
    arguments: tuple[str, ...]
    options: dict[str, str] | None
    vfio: str | None
    vendor_reset: bool

    @cached_property
    def version(self) -> tuple[int, int]:
        """Major and minor, (0, 0) where the release has none."""
        match = re.match(r"(\d+)\.(\d+)", self.release)
        return (int(match[1]), int(match[2])) if match else (0, 0)

    def argument(self, name: str) -> tuple[str, ...]:
        """All comma-separated values given for ``name=``, in order."""
        values = [word.partition("=")[2] for word in self.arguments if word.partition("=")[0] == name]
        return tuple(part for value in values for part in value.split(","))


@dataclass(frozen=True)
class Iommu:
    """What the kernel and the firmware show of the IOMMU.

    ``units``: names in /sys/class/iommu. ``dmar``/``ivrs``: the firmware's table is listed, None where the
    list could not be read. ``remapped_interrupts``: /proc/interrupts names IR- chips.
    """

    units: tuple[str, ...]
    dmar: bool | None
    ivrs: bool | None
    remapped_interrupts: bool | None


@dataclass(frozen=True)
class Display:
    """A connector of a graphics card; sizes are (width, height) in pixels, the best first."""

    card: Address | None
    connector: str
    connected: bool
    modes: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Firmware:
    """What the firmware says of the machine. Empty texts where it says nothing."""

    vendor: str
    product: str
    board: str
    bios_vendor: str
    bios_version: str
    laptop: bool | None
    uefi: bool
    secure_boot: bool | None
    mux: bool


@dataclass(frozen=True)
class BootSetup:
    """How this system boots: loaders and initramfs tools found, the likeliest first."""

    distribution: str
    family: tuple[str, ...]
    loaders: tuple[str, ...]
    initramfs: tuple[str, ...]


@dataclass(frozen=True)
class Machine:
    """Everything read of one machine."""

    devices: tuple[Device, ...]
    groups: tuple[Group, ...]
    iommu: Iommu
    cpu: Cpu
    memory: int | None
    kernel: Kernel
    displays: tuple[Display, ...]
    framebuffers: tuple[tuple[str, int, int], ...] | None
    firmware: Firmware
    boot: BootSetup
    privileged: bool = False
    by_address: dict[Address, Device] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_address", {device.address: device for device in self.devices})

    def children(self, parent: Address | None) -> tuple[Device, ...]:
        """The devices directly below ``parent`` (None: on a root bus)."""
        return tuple(device for device in self.devices if device.parent == parent)

    def slot(self, device: Device) -> tuple[Device, ...]:
        """All functions of ``device``'s slot, itself included."""
        return tuple(other for other in self.devices if other.address.of_slot == device.address.of_slot)

    def path(self, device: Device) -> tuple[Device, ...]:
        """The bridges above ``device``, the nearest first; ends at a root bus or at a loop."""
        found: list[Device] = []
        seen = {device.address}
        above = device.parent
        while above is not None and above not in seen:
            seen.add(above)
            bridge = self.by_address.get(above)
            if bridge is None:
                break
            found.append(bridge)
            above = bridge.parent
        return tuple(found)

    @cached_property
    def whole(self) -> bool:
        """Whether the place of every device is known, from the root bus down."""
        return all(
            device.placed and (device.parent is None or self._reaches_root(device)) for device in self.devices
        )

    def _reaches_root(self, device: Device) -> bool:
        path = self.path(device)
        return bool(path) and path[-1].parent is None

    @property
    def gpus(self) -> tuple[Device, ...]:
        """Every physical display controller."""
        return tuple(device for device in self.devices if device.is_gpu and not device.virtual_function)
