"""The guarded machine with real firmware: OVMF starts systemd-boot from a FAT, and that starts Debian."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from libneuron.system import btrfs
from tests.system.lab.image import tree
from tests.system.lab.machine import Machine
from tests.system.updates.disk import run
from tests.system.updates.efi import START, partition
from tests.system.updates.guest import SETUP, Guarded, code_disc
from tests.system.updates.guest_bus import HELPED, install_helper

_ESP, _ROOT = 160 << 20, 3 << 30  # bytes
_OVMF = Path("/usr/share/OVMF")
_SYSTEMD_BOOT = Path("/usr/lib/systemd/boot/efi/systemd-bootx64.efi")
_OPTIONS = (
    "root=/dev/vda2 rootfstype=btrfs rw rootflags=subvol=@ console=ttyS0 quiet mitigations=off panic=-1"
)


def _fill_esp(image: Path, boot: Path, work: Path) -> None:
    """Make the first partition of ``image`` with mtools: CI's kernel cannot mount a FAT."""
    part = work / "esp.img"
    with part.open("wb") as file:
        file.truncate(_ESP)
    run("mkfs.vfat", "-F", "32", part)
    kernel = next(path for path in boot.iterdir() if path.name.startswith("vmlinuz-"))
    release = kernel.name.removeprefix("vmlinuz-")
    made = work / "esp"
    for folder in ("EFI/BOOT", "EFI/systemd", "loader/entries"):
        (made / folder).mkdir(parents=True)
    shutil.copy(_SYSTEMD_BOOT, made / "EFI/BOOT/BOOTX64.EFI")
    shutil.copy(_SYSTEMD_BOOT, made / "EFI/systemd")
    for path in (kernel, boot / f"initrd.img-{release}"):
        shutil.copy(path, made)
    (made / "loader/loader.conf").write_text("timeout 0\n")
    (made / "loader/entries/debian.conf").write_text(
        f"title Debian\nversion {release}\nlinux /{kernel.name}\ninitrd /initrd.img-{release}\n"
        f"options {_OPTIONS}\n"
    )
    for path in sorted(made.iterdir()):
        run("mcopy", "-s", "-i", part, path, "::/")
    run("dd", f"if={part}", f"of={image}", "bs=1M", f"seek={START >> 20}", "conv=notrunc,sparse")


def _disk(work: Path) -> Path:
    image = work / "efi.img"
    with image.open("wb") as file:
        file.truncate(START + _ESP + _ROOT)
        partition(file, [(START, _ESP, 0xEF), (START + _ESP, _ROOT, 0x83)])
    device = run("losetup", "--find", "--show", "-o", str(START + _ESP), image).strip()
    point = work / "filled"
    point.mkdir()
    try:
        run("mkfs.btrfs", "-q", device)
        run("mount", device, point)
        btrfs.create(point, "@")
        run("tar", "-C", point / "@", "--numeric-owner", "--xattrs", "-xf", tree(HELPED) / "root.tar")
        (point / "@").chmod(0o755)
        boot = point / "@/boot"
        _fill_esp(image, boot, work)
        for path in boot.iterdir():
            path.unlink() if path.is_file() else shutil.rmtree(path)
        run("umount", point)
    finally:
        subprocess.run(["umount", point], capture_output=True, check=False)
        run("losetup", "--detach", device)
    return image


@contextmanager
def efi_guarded(work: Path, packages: list[Path]) -> Iterator[Guarded]:
    """Boot it and install the Guardian with its units, helper and apt's hook; /dev/vda is the disk."""
    variables = work / "variables.fd"
    shutil.copy(_OVMF / "OVMF_VARS.fd", variables)
    arguments = (
        "-drive", f"if=pflash,format=raw,readonly=on,file={_OVMF / 'OVMF_CODE.fd'}",
        "-drive", f"if=pflash,format=raw,file={variables}",
        "-drive", f"file={_disk(work)},format=raw,if=none,id=disk,cache=unsafe",
        "-device", "virtio-blk-pci,drive=disk,bootindex=0,addr=0x8",
        "-drive", f"file={code_disc(work, packages)},format=raw,if=none,id=code,readonly=on",
        "-device", "virtio-blk-pci,drive=code,addr=0x9",
    )  # fmt: skip
    # One processor: under OVMF the second gets no timer interrupts from TCG, each wait for it takes 21 s.
    with Machine(None, folder=work, memory=640, cpus=1, ports=(), arguments=arguments) as machine:
        machine.wait_ready(timeout=900)
        machine.shell.sh("mkdir -p /boot; modprobe vfat; mount /dev/vda1 /boot", timeout=300)
        setup = SETUP.replace("UUID /dev/vda)", "UUID /dev/vda2)")
        table = "echo '/dev/vda1 /boot vfat umask=0077 0 2' >>/etc/fstab\nsystemctl daemon-reload\n"
        machine.shell.sh(f"{setup}\n{table}", timeout=600)
        install_helper(machine.shell)
        yield Guarded(machine)
