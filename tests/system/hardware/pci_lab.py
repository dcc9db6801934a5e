"""Boots a PC of any PCI topology under QEMU's emulation and brings back what its kernel shows of it.

The guest is Debian's kernel with an initramfs of busybox and one script, which copies sysfs and procfs
to a tar and sends it over a serial port. No disk, no modules, no network. QEMU is handed the kernel unpacked
(``CONFIG_PVH``): an emulated processor needs 4 s for the unpacking alone, and less than 3 s for the rest.
"""

from __future__ import annotations

import functools
import io
import lzma
import os
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from libneuron.hardware import bundle
from libneuron.hardware.names import Numbers
from libneuron.system.files import Root
from libneuron.system.trees import Recording

ROOT = Path(__file__).resolve().parents[3]
_TIMEOUT = 240  # seconds; a boot takes 3, but the machine may be busy with everything else
_XZ = b"\xfd7zXZ\0"

INIT = r"""#!/bin/busybox sh
b=/bin/busybox
$b mkdir -p /proc /sys /dev
$b mkdir -m 777 /out
$b mount -t proc proc /proc; $b mount -t sysfs sysfs /sys; $b mount -t devtmpfs dev /dev
if $b grep -q neuron.ordinary /proc/cmdline; then $b su -s /dump person; else /dump; fi
cd /out
$b stty -F /dev/ttyS1 raw
$b tar -c . | $b gzip -1 > /dev/ttyS1
$b stty -F /dev/ttyS1 > /dev/null  # returns once all is sent
$b poweroff -f
"""

# Copies what capture reads. Files of sysfs lie about their size, so tar must not read them itself.
DUMP = r"""#!/bin/busybox sh
b=/bin/busybox
copy() {
    to=/out$1; $b mkdir -p "$to"; cd "$1" 2>/dev/null || return; shift
    $b cp -d "$@" "$to/" 2>/dev/null
}
copy /sys/bus/pci/devices /sys/bus/pci/devices/*
for link in /sys/bus/pci/devices/*; do
    real=$($b readlink -f "$link")
    copy "$real" vendor device subsystem_vendor subsystem_device class config reset_method boot_vga resource \
        power_state driver_override driver iommu_group rom physfn resource*_resize
    [ -e "$real/rom" ] && : > "/out$real/rom"
done
for group in /sys/kernel/iommu_groups/*; do
    [ -d "$group" ] || continue
    copy "$group" type reserved_regions
    copy "$group/devices" "$group"/devices/*
done
copy /sys/class/iommu /sys/class/iommu/*
$b mkdir -p /out/sys/firmware/acpi/tables
for table in /sys/firmware/acpi/tables/*; do : > "/out$table"; done
for driver in /sys/bus/pci/drivers/*; do $b mkdir -p "/out$driver"; done
copy /proc cpuinfo meminfo cmdline interrupts iomem
copy /proc/sys/kernel osrelease
copy /sys/class/dmi/id sys_vendor product_name board_vendor board_name bios_vendor bios_version chassis_type
"""


def cache() -> Path:
    """Where the kernel and the initramfs are kept between runs."""
    return Path(os.environ.get("NEURON_CACHE") or ROOT / ".cache") / "pci-lab"


@dataclass(frozen=True)
class Topology:
    """A PC: the machine's own arguments, its devices, the kernel's arguments, and which of Debian's kernels.

    ``table`` is the content of a DMAR table that the firmware shows without any IOMMU behind it.
    """

    name: str
    devices: tuple[str, ...]
    arguments: str = "intel_iommu=on"
    iommu: str | None = "intel-iommu,intremap=on"
    machine: str = "q35"
    cpu: str = "qemu64"
    kernel: str = "amd64"
    table: bytes = b""


@dataclass(frozen=True)
class Kernel:
    """What QEMU starts, and what it was built with."""

    image: Path
    config: Path


