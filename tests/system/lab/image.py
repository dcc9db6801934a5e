"""Debian guest images for the lab, built once and kept by the hash of their recipe.

Two steps, each cached below ``NEURON_CACHE`` (default: ``.cache`` in the tree): ``tree-HASH/`` holds what
mmdebstrap made (``root.tar``, ``vmlinuz``, ``initrd.img``), ``disk-HASH/`` the file system made from it.
Nobody writes to a cached file: a machine gets an :func:`overlay`.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
_FORMAT = 3  # part of every hash: raise it when the code below makes something else of the same recipe

_BASE_PACKAGES = (
    "systemd", "systemd-sysv", "udev", "dbus", "kmod", "python3", "linux-image-amd64", "initramfs-tools",
    "qemu-guest-agent",
)  # fmt: skip

# Nothing in a test looks at these, and they are two thirds of the bytes.
_EXCLUDED = (
    "/usr/share/man/*", "/usr/share/doc/*", "/usr/share/info/*", "/usr/share/locale/*",
    "/usr/lib/x86_64-linux-gnu/dri/*", "/usr/lib/x86_64-linux-gnu/libLLVM*", "/usr/lib/gcc/*",
    *(
        f"/lib/modules/*/kernel/{part}/*"
        for part in (
            "sound", "drivers/gpu", "drivers/net/ethernet", "drivers/net/wireless", "drivers/media",
            "drivers/infiniband", "drivers/iio", "drivers/staging", "drivers/isdn", "drivers/hwmon",
            "drivers/bluetooth", "drivers/mtd", "drivers/platform", "net/wireless", "net/mac80211",
        )
    ),
)  # fmt: skip

# Units that only cost boot time in a guest without network, clock or person.
_MASKED = (
    "apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer",
    "e2scrub_reap.service", "fstrim.timer", "getty@tty1.service", "serial-getty@ttyS0.service",
    "modprobe@configfs.service", "modprobe@dm_mod.service", "modprobe@drm.service", "modprobe@fuse.service",
    "modprobe@loop.service", "modprobe@efi_pstore.service", "dev-hugepages.mount", "dev-mqueue.mount",
    "sys-kernel-debug.mount", "sys-kernel-tracing.mount", "sys-kernel-config.mount",
    "sys-fs-fuse-connections.mount", "systemd-binfmt.service", "systemd-sysusers.service",
    "systemd-firstboot.service", "systemd-machine-id-commit.service", "systemd-random-seed.service",
    "systemd-hwdb-update.service", "systemd-pstore.service", "systemd-networkd.service",
    "systemd-resolved.service", "systemd-timesyncd.service", "motd-news.timer",
)  # fmt: skip

# What only costs time under emulation: mitigations, watchdogs, waiting for idle processors.
_QUICK = "mitigations=off nowatchdog rcupdate.rcu_expedited=1 audit=0 apparmor=0 selinux=0"


@dataclass(frozen=True)
class GuestFile:
    """A file of the image; written before the packages come, so that it can configure them."""

    path: str
    data: str
    mode: int = 0o644


@dataclass(frozen=True)
class Layout:
    """How the disk is laid out: one file system over the whole disk, no partition table.

    ``subvolumes`` (btrfs only): the first one receives the tree, the others are created empty, each mounted
    at the path it maps to; ``default`` makes the first one the default subvolume.
    """

    filesystem: str = "ext4"
    subvolumes: tuple[tuple[str, str], ...] = ()
    default: bool = False
    size: int = 3 << 30

    @property
    def root_flags(self) -> str:
        """What the kernel needs on its command line to find the root of this disk at /dev/vda."""
        words = [f"root=/dev/vda rootfstype={self.filesystem} rw"]
        if self.subvolumes and not self.default:
            words.append(f"rootflags=subvol={self.subvolumes[0][0]}")
        return " ".join(words)


@dataclass(frozen=True)
class Recipe:
    """What an image is made of. ``commands`` run as root in the finished tree with ``sh -e``."""

    name: str
    packages: tuple[str, ...] = ()
    files: tuple[GuestFile, ...] = ()
    commands: tuple[str, ...] = ()
    suite: str = "bookworm"
    initrd_modules: tuple[str, ...] = ("virtio_pci", "virtio_blk")
    layout: Layout = field(default_factory=Layout)

    @property
    def tree_hash(self) -> str:
        """Names the tree: everything but the layout, save the file system's driver for the initramfs."""
        return _hash(replace(self, layout=Layout(filesystem=self.layout.filesystem)))

    @property
    def disk_hash(self) -> str:
        """Names the disk."""
        return _hash(self)


@dataclass(frozen=True)
class Image:
    """A built image. All files belong to the cache: read only."""

    recipe: Recipe
    tree: Path
    disk: Path
    kernel: Path
    initrd: Path

    @property
    def command_line(self) -> str:
        """The kernel's command line for a disk at /dev/vda and a console on the first serial port."""
        return f"{self.recipe.layout.root_flags} console=ttyS0 quiet {_QUICK} panic=-1"


def _hash(recipe: Recipe) -> str:
    text = json.dumps([_FORMAT, _BASE_PACKAGES, _EXCLUDED, _MASKED, repr(recipe)])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def cache() -> Path:
    """Where images are kept; several checkouts may share one through ``NEURON_CACHE``."""
    return Path(os.environ.get("NEURON_CACHE") or ROOT / ".cache") / "lab"


