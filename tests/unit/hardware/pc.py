"""PCs for tests: recorded ones by name, and ones built function by function as sysfs would show them."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from pathlib import Path

from libneuron.hardware import bundle
from libneuron.hardware.config_space import AcsBits, PortType
from libneuron.hardware.machine import Machine
from libneuron.hardware.names import Names, Numbers
from libneuron.system.trees import Recording

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures/machines"
RECORDED = sorted(path.stem for path in FIXTURES.glob("*.bundle"))

ALL_ACS = AcsBits(0x1F)
REQUIRED = AcsBits(0x1D)


def recorded(name: str) -> Machine:
    """A recorded machine."""
    return bundle.machine(bundle.open_file(FIXTURES / f"{name}.bundle"), Numbers())


def config(
    vendor: int = 0x1234,
    device: int = 0x5678,
    class_code: int = 0x020000,
    *,
    port: PortType | None = PortType.ENDPOINT,
    bridge: bool = False,
    multifunction: bool = False,
    acs: tuple[AcsBits, AcsBits] | None = None,
    size: int = 4096,
) -> bytes:
    """A configuration space; ``port`` None is a conventional function, ``acs`` is (capability, control)."""
    data = bytearray(size if port is not None else 256)
    struct.pack_into("<HHHH", data, 0, vendor, device, 0, 0x10 if port is not None else 0)
    data[9:12] = class_code.to_bytes(3, "little")
    data[0x0E] = (1 if bridge else 0) | (0x80 if multifunction else 0)
    if port is not None:
        data[0x34] = 0x40
        data[0x40:0x44] = bytes((0x10, 0, int(port) << 4 | 2, 0))
        if acs is not None:
            struct.pack_into("<IHH", data, 0x100, 0x0001000D, int(acs[0]), int(acs[1]))
    return bytes(data)


_BRIDGE = 0x060400


@dataclass
class Pc:
    """A PC under construction. Groups are what the test says the kernel made."""

    files: dict[str, bytes] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    names: dict[str, tuple[str, ...]] = field(default_factory=dict)
    present: set[str] = field(default_factory=set)
    paths: dict[str, str] = field(default_factory=dict)

    def text(self, path: str, content: str) -> Pc:
        """A file."""
        self.files[path] = content.encode()
        return self

    def add(self, address: str, space: bytes | None, *, below: str | None = None, **attributes: str) -> Pc:
        """A function; attributes are files of its directory."""
        here = f"/sys/bus/pci/devices/{address}"
        above = self.paths[below] if below else f"../../../devices/pci{address[:7]}"
        self.paths[address] = self.links[here] = f"{above}/{address}"
        shown = {"class": "0x030000", "vendor": "0x1234", "device": "0x5678"}
        if space is not None:
            self.files[f"{here}/config"] = space
            vendor, device = struct.unpack_from("<HH", space)
            code = int.from_bytes(space[9:12], "little")
            shown = {"class": f"0x{code:06x}", "vendor": f"0x{vendor:04x}", "device": f"0x{device:04x}"}
        for name, content in (shown | attributes).items():
            self.files[f"{here}/{name}"] = content.encode()
        self.names[here] = tuple(sorted(("config", *(shown | attributes))))
        listed = set(self.names.get("/sys/bus/pci/devices", ())) | {address}
        self.names["/sys/bus/pci/devices"] = tuple(sorted(listed))
        return self

    def port(
        self,
        address: str,
        *,
        below: str | None = None,
        acs: tuple[AcsBits, AcsBits] | None = None,
        kind: PortType | None = PortType.ROOT_PORT,
        multifunction: bool = False,
        vendor: int = 0x1234,
        device: int = 0x5678,
    ) -> Pc:
        """A bridge."""
        space = config(vendor, device, _BRIDGE, port=kind, bridge=True, multifunction=multifunction, acs=acs)
        return self.add(address, space, below=below)

    def gpu(
        self,
        address: str,
        *,
        below: str | None = None,
        vendor: int = 0x10DE,
        device: int = 0x2204,
        multifunction: bool = False,
        **attributes: str,
    ) -> Pc:
        """A graphics card's first function."""
        space = config(vendor, device, 0x030000, multifunction=multifunction)
        return self.add(address, space, below=below, **attributes)

    def group(self, number: int, *addresses: str, reserved: str = "", kind: str = "DMA") -> Pc:
        """A group as the kernel made it."""
        groups = "/sys/kernel/iommu_groups"
        self.names[groups] = tuple(sorted({*self.names.get(groups, ()), str(number)}))
        self.names[f"{groups}/{number}/devices"] = tuple(sorted(addresses))
        self.text(f"{groups}/{number}/reserved_regions", reserved).text(f"{groups}/{number}/type", kind)
        for address in addresses:
            self.links[f"/sys/bus/pci/devices/{address}/iommu_group"] = f"../../../{number}"
        return self

    def desktop(
        self,
        *,
        cpu: str = "GenuineIntel",
        flags: str = "vmx",
        release: str = "6.12.0-arch1-1",
        arguments: str = "",
        tables: tuple[str, ...] = ("DMAR",),
        threads: int = 12,
    ) -> Pc:
        """What surrounds the devices of an ordinary PC."""
        about = f"vendor_id\t: {cpu}\nmodel name\t: A CPU\nflags\t\t: fpu {flags}\n\n"
        self.text("/proc/cpuinfo", "".join(f"processor\t: {n}\n{about}" for n in range(threads)))
        self.text("/proc/meminfo", "MemTotal:       33554432 kB\n").text("/proc/cmdline", arguments)
        self.text("/proc/sys/kernel/osrelease", release)
        self.text("/proc/interrupts", " 24: 0 IR-PCI-MSI 0-edge")
        self.names["/sys/firmware/acpi/tables"] = ("APIC", *tables)
        return self

    def machine(self, names: Names | None = None) -> Machine:
        """The machine as captured."""
        return bundle.machine(self.recording(), names or Numbers())

    def recording(self) -> Recording:
        """The recording of it."""
        return Recording(dict(self.files), dict(self.links), dict(self.names), frozenset(self.present))