@functools.cache
def kernel(flavour: str) -> Kernel:
    """Debian's newest kernel of a flavour, taken out of its package; downloaded once by apt.

    Raises: CalledProcessError where apt knows no such package or cannot reach it.
    """
    folder = cache()
    folder.mkdir(parents=True, exist_ok=True)
    listed = subprocess.run(
        ["apt-cache", "depends", f"linux-image-{flavour}"], check=True, capture_output=True, text=True
    ).stdout
    package = next(
        line.split()[-1] for line in listed.splitlines() if line.strip().startswith("Depends: linux-image")
    )
    release = package.removeprefix("linux-image-").removesuffix("-unsigned")
    made = Kernel(folder / f"vmlinux-{release}", folder / f"config-{release}")
    if not made.image.exists():
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            subprocess.run(
                ["apt-get", "download", "-q", package], cwd=scratch, check=True, capture_output=True
            )
            archive = next(Path(scratch).glob("*.deb"))
            files = subprocess.run(
                ["dpkg-deb", "--fsys-tarfile", archive], check=True, capture_output=True
            ).stdout
            with tarfile.open(fileobj=io.BytesIO(files)) as packed:
                for name, to in ((f"config-{release}", made.config), (f"vmlinuz-{release}", made.image)):
                    member = packed.extractfile(f"./boot/{name}")
                    assert member is not None
                    unfinished = Path(scratch) / name
                    unfinished.write_bytes(unpacked(member.read()))
                    unfinished.replace(to)
    return made


def unpacked(data: bytes) -> bytes:
    """A kernel's image without its own packing; anything that is not packed with xz as it is."""
    _loader, magic, packed = data.partition(_XZ)
    return lzma.LZMADecompressor().decompress(magic + packed) if magic else data


@functools.cache
def initramfs() -> Path:
    """busybox and the script above, as a cpio archive."""
    made = cache() / "initramfs.cpio"
    with tempfile.TemporaryDirectory(dir=cache()) as scratch:
        top = Path(scratch) / "root"
        (top / "bin").mkdir(parents=True)
        busybox = shutil.which("busybox")
        assert busybox is not None, "install busybox-static"
        shutil.copy(busybox, top / "bin/busybox")
        for name, script in (("init", INIT), ("dump", DUMP)):
            (top / name).write_text(script)
            (top / name).chmod(0o755)
        (top / "etc").mkdir()
        (top / "etc/passwd").write_text("root:x:0:0::/:/dump\nperson:x:1000:1000::/:/dump\n")
        names = "".join(f"{path.relative_to(top)}\n" for path in sorted(top.rglob("*")))
        archive = subprocess.run(
            ["cpio", "-o", "-H", "newc", "--quiet"],
            cwd=top,
            input=names.encode(),
            check=True,
            capture_output=True,
        ).stdout
        unfinished = Path(scratch) / "archive"
        unfinished.write_bytes(archive)
        unfinished.replace(made)
    return made


def command(topology: Topology, *, output: Path, console: Path, table: Path) -> list[str]:
    """QEMU's command line for a topology; ``table`` is the file with the DMAR table it wants."""
    words = [
        "qemu-system-x86_64", "-machine", topology.machine, "-accel", "tcg", "-cpu", topology.cpu,
        "-m", "256", "-nodefaults", "-display", "none", "-no-reboot",
        "-serial", f"file:{console}", "-serial", f"file:{output}",
        "-kernel", str(kernel(topology.kernel).image), "-initrd", str(initramfs()),
    ]  # fmt: skip
    # no_timer_check: on a busy machine an emulated timer is late, and the kernel would give up
    words += ["-append", f"console=ttyS0 quiet panic=-1 no_timer_check {topology.arguments}".strip()]
    if topology.table:
        words += ["-acpitable", f"sig=DMAR,data={table}"]
    for device in ([topology.iommu] if topology.iommu else []) + list(topology.devices):
        words += ["-device", device]
    return words


def boot(topology: Topology, folder: Path) -> Path:
    """Boot a topology and unpack what it sent below ``folder``; returns the tree.

    Raises: AssertionError with the console's end where the guest sent nothing.
    """
    output, console, table = folder / "out.tgz", folder / "console.txt", folder / "dmar"
    table.write_bytes(topology.table)
    done = subprocess.run(
        command(topology, output=output, console=console, table=table),
        check=False,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT,
    )
    said = console.read_text(errors="replace")[-2000:] if console.exists() else ""
    assert output.exists() and output.stat().st_size, f"{topology.name}: {done.stderr}\n{said}"
    tree = folder / "tree"
    tree.mkdir()
    subprocess.run(["tar", "-xzf", output, "-C", tree], check=True, capture_output=True)
    (tree / "boot").mkdir()
    shutil.copy(kernel(topology.kernel).config, tree / "boot")
    return tree


def recorded(topology: Topology, folder: Path) -> Recording:
    """The recording that ``bundle save`` would have made in the guest."""
    return bundle.record(Root(boot(topology, folder)), Numbers())
