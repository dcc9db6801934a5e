"""Reading a machine: from a tree of files (this one, a recorded one, a replayed one) to a :class:`Machine`.

Everything is optional: what is missing, unreadable or nonsense becomes None or is left out. Nothing here
judges. Sources: Linux ``Documentation/ABI/testing/sysfs-bus-pci``, ``sysfs-kernel-iommu_groups``.
"""

from __future__ import annotations

import gzip
import re

from libneuron.hardware import capture_pci
from libneuron.hardware.machine import (
    BootSetup,
    Cpu,
    Display,
    Firmware,
    Iommu,
    Kernel,
    Machine,
    parse_address,
)
from libneuron.hardware.names import Names
from libneuron.system.trees import Tree

OPTIONS = (
    "INTEL_IOMMU", "INTEL_IOMMU_DEFAULT_ON", "INTEL_IOMMU_DEFAULT_ON_INTGPU_OFF", "AMD_IOMMU", "IRQ_REMAP",
    "IOMMU_DEFAULT_PASSTHROUGH", "VFIO", "VFIO_PCI", "KVM", "KVM_INTEL", "KVM_AMD", "FTRACE", "KPROBES",
    "KALLSYMS_ALL", "VFIO_PCI_VGA",
)  # fmt: skip
"""Kernel build options that a judgement depends on; the recorder keeps only these."""

_LAPTOP_CHASSIS = {8, 9, 10, 14, 30, 31, 32}  # SMBIOS 3.x, table 17: portable, laptop, notebook, tablet, …
_DESKTOP_CHASSIS = {3, 4, 5, 6, 7, 13, 15, 16, 17, 23, 24, 35, 36}
_LOADER_FILES = (
    (
        "limine",
        ("/boot/limine.conf", "/boot/limine/limine.conf", "/boot/efi/limine.conf", "/efi/limine.conf"),
    ),
    ("grub", ("/boot/grub/grub.cfg", "/boot/grub2/grub.cfg", "/etc/default/grub")),
    ("systemd-boot", ("/boot/loader/loader.conf", "/efi/loader/loader.conf", "/boot/efi/loader/loader.conf")),
)
_INITRAMFS_FILES = (
    ("mkinitcpio", "/etc/mkinitcpio.conf"),
    ("dracut", "/usr/bin/dracut"),
    ("initramfs-tools", "/etc/initramfs-tools/initramfs.conf"),
)
_MUX_FILES = (
    "/sys/devices/platform/asus-nb-wmi/gpu_mux_mode",
    "/sys/class/firmware-attributes/asus-armoury/attributes/gpu_mux_mode",
    "/sys/bus/wmi/drivers/gmux",
)
_EFI_GLOBAL = "8be4df61-93ca-11d2-aa0d-00e098032b8c"
_EFI_LOADER = "4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"


def capture(tree: Tree, names: Names) -> Machine:
    """Read the machine behind ``tree``. Reads only; never wakes a device that sleeps in D3cold."""
    groups = capture_pci.groups(tree)
    devices = capture_pci.devices(tree, names)
    framebuffers = _framebuffers(tree)
    return Machine(
        devices=devices,
        groups=groups,
        iommu=_iommu(tree),
        cpu=_cpu(tree),
        memory=_memory(tree),
        kernel=_kernel(tree),
        displays=_displays(tree),
        framebuffers=framebuffers,
        firmware=_firmware(tree),
        boot=_boot(tree),
        privileged=framebuffers is not None
        or any(device.config and device.config.express and device.config.acs_known for device in devices),
    )


def _iommu(tree: Tree) -> Iommu:
    tables = set(tree.names("/sys/firmware/acpi/tables"))
    interrupts = tree.text("/proc/interrupts")
    return Iommu(
        units=tree.names("/sys/class/iommu"),
        dmar=("DMAR" in tables) if tables else None,
        ivrs=("IVRS" in tables) if tables else None,
        remapped_interrupts=None if interrupts is None else re.search(r"\bIR-", interrupts) is not None,
    )


def _cpu(tree: Tree) -> Cpu:
    text = tree.text("/proc/cpuinfo") or ""
    values: dict[str, str] = {}
    for line in text.partition("\n\n")[0].splitlines():
        key, _, value = line.partition(":")
        values.setdefault(key.strip(), value.strip())
    flags = set(values.get("flags", "").split())
    return Cpu(
        vendor=values.get("vendor_id", ""),
        model=values.get("model name", ""),
        threads=len(re.findall(r"^processor\s*:", text, re.MULTILINE)),
        virtualization=next((flag for flag in ("vmx", "svm") if flag in flags), None),
        hypervisor="hypervisor" in flags,
    )


def _memory(tree: Tree) -> int | None:
    match = re.search(r"^MemTotal:\s+(\d+) kB", tree.text("/proc/meminfo") or "", re.MULTILINE)
    return int(match[1]) * 1024 if match else None


def kept_options(text: str) -> dict[str, str]:
    """The build options we ask about, from a kernel's whole ``.config``; an absent one is "n"."""
    found = dict(re.findall(r"^CONFIG_(\w+)=(\S+)$", text, re.MULTILINE))
    return {name: found.get(name, "n") for name in OPTIONS}


