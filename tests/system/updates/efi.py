"""A small machine whose kernels lie on an ESP, on the same disk as its btrfs, with a firmware.

The firmware does what systemd-boot does with loader.conf and entries. It refuses to start a kernel with a
root that has no modules for it, as a real start would end in an emergency shell. CI's kernel has no vfat: the
partition is ext4 here, and a real FAT in the test with real firmware.
"""

from __future__ import annotations

import os
import struct
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from libneuron.system import btrfs
from libneuron.updates.kinds.boot_entries import parse_bls
from libneuron.updates.kinds.kernel import image_release
from libneuron.updates.loader import choose, default_of
from tests.system.lab.shell import until
from tests.system.updates.disk import RELEASE, Disk, cpio_trailer, fill, kernel_image, run

ESP, START = 32 << 20, 1 << 20  # bytes
NEWER = "6.9.0-test"
ENTRY = (
    f"title Test\nversion {RELEASE}\nlinux /vmlinuz\ninitrd /initrd.img\noptions root=/dev/x {{flags}} rw\n"
)


def partition(disk: BinaryIO, parts: Sequence[tuple[int, int, int]]) -> None:
    """Write an MBR with ``parts``: (start in bytes, size in bytes, type)."""
    disk.seek(446)
    for start, size, kind in parts:
        disk.write(struct.pack("<B3xB3xII", 0, kind, start // 512, size // 512))
    disk.seek(510)
    disk.write(b"\x55\xaa")


@dataclass
class EfiDisk(Disk):
    """The machine with its ESP mounted at /boot. ``esp`` is the partition's device."""

    esp: str = ""
    started: str = ""

    def mount(self) -> None:
        """What firmware, boot loader, kernel and fstab do."""
        self.start()
        self.mount_boot()

    def start(self) -> None:
        """What firmware, boot loader and kernel do; ``started`` names the entry."""
        boot = self.work / "firmware"
        boot.mkdir(exist_ok=True)
        run("mount", "-t", "ext4", self.esp, boot)
        try:
            conf = boot / "loader/loader.conf"
            entries = {path.name: path.read_text() for path in (boot / "loader/entries").glob("[!.]*.conf")}
            name = choose(entries, default_of(conf.read_text()) if conf.exists() else None)
            assert name is not None
            entry = parse_bls(entries[name], source=name)
            assert entry is not None
            kernel = (boot / entry.kernel.lstrip("/")).read_bytes()
            assert all((boot / path.lstrip("/")).read_bytes() for path in entry.initrds)
        finally:
            run("umount", boot)
        flags = next(
            (word[10:] for word in entry.options.split() if word.startswith("rootflags=")), "defaults"
        )
        run("mount", "-o", flags, self.device, self.point)
        self.starts += 1
        self.started = name
        release = image_release(kernel)
        assert (self.point / f"usr/lib/modules/{release}/modules.dep").exists(), f"{name}: no modules"
        self._proc()
        proc = self.point / "proc"
        (proc / "cmdline").write_text(f"{entry.options}\n")
        (proc / "sys/kernel/osrelease").write_text(f"{release}\n")

    def mount_boot(self) -> None:
        """What fstab's line for the ESP does, later in a start."""
        run("mount", "-t", "ext4", self.esp, self.point / "boot")
        with (self.point / "proc/self/mountinfo").open("a") as file:
            file.write(f"31 30 8:1 / /boot rw,relatime - ext4 {self.esp} rw\n")

    def stop(self) -> None:
        """The end of a start, however far it came."""
        subprocess.run(["umount", self.point / "boot"], capture_output=True, check=False)
        run("umount", self.point)

    def restart(self) -> None:
        self.stop()
        self.mount()

    def check_clean(self) -> None:
        self.stop()
        until(self._free, timeout=60, what="the kernel to let go of the disk")
        run("btrfs", "check", "--readonly", self.device)
        run("fsck.ext4", "-fn", self.esp)
        self.mount()

    def _free(self) -> bool:
        try:
            os.close(os.open(self.device, os.O_RDONLY | os.O_EXCL))
        except OSError:
            return False
        return True

    def update_kernel(self) -> None:
        """An update that also replaces the kernel, adds another with an entry, and changes loader.conf."""
        self.update_badly()
        boot, modules = self.point / "boot", self.point / "usr/lib/modules"
        for release in (NEWER, "6.9.1-test"):
            (modules / release).mkdir(exist_ok=True)
            (modules / release / "modules.dep").write_text("")
        subprocess.run(["rm", "-r", modules / RELEASE], check=True)
        (boot / "vmlinuz").write_bytes(kernel_image(NEWER) + bytes(300_000))
        (boot / "initrd.img").write_bytes(cpio_trailer() + bytes(700_000))
        (boot / "vmlinuz-6.9.1-test").write_bytes(kernel_image("6.9.1-test"))
        text = ENTRY.format(flags=self.flags).replace("/vmlinuz", "/vmlinuz-6.9.1-test")
        (boot / "loader/entries/test-6.9.1.conf").write_text(text)
        (boot / "loader/loader.conf").write_text("timeout 7\ndefault test-6.9*\n")
        subprocess.run(["sync", "-f", boot], check=True)

    @property
    def flags(self) -> str:
        """What the machine's own entry says of the root."""
        return f"rootflags=subvol={self.root_path},noatime" if self.named else ""

    def boot_tree(self) -> dict[str, bytes]:
        """Every file on the ESP."""
        top = self.point / "boot"
        return {str(path.relative_to(top)): path.read_bytes() for path in top.rglob("*") if path.is_file()}


def fill_esp(boot: Path, flags: str) -> None:
    """systemd-boot, one kernel and another system's entry."""
    for folder in ("loader/entries", "EFI/systemd", "EFI/Microsoft"):
        (boot / folder).mkdir(parents=True)
    (boot / "EFI/systemd/systemd-bootx64.efi").write_text("loader")
    (boot / "EFI/Microsoft/bootmgfw.efi").write_text("windows")
    (boot / "loader/entries/windows.conf").write_text("title Windows\nefi /EFI/Microsoft/bootmgfw.efi\n")
    (boot / "loader/entries/test.conf").write_text(ENTRY.format(flags=flags))
    (boot / "loader/loader.conf").write_text("timeout 3\n")
    (boot / "vmlinuz").write_bytes(kernel_image(RELEASE) + bytes(200_000))
    (boot / "initrd.img").write_bytes(cpio_trailer() + bytes(500_000))


@contextmanager
def efi_disk(work: Path, *, named: str | None, megabytes: int = 160) -> Iterator[EfiDisk]:
    """A fresh machine; ``named`` as for :func:`tests.system.updates.disk.disk`."""
    image = work / "disk.img"
    with image.open("wb") as file:
        file.truncate((megabytes << 20) + ESP + 2 * START)
        partition(file, [(START, ESP, 0xEF), (START + ESP, megabytes << 20, 0x83)])
    with efi_attached(image, work, named=named) as made:
        run("mkfs.ext4", "-q", "-m", "0", made.esp)
        run("mkfs.btrfs", "-q", made.device)
        run("mount", made.device, made.point)
        name = made.root_path
        btrfs.create(made.point, name)
        fill(made.point / name)
        for kept in (made.point / name / "boot").iterdir():
            kept.unlink()
        options = f"subvol=/{named}" if named else "defaults"
        table = f"{made.device} / btrfs {options} 0 0\n{made.esp} /boot ext4 defaults 0 2\n"
        (made.point / name / "etc/fstab").write_text(table)
        if named is None:
            btrfs.set_default(made.point / name)
        run("mount", "-t", "ext4", made.esp, made.point / name / "boot")
        fill_esp(made.point / name / "boot", made.flags)
        run("umount", made.point / name / "boot", made.point)
        made.mount()
        yield made


@contextmanager
def efi_attached(image: Path, work: Path, *, named: str | None) -> Iterator[EfiDisk]:
    """The machine on ``image``, not mounted yet."""
    esp = run("losetup", "--find", "--show", "-o", str(START), "--sizelimit", str(ESP), image).strip()
    device = run("losetup", "--find", "--show", "-o", str(START + ESP), image).strip()
    point = work / "root"
    point.mkdir(exist_ok=True)
    try:
        yield EfiDisk(device, point, named or "system", named is not None, work, esp=esp)
    finally:
        for place in (point / "boot", work / "firmware", point):
            subprocess.run(["umount", place], capture_output=True, check=False)
        run("losetup", "--detach", device)
        run("losetup", "--detach", esp)