@contextlib.contextmanager
def _locked(name: str) -> Iterator[None]:
    cache().mkdir(parents=True, exist_ok=True)
    with (cache() / f"{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _once(name: str, make: Callable[[Path], None]) -> Path:
    """The cached directory ``name``, made by ``make`` in a directory beside it that is renamed when whole."""
    done = cache() / name
    if done.is_dir():
        return done
    with _locked(name):
        if not done.is_dir():
            with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=cache()) as holder:
                new = Path(holder) / "new"
                new.mkdir()
                make(new)
                new.rename(done)
    return done


def _run(*words: str | Path) -> None:
    done = subprocess.run(words, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise RuntimeError(f"{words[0]} failed ({done.returncode}):\n{(done.stdout + done.stderr)[-6000:]}")


def _write_files(top: Path, recipe: Recipe) -> None:
    modules = "\n".join((*recipe.initrd_modules, recipe.layout.filesystem)) + "\n"
    base = (
        GuestFile("/etc/initramfs-tools/conf.d/lab", "MODULES=list\nCOMPRESS=zstd\nRESUME=none\n"),
        GuestFile("/etc/initramfs-tools/modules", modules),
        # A known identity: systemd would otherwise preset every unit at each boot of a fresh overlay.
        GuestFile("/etc/machine-id", "6e6575726f6e6c61626775657374000a\n"),
        GuestFile("/etc/hostname", f"{recipe.name}\n"),
        # Debian's own default blocks nothing, but says so here: tests use guest-exec and guest-file.
        GuestFile("/etc/qemu/qemu-ga.conf", "[general]\nblacklist=\n"),
        GuestFile("/etc/systemd/journald.conf.d/lab.conf", "[Journal]\nForwardToConsole=no\n"),
    )
    for file in (*base, *recipe.files):
        target = top / file.path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(file.data)
        target.chmod(file.mode)


def _make_tree(recipe: Recipe, new: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="neuron-lab-") as holder:
        files = Path(holder) / "files"
        files.mkdir(mode=0o755)
        _write_files(files, recipe)
        script = Path(holder) / "customize"
        own = (f"systemctl mask --quiet {' '.join(_MASKED)}", "systemctl set-default multi-user.target")
        script.write_text("\n".join((*own, *recipe.commands)) + "\n")
        _run(
            "mmdebstrap",
            "--variant=minbase",
            '--aptopt=Apt::Install-Recommends "false"',
            '--aptopt=Acquire::Languages "none"',
            "--dpkgopt=force-unsafe-io",
            "--dpkgopt=force-confold",
            *(f"--dpkgopt=path-exclude={pattern}" for pattern in _EXCLUDED),
            f"--include={','.join((*_BASE_PACKAGES, *recipe.packages))}",
            f'--essential-hook=tar -C {files} -c . | tar -C "$1" -x --no-same-owner',
            f'--customize-hook=chroot "$1" sh -e < {script}',
            f'--customize-hook=cp "$1"/boot/vmlinuz-* {new}/vmlinuz',
            f'--customize-hook=cp "$1"/boot/initrd.img-* {new}/initrd.img',
            recipe.suite,
            new / "root.tar",
        )


def _make_disk(recipe: Recipe, tree: Path, new: Path) -> None:
    disk = new / "disk.raw"
    with disk.open("wb") as file:
        file.truncate(recipe.layout.size)
    if recipe.layout.filesystem == "ext4":
        with tempfile.TemporaryDirectory(prefix=".tree-", dir=cache()) as top:
            _unpack(tree, Path(top))
            _run("mkfs.ext4", "-q", "-E", "lazy_itable_init=1", "-O", "^metadata_csum", "-d", top, disk)
    elif recipe.layout.filesystem == "btrfs":
        _run("mkfs.btrfs", "-q", disk)
        with mounted(disk) as top:
            names = [name for name, _ in recipe.layout.subvolumes]
            for name in names:
                _run("btrfs", "subvolume", "create", top / name)
            root = top / names[0] if names else top
            _unpack(tree, root)
            if recipe.layout.default:
                _run("btrfs", "subvolume", "set-default", root)
    else:
        raise ValueError(f"no such layout: {recipe.layout.filesystem}")


def _unpack(tree: Path, top: Path) -> None:
    top.chmod(0o755)
    _run("tar", "-C", top, "--numeric-owner", "--xattrs", "-xf", tree / "root.tar")


@contextlib.contextmanager
def mounted(disk: Path, options: str = "loop") -> Iterator[Path]:
    """Mount a raw disk image through a loop device and unmount it again. Needs root."""
    with tempfile.TemporaryDirectory(prefix="neuron-mount-") as top:
        _run("mount", "-o", options, disk, top)
        try:
            yield Path(top)
        finally:
            _run("umount", top)


def tree(recipe: Recipe) -> Path:
    """The cached directory with ``root.tar``, ``vmlinuz`` and ``initrd.img``, for disks of one's own."""
    return _once(f"tree-{recipe.name}-{recipe.tree_hash}", lambda new: _make_tree(recipe, new))


def build(recipe: Recipe) -> Image:
    """The image of ``recipe``, from the cache or built now (1–2 minutes). Needs root and a Debian mirror."""
    made = tree(recipe)
    disk = _once(f"disk-{recipe.name}-{recipe.disk_hash}", lambda new: _make_disk(recipe, made, new))
    return Image(recipe, made, disk / "disk.raw", made / "vmlinuz", made / "initrd.img")


def overlay(image: Image, path: Path) -> Path:
    """A qcow2 file at ``path`` that takes the writes of one machine."""
    _run("qemu-img", "create", "-q", "-f", "qcow2", "-b", image.disk, "-F", "raw", path)
    return path
