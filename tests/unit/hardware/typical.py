"""Typical PCs for windows and pictures: real device numbers and names, wired as such boards are."""

from __future__ import annotations

from libneuron.hardware.config_space import AcsBits, PortType
from libneuron.hardware.machine import Machine
from tests.unit.hardware.pc import ALL_ACS, REQUIRED, Pc, config

NAMES = {
    (0x8086, 0x3EC2): "Intel 8th Gen Core Processor Host Bridge",
    (0x8086, 0x1901): "Intel 6th-10th Gen Core Processor PCIe Controller (x16)",
    (0x8086, 0x3E92): "Intel CoffeeLake-S GT2 [UHD Graphics 630]",
    (0x8086, 0xA290): "Intel 200 Series PCH PCI Express Root Port",
    (0x8086, 0xA2AF): "Intel 200 Series USB 3.0 xHCI Controller",
    (0x8086, 0x15B8): "Intel Ethernet Connection (2) I219-V",
    (0x10DE, 0x2206): "NVIDIA GA102 [GeForce RTX 3080]",
    (0x10DE, 0x1AEF): "NVIDIA GA102 High Definition Audio Controller",
    (0x1002, 0x67DF): "AMD Ellesmere [Radeon RX 470/480/570/580]",
    (0x1002, 0xAAF0): "AMD Ellesmere HDMI Audio",
    (0x144D, 0xA808): "Samsung NVMe SSD Controller SM981",
}
"""Numbers → names; the words that scenes declare as data."""


class TypicalNames:
    """Names only what the typical PCs hold."""

    def name(self, vendor: int, device: int) -> str:
        """See :class:`libneuron.hardware.names.Names`."""
        return NAMES[vendor, device]


def _function(
    vendor: int,
    device: int,
    code: int,
    *,
    multifunction: bool = False,
    port: PortType | None = PortType.ENDPOINT,
) -> bytes:
    return config(vendor, device, code, multifunction=multifunction, port=port)


def _board(*, arguments: str = "", acs: bool = True, release: str = "6.12.1-amd64") -> Pc:
    pc = Pc().desktop(arguments=arguments, release=release, threads=12)
    options = "CONFIG_INTEL_IOMMU=y\nCONFIG_AMD_IOMMU=y\nCONFIG_VFIO_PCI=m\n"
    pc.text(f"/boot/config-{release}", options).text("/etc/os-release", "ID=debian\n")
    pc.text("/proc/iomem", "e0000000-efffffff : PCI Bus 0000:01\n")
    pc.present |= {"/etc/default/grub", "/sys/firmware/efi"}
    on = AcsBits(0) if not arguments else REQUIRED
    bits = (ALL_ACS, on) if acs else None
    pc.add("0000:00:00.0", _function(0x8086, 0x3EC2, 0x060000, port=None))
    pc.port("0000:00:01.0", vendor=0x8086, device=0x1901, acs=bits, multifunction=True)
    pc.port("0000:00:01.1", vendor=0x8086, device=0x1901, acs=bits)
    pc.add("0000:00:02.0", _function(0x8086, 0x3E92, 0x030000, port=PortType.RC_ENDPOINT),
           boot_vga="1", reset_method="flr")  # fmt: skip
    pc.add("0000:00:14.0", _function(0x8086, 0xA2AF, 0x0C0330, port=None))
    pc.port("0000:00:1b.0", vendor=0x8086, device=0xA290, acs=(ALL_ACS, on))
    pc.add("0000:00:1f.6", _function(0x8086, 0x15B8, 0x020000, port=None))
    return pc


def _cards(pc: Pc, *, second: bool) -> Pc:
    gpu = _function(0x10DE, 0x2206, 0x030000, multifunction=True)
    pc.add("0000:01:00.0", gpu, below="0000:00:01.0", reset_method="bus", boot_vga="0")
    pc.add("0000:01:00.1", _function(0x10DE, 0x1AEF, 0x040300), below="0000:00:01.0")
    if second:
        other = _function(0x1002, 0x67DF, 0x030000, multifunction=True)
        pc.add("0000:02:00.0", other, below="0000:00:01.1", reset_method="bus", boot_vga="0")
        pc.add("0000:02:00.1", _function(0x1002, 0xAAF0, 0x040300), below="0000:00:01.1")
    disk = _function(0x144D, 0xA808, 0x010802)
    return pc.add("0000:03:00.0", disk, below="0000:00:1b.0", reset_method="flr bus")


def _alone(pc: Pc, *addresses: str) -> Pc:
    for number, address in enumerate(addresses, 10):
        pc.group(number, address)
    return pc


_CHIPSET = ("0000:00:00.0", "0000:00:02.0", "0000:00:14.0", "0000:00:1b.0", "0000:00:1f.6", "0000:03:00.0")


_BOTH_CARDS = (
    "0000:00:01.0", "0000:00:01.1", "0000:01:00.0", "0000:01:00.1", "0000:02:00.0", "0000:02:00.1",
)  # fmt: skip


def good() -> Machine:
    """All is on, and the card is alone."""
    pc = _cards(_board(arguments="intel_iommu=on"), second=False)
    pc.group(1, "0000:01:00.0", "0000:01:00.1")
    return _alone(pc, *_CHIPSET, "0000:00:01.0", "0000:00:01.1").machine(TypicalNames())


def switched_off() -> Machine:
    """A kernel that waits to be asked, and two cards."""
    return _cards(_board(), second=True).machine(TypicalNames())


def shared(release: str = "6.12.1-amd64") -> Machine:
    """Two cards behind ports that do not keep them apart, as on many boards with two x8 slots."""
    pc = _cards(_board(arguments="intel_iommu=on", acs=False, release=release), second=True)
    pc.group(
        1, "0000:00:01.0", "0000:00:01.1", "0000:01:00.0", "0000:01:00.1", "0000:02:00.0", "0000:02:00.1"
    )
    return _alone(pc, *_CHIPSET).machine(TypicalNames())


def in_a_vm() -> Machine:
    """No IOMMU, and no card."""
    pc = Pc().desktop(flags="hypervisor", tables=(), release="6.12.1-amd64", threads=4)
    return pc.add("0000:00:1f.6", _function(0x8086, 0x15B8, 0x020000)).machine(TypicalNames())


def unprivileged() -> Machine:
    """The shared PC as an ordinary user sees it."""
    pc = _cards(_board(arguments="intel_iommu=on", acs=False), second=True)
    pc.group(
        1, "0000:00:01.0", "0000:00:01.1", "0000:01:00.0", "0000:01:00.1", "0000:02:00.0", "0000:02:00.1"
    )
    for path in [path for path in pc.files if path.endswith("/config")]:
        pc.files[path] = pc.files[path][:64]
    pc.text("/proc/iomem", "00000000-00000000 : PCI Bus 0000:01\n")
    return _alone(pc, *_CHIPSET).machine(TypicalNames())
