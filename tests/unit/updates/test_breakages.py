"""A small whole system, broken in the ways updates break systems: each is noticed, and nothing is
noticed before.
"""

from __future__ import annotations

import gzip
import lzma
import random
import shutil
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from libneuron.system.clock import RealClock
from libneuron.system.errors import SystemAccessError
from libneuron.system.files import Root
from libneuron.system.paths import resources
from libneuron.system.runner import RealRunner
from libneuron.updates.checks import load_checks
from libneuron.updates.examine import examine
from libneuron.updates.health import Result, State, compare, filled, visible
from libneuron.updates.kinds.libraries import Libraries
from libneuron.updates.subject import Subject
from tests.system.updates.disk import cpio_trailer, kernel_image, status
from tests.unit.updates.trees import write

RELEASE = "6.1.0-9-amd64"
SYSTEMD = "org.freedesktop.systemd1"


class Bus:
    """A system bus that answers as a healthy desktop does, until a test breaks it."""

    def __init__(self) -> None:
        self.units = {
            "display-manager.service": ("loaded", "active", "enabled"),
            "NetworkManager.service": ("loaded", "active", "enabled"),
            "libvirtd.socket": ("loaded", "active", "enabled"),
            "libvirtd.service": ("loaded", "inactive", "enabled"),
            "dbus.service": ("loaded", "active", "static"),
        }
        self.failed = ["old-and-known.service"]
        self.state = "degraded"
        self.silent: set[str] = set()

    def call(
        self, service: str, path: str, interface: str, member: str,
        signature: str = "", body: Sequence[Any] = (), *, timeout: float = 25.0,
    ) -> tuple[Any, ...]:  # fmt: skip
        if service in self.silent:
            raise SystemAccessError("system.bus-timeout", service=service, seconds="1")
        match member:
            case "ListUnitsFiltered":
                return ([[name] for name in self.failed],)
            case "LoadUnit":
                return (f"/unit/{body[0]}",)
            case "GetAll":
                load, active, enabled = self.units.get(
                    path.removeprefix("/unit/"), ("not-found", "inactive", "")
                )
                return ({"LoadState": load, "ActiveState": active, "UnitFileState": enabled},)
            case "ListNames":
                return (["org.freedesktop.login1", SYSTEMD],)
            case "ListActivatableNames":
                return (["org.freedesktop.PolicyKit1"],)
            case _:
                return ()

    def get(self, service: str, path: str, interface: str, name: str, *, timeout: float = 25.0) -> Any:
        return {"SystemState": self.state, "State": 70}[name]