def _options(tree: Tree, release: str) -> dict[str, str] | None:
    for path in (
        f"/boot/config-{release}",
        f"/usr/lib/modules/{release}/config",
        f"/lib/modules/{release}/config",
    ):
        text = tree.text(path)
        if text:
            return kept_options(text)
    packed = tree.bytes("/proc/config.gz")
    if packed:
        try:
            return kept_options(gzip.decompress(packed).decode("utf-8", "replace"))
        except (OSError, EOFError, ValueError):
            return None
    return None


def _kernel(tree: Tree) -> Kernel:
    release = tree.text("/proc/sys/kernel/osrelease") or ""
    release = re.sub(r"[^\w.+~-]", "", release)[:100]
    vfio = None
    if "vfio-pci" in tree.names("/sys/bus/pci/drivers"):
        vfio = "loaded"
    elif any(
        name.startswith("vfio-pci.ko")
        for name in tree.names(f"/lib/modules/{release}/kernel/drivers/vfio/pci")
    ):
        vfio = "module"
    return Kernel(
        release=release,
        arguments=tuple((tree.text("/proc/cmdline") or "").split()),
        options=_options(tree, release),
        vfio=vfio,
        vendor_reset=tree.exists("/sys/module/vendor_reset"),
    )


def _displays(tree: Tree) -> tuple[Display, ...]:
    found: list[Display] = []
    for name in tree.names("/sys/class/drm"):
        match = re.fullmatch(r"(card\d+)-(\S+)", name)
        if match is None:
            continue
        modes = {
            (int(width), int(height))
            for width, height in re.findall(
                r"^(\d{2,5})x(\d{2,5})", tree.text(f"/sys/class/drm/{name}/modes") or "", re.MULTILINE
            )
        }
        found.append(
            Display(
                card=parse_address(tree.link_name(f"/sys/class/drm/{match[1]}/device") or ""),
                connector=match[2],
                connected=tree.text(f"/sys/class/drm/{name}/status") == "connected",
                modes=tuple(sorted(modes, key=lambda mode: mode[0] * mode[1], reverse=True)),
            )
        )
    return tuple(found)


def _framebuffers(tree: Tree) -> tuple[tuple[str, int, int], ...] | None:
    """Boot framebuffers in /proc/iomem; None where the addresses are hidden (no root)."""
    text = tree.text("/proc/iomem")
    if text is None:
        return None
    found = []
    hidden = True
    for start, end, owner in re.findall(r"^\s*([0-9a-f]+)-([0-9a-f]+) : (.+)$", text, re.MULTILINE):
        first, last = int(start, 16), int(end, 16)
        hidden = hidden and last == 0
        if re.fullmatch(r"(efifb|vesafb|simplefb|BOOTFB|simple-framebuffer\S*)", owner.strip()):
            found.append((owner.strip(), first, last))
    return None if hidden else tuple(found)


def _firmware(tree: Tree) -> Firmware:
    def said(name: str) -> str:
        return (tree.text(f"/sys/class/dmi/id/{name}") or "")[:100]

    chassis = said("chassis_type")
    laptop: bool | None = None
    if chassis.isdigit():
        laptop = (
            True if int(chassis) in _LAPTOP_CHASSIS else False if int(chassis) in _DESKTOP_CHASSIS else None
        )
    if laptop is None and any(name.startswith("BAT") for name in tree.names("/sys/class/power_supply")):
        laptop = True
    secure = tree.bytes(f"/sys/firmware/efi/efivars/SecureBoot-{_EFI_GLOBAL}")
    return Firmware(
        vendor=said("sys_vendor"),
        product=said("product_name"),
        board=f"{said('board_vendor')} {said('board_name')}".strip(),
        bios_vendor=said("bios_vendor"),
        bios_version=said("bios_version"),
        laptop=laptop,
        uefi=tree.exists("/sys/firmware/efi"),
        secure_boot=bool(secure[4]) if secure is not None and len(secure) >= 5 else None,
        mux=any(tree.exists(path) for path in _MUX_FILES),
    )


def _boot(tree: Tree) -> BootSetup:
    values = dict(
        re.findall(r"^(ID|ID_LIKE)=\"?([^\"\n]*)\"?$", tree.text("/etc/os-release") or "", re.MULTILINE)
    )
    info = tree.bytes(f"/sys/firmware/efi/efivars/LoaderInfo-{_EFI_LOADER}")
    running = "" if info is None else info[4:].decode("utf-16-le", "replace").lower()
    loaders = [name for name, paths in _LOADER_FILES if any(tree.exists(path) for path in paths)]
    loaders.sort(key=lambda name: name.split("-")[0] not in running)
    return BootSetup(
        distribution=values.get("ID", ""),
        family=tuple(values.get("ID_LIKE", "").split()),
        loaders=tuple(loaders),
        initramfs=tuple(name for name, path in _INITRAMFS_FILES if tree.exists(path)),
    )
