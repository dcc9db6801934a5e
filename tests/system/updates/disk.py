"""A small machine on a real btrfs: a loop device with a root subvolume, a kernel, packages and an fstab."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from libneuron.system import btrfs, mounts
from libneuron.system.clock import RealClock
from libneuron.system.files import Root
from libneuron.system.runner import RealRunner
from libneuron.updates.guardian import Machine
from libneuron.updates.settings import Settings

RELEASE = "6.1.0-test"

CHECKS = """
[[check]]
id = "programs"
kind = "binaries"
title = "Programs"
[check.with]
programs = ["/usr/bin/app"]

[[check]]
id = "kernel"
kind = "kernel"
title = "Kernel"

[[check]]
id = "packages"
kind = "packages"
title = "Packages"
"""


def run(*words: str | Path) -> str:
    """Run a program of the test machine; its output."""
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{words}: {done.stderr}"
    return done.stdout


def kernel_image(release: str) -> bytes:
    """The start of a bzImage that names ``release`` (Documentation/arch/x86/boot.rst)."""
    data = bytearray(0x400)
    data[0x202:0x206] = b"HdrS"
    data[0x20E:0x210] = (0x100).to_bytes(2, "little")
    data[0x300 : 0x300 + len(release) + 6] = release.encode() + b" (test"
    return bytes(data)


def cpio_trailer() -> bytes:
    """An empty but whole newc archive."""
    name = b"TRAILER!!!\0"
    fields = [0] * 13
    fields[11] = len(name)
    head = b"070701" + b"".join(b"%08X" % value for value in fields)
    raw = head + name
    return raw + bytes(-len(raw) % 4)


def status(*packages: tuple[str, str]) -> str:
    """dpkg's status file for ``packages``."""
    return "\n".join(
        f"Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {version}\n"
        for name, version in packages
    )


@dataclass
class Disk:
    """A mounted test machine; :meth:`restart` is what a restart does to mounts."""

    device: str
    point: Path
    root_path: str
    named: bool
    work: Path
    starts: int = 0
    settings: Settings = field(default_factory=lambda: Settings(free_mib=1))

    def mount(self) -> None:
        options = f"subvol={self.root_path}" if self.named else "defaults"
        run("mount", "-o", options, self.device, self.point)
        self.starts += 1
        self._proc()

    def _proc(self) -> None:
        """What the kernel would say of this start; it lies in the root because there is no real /proc."""
        info = btrfs.info(self.point)
        mounted = mounts.mounted_at(mounts.mounts(Root()), str(self.point))
        assert mounted is not None
        proc = self.point / "proc"
        (proc / "self").mkdir(parents=True, exist_ok=True)
        (proc / "sys/kernel/random").mkdir(parents=True, exist_ok=True)
        line = f"30 1 0:30 {mounted.root} / rw,relatime - btrfs {self.device} rw\n"
        (proc / "self/mountinfo").write_text(line)
        flags = f"rootflags=subvol={self.root_path}" if self.named else ""
        (proc / "cmdline").write_text(f"root={self.device} {flags}\n")
        (proc / "sys/kernel/random/boot_id").write_text(f"start-{self.starts}\n")
        (proc / "sys/kernel/osrelease").write_text(f"{RELEASE}\n")
        assert info.id

    def restart(self) -> None:
        run("umount", self.point)
        self.mount()

    def check_clean(self) -> None:
        """btrfs check finds nothing."""
        run("umount", self.point)
        run("btrfs", "check", "--readonly", self.device)
        self.mount()

    def machine(self) -> Machine:
        checks = self.work / "checks.toml"
        checks.write_text(CHECKS)
        return Machine(Root(self.point), RealRunner(), RealClock(), None, checks, self.settings)

    def update_badly(self) -> None:
        """An update that deletes a program and brings a new version."""
        (self.point / "usr/bin/app").unlink()
        (self.point / "usr/bin/extra").write_text("new\n")
        (self.point / "etc/app.conf").write_text("new settings\n")
        (self.point / "var/lib/dpkg/status").write_text(status(("app", "2"), ("base", "1")))


def fill(top: Path) -> None:
    """Put a small system into an empty root."""
    for folder in (
        "usr/bin",
        "etc",
        "boot",
        "home",
        "proc",
        "var/lib/dpkg",
        f"usr/lib/modules/{RELEASE}/kernel",
    ):
        (top / folder).mkdir(parents=True)
    (top / "usr/bin/app").write_text("#!/usr/bin/app\n")
    (top / "usr/bin/app").chmod(0o755)
    (top / "etc/app.conf").write_text("old settings\n")
    (top / f"boot/vmlinuz-{RELEASE}").write_bytes(kernel_image(RELEASE))
    (top / f"boot/initrd.img-{RELEASE}").write_bytes(cpio_trailer())
    (top / f"usr/lib/modules/{RELEASE}/kernel/a.ko").write_text("module")
    (top / f"usr/lib/modules/{RELEASE}/modules.dep").write_text("kernel/a.ko:\n")
    (top / "var/lib/dpkg/status").write_text(status(("app", "1"), ("base", "1")))


@contextmanager
def disk(work: Path, *, named: str | None, megabytes: int = 256) -> Iterator[Disk]:
    """A fresh machine; ``named`` is its root's name for ``subvol=``, None means the default subvolume."""
    image = work / "disk.img"
    with image.open("wb") as file:
        file.truncate(megabytes << 20)
    run("mkfs.btrfs", "-q", image)
    name = named or "system"
    with attached(image, work, named=named) as made:
        run("mount", made.device, made.point)
        btrfs.create(made.point, name)
        fill(made.point / name)
        options = f"subvol=/{named},subvolid=256" if named else "defaults"
        (made.point / name / "etc/fstab").write_text(f"{made.device} / btrfs {options} 0 0\n")
        if named is None:
            btrfs.set_default(made.point / name)
        run("umount", made.point)
        made.mount()
        yield made


@contextmanager
def attached(image: Path, work: Path, *, named: str | None) -> Iterator[Disk]:
    """The machine on ``image``, not mounted yet."""
    device = run("losetup", "--find", "--show", image).strip()
    point = work / "root"
    point.mkdir(exist_ok=True)
    try:
        yield Disk(device, point, named or "system", named is not None, work)
    finally:
        subprocess.run(["umount", point], capture_output=True, check=False)
        run("losetup", "--detach", device)