class Machine:
    """The system under test."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.bus = Bus()
        modules = f"/usr/lib/modules/{RELEASE}"
        self.root = write(
            top,
            {
                "/etc/passwd": "root:x:0:0::/root:/bin/sh\nada:x:1000:1000::/home/ada:/bin/sh\n",
                "/etc/fstab": "UUID=aaaa-01 / btrfs subvol=@ 0 0\nUUID=bbbb-02 /boot/efi vfat defaults 0 0\n"
                "UUID=gone /mnt/usb ext4 nofail 0 0\n",
                "/dev/disk/by-uuid/aaaa-01": "",
                "/dev/disk/by-uuid/bbbb-02": "",
                "/run/systemd/system/x": "",
                f"/boot/vmlinuz-{RELEASE}": kernel_image(RELEASE),
                f"/boot/initrd.img-{RELEASE}": cpio_trailer()
                + bytes(512)
                + gzip.compress(random.Random(7).randbytes(50_000)),
                "/boot/grub/grub.cfg": "menuentry 'Linux' {\n"
                f"  linux /@/boot/vmlinuz-{RELEASE} root=UUID=aaaa-01 rootflags=subvol=@\n"
                f"  initrd /@/boot/initrd.img-{RELEASE}\n}}\n",
                f"{modules}/modules.dep": "kernel/fs/a.ko:\nkernel/fs/b.ko: kernel/fs/a.ko\n",
                f"{modules}/kernel/fs/a.ko": "module",
                f"{modules}/kernel/fs/b.ko": "module",
                "/var/lib/dpkg/status": status(("sddm", "1"), ("libc6", "2")),
                "/proc/self/mountinfo": "30 1 0:30 /@ / rw - btrfs /dev/vda2 rw\n"
                "31 30 8:1 / /home rw - ext4 /dev/vda3 rw\n",
                "/proc/cmdline": "quiet vfio-pci.ids=10de:2684",
                "/proc/sys/kernel/osrelease": RELEASE,
                "/sys/bus/pci/drivers/vfio-pci/x": "",
                "/sys/bus/pci/devices/0000:01:00.0/vendor": "0x10de",
                "/sys/bus/pci/devices/0000:01:00.0/device": "0x2684",
                "/sys/fs/btrfs/u/devinfo/1/error_stats": "write_errs 0\nread_errs 0\n",
                "/var/lib/dkms/nvidia/550/source/dkms.conf": "",
                f"/var/lib/dkms/nvidia/550/{RELEASE}/x86_64/log": "",
            },
        )
        (top / "sys/bus/pci/devices/0000:01:00.0/driver").symlink_to("/sys/bus/pci/drivers/vfio-pci")
        self._programs()

    def _programs(self) -> None:
        """Real programs with real libraries, copied from this machine."""
        host = Root()
        (self.top / "usr/bin").mkdir(parents=True)
        for name in ("bin", "lib", "lib64"):
            (self.top / "usr" / name).mkdir(exist_ok=True)
            (self.top / name).symlink_to(f"usr/{name}")
        for name in ("sh", "mount", "systemctl", "login"):
            shutil.copy(f"/bin/{name}", self.top / "usr/bin" / name)
        needed = Libraries(host)
        for name in ("sh", "mount", "systemctl", "login"):
            assert needed.problems(f"/bin/{name}") == ()
        for path in list(needed._seen):  # what this machine's loader would open for them
            target = self.top / str(path.resolve()).lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, self.top / "usr/lib" / path.name)
        shutil.copy("/lib64/ld-linux-x86-64.so.2", self.top / "usr/lib64/ld-linux-x86-64.so.2")

    def look(self, *, offline: bool = False) -> tuple[Result, ...]:
        checks = load_checks(resources() / "updates/checks.toml", self.root)
        return examine(checks, Subject(self.root, RealRunner(), RealClock(), self.bus, offline=offline))

    def path(self, absolute: str) -> Path:
        return self.root.path(absolute)


def cut(path: Path, share: float = 0.5) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def unbind(machine: Machine) -> None:
    link = machine.top / "sys/bus/pci/devices/0000:01:00.0/driver"
    link.unlink()
    link.symlink_to("/sys/bus/pci/drivers/nouveau")


BREAKAGES: dict[str, tuple[str, Callable[[Machine], object], str]] = {
    "missing soname": ("binaries", lambda m: next(m.path("/usr/lib").glob("libc.so*")).unlink(), "libc.so.6"),
    "deleted binary": ("binaries", lambda m: m.path("/usr/bin/login").unlink(), "login (missing)"),
    "truncated binary": ("binaries", lambda m: cut(m.path("/usr/bin/mount")), "mount (is damaged)"),
    "lost execute bit": ("binaries", lambda m: m.path("/usr/bin/mount").chmod(0o644), "not executable"),
    "deleted login shell": (
        "accounts",
        lambda m: edit(m.path("/etc/passwd"), "ada:/bin/sh", "ada:/bin/zsh"),
        "ada",
    ),
    "dead display manager": (
        "services",
        lambda m: m.bus.units.update({"display-manager.service": ("loaded", "failed", "enabled")}),
        "failed",
    ),
    "libvirtd dead": (
        "services",
        lambda m: m.bus.units.update({"libvirtd.socket": ("loaded", "failed", "enabled")}),
        "libvirtd",
    ),
    "new failed unit beside an old one": (
        "failed-units",
        lambda m: m.bus.failed.append("new.service"),
        "new.service",
    ),
    "rescue mode": ("systemd", lambda m: setattr(m.bus, "state", "maintenance"), "maintenance"),
    "broken polkit": ("policy", lambda m: m.bus.silent.add("org.freedesktop.PolicyKit1"), "PolicyKit1"),
    "modules removed": (
        "kernel",
        lambda m: shutil.rmtree(m.path(f"/usr/lib/modules/{RELEASE}")),
        "has no modules",
    ),
    "some modules missing": (
        "kernel",
        lambda m: m.path(f"/usr/lib/modules/{RELEASE}/kernel/fs/b.ko").unlink(),
        "misses 1 of 2",
    ),
    "truncated initramfs": (
        "kernel",
        lambda m: cut(m.path(f"/boot/initrd.img-{RELEASE}"), 0.9),
        "is cut short",
    ),
    "empty initramfs": (
        "kernel",
        lambda m: m.path(f"/boot/initrd.img-{RELEASE}").write_bytes(b""),
        "is empty",
    ),
    "kernel without modules": (
        "kernel",
        lambda m: m.path("/boot/vmlinuz-6.9.0").write_bytes(kernel_image("6.9.0")),
        "6.9.0: has no modules",
    ),
    "boot entry without kernel": (
        "kernel",
        lambda m: edit(m.path("/boot/grub/grub.cfg"), f"vmlinuz-{RELEASE}", "vmlinuz-9"),
        "vmlinuz-9 is missing",
    ),
    "kernel image overwritten": (
        "kernel",
        lambda m: m.path("/boot/vmlinuz-lts").write_text("x"),
        "is no kernel",
    ),
    "broken fstab": ("fstab", lambda m: edit(m.path("/etc/fstab"), "bbbb-02", "cccc-03"), "cccc-03"),
    "fstab with a senseless line": (
        "fstab",
        lambda m: edit(m.path("/etc/fstab"), "UUID=gone", "what is\nUUID=gone"),
        "what",
    ),
    "read-only home": (
        "filesystems",
        lambda m: edit(m.path("/proc/self/mountinfo"), "/home rw", "/home ro"),
        "/home (read-only)",
    ),
    "disk errors": (
        "filesystems",
        lambda m: edit(m.path("/sys/fs/btrfs/u/devinfo/1/error_stats"), "write_errs 0", "write_errs 4"),
        "write_errs 4",
    ),
    "package half configured": (
        "packages",
        lambda m: edit(m.path("/var/lib/dpkg/status"), "install ok installed", "install ok half-configured"),
        "sddm",
    ),
    "device no longer with vfio-pci": ("vfio", unbind, "nouveau"),
    "module not built for the kernel": (
        "dkms",
        lambda m: shutil.rmtree(m.path(f"/var/lib/dkms/nvidia/550/{RELEASE}")),
        "nvidia 550",
    ),
}


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_healthy_machine_with_an_old_failing_unit_raises_no_alarm(machine: Machine) -> None:
    before = machine.look()
    wrong = [f"{item.id}: {item.outcome.sentence()}" for item in before if item.outcome.state is State.FAILED]
    assert wrong == ["failed-units: Units failed: old-and-known.service."]
    verdict = compare(before, machine.look())
    assert verdict.healthy
    assert not verdict.warnings


@pytest.mark.parametrize("name", BREAKAGES)
def test_a_breakage_is_a_regression_of_its_check_alone_and_says_what_is_wrong(
    machine: Machine, name: str
) -> None:
    check, break_it, said = BREAKAGES[name]
    before = machine.look()
    break_it(machine)
    after = machine.look()
    verdict = compare(before, after)
    allowed = {check} | ({"dkms"} if "kernel" in name else set())
    assert check in verdict.regressions
    assert set(verdict.regressions) <= allowed
    sentence = next(item.outcome.sentence() for item in after if item.id == check)
    assert said in sentence


def test_what_is_down_in_a_start_for_the_update_alone_is_neither_blamed_nor_forgiven(
    machine: Machine,
) -> None:
    """An offline update: nearly every service is meant to be down before it and after it."""
    last = machine.look()
    up = dict(machine.bus.units)
    machine.bus.units = {name: (load, "inactive", on) for name, (load, _active, on) in up.items()}
    before = filled(machine.look(offline=True), last)
    assert compare(before, visible(machine.look(offline=True))).healthy
    machine.bus.units = up
    assert compare(before, machine.look()).healthy, "the ordinary start after it"
    machine.bus.units["display-manager.service"] = ("loaded", "failed", "enabled")
    after = compare(before, machine.look())
    assert not after.healthy
    assert after.regressions == ("services",)
    first = compare(machine.look(offline=True), machine.look())
    assert "services" in first.undecided, "where nothing is known of before, it is said and not blamed"


def test_starting_and_a_pending_restart_are_no_failures(machine: Machine) -> None:
    before = machine.look()
    machine.bus.state = "starting"
    write(machine.top, {"/run/reboot-required": ""})
    after = machine.look()
    assert compare(before, after).healthy
    assert "restart is pending" in next(item.outcome.sentence() for item in after if item.id == "reboot")


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda data: data,
    "gzip": gzip.compress,
    "xz": lambda data: lzma.compress(data, check=lzma.CHECK_CRC32),
    "lz4 (stored blocks)": lambda data: struct.pack("<II", 0x184C2102, len(data)) + data,
    "zstd (raw blocks)": lambda data: (
        b"\x28\xb5\x2f\xfd\x00\x58"
        + b"".join(
            (int(at + 60_000 >= len(data)) | len(part) << 3).to_bytes(3, "little") + part
            for at in range(0, len(data), 60_000)
            for part in [data[at : at + 60_000]]
        )
    ),
}


@pytest.mark.parametrize("packer", PACKERS)
@pytest.mark.parametrize("share", [0.02, 0.5, 0.97])
def test_an_image_cut_anywhere_is_noticed_whatever_packs_it(
    machine: Machine, packer: str, share: float
) -> None:
    image = machine.path(f"/boot/initrd.img-{RELEASE}")
    archive = cpio_trailer()[:-4].ljust(len(cpio_trailer()), b"\0")
    body = bytes(range(256)) * 700
    head = (
        b"070701"
        + b"".join(b"%08X" % v for v in [1, 0o100644, 0, 0, 1, 0, len(body), 0, 0, 0, 0, 2, 0])
        + b"a\0"
    )
    whole = PACKERS[packer](head + bytes(-len(head) % 4) + body + archive)
    image.write_bytes(whole)
    assert all(item.outcome.state is State.OK for item in machine.look() if item.id == "kernel")
    image.write_bytes(whole[: int(len(whole) * share)])
    assert any(item.outcome.state is State.FAILED for item in machine.look() if item.id == "kernel")
