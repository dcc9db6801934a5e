"""The memory through which Looking Glass shows a virtual machine's screen, made at each start.

Two ways, from the Looking Glass manual ("IVSHMEM with standard shared memory", "IVSHMEM with the KVMFR
module"): a file in /dev/shm that systemd-tmpfiles makes for one person, or the module kvmfr with a size.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from libneuron.hardware.boot.edits import FileEdit
from libneuron.hardware.boot.errors import BootError
from libneuron.system.trees import Tree

FILE = "/dev/shm/looking-glass"  # noqa: S108 — the name that Looking Glass itself looks for
_DEVICE = "/sys/class/kvmfr/kvmfr0"
TMPFILES = "/etc/tmpfiles.d/neuron-looking-glass.conf"
_OURS = "# Written by Neuron Hardware Advisor; its undo removes it."
_USER = re.compile(r"[a-z_][a-z0-9_.-]{0,31}")
_PEOPLE = range(1000, 60514)  # uids of people (login.defs, and systemd-homed's); the rest are programs
_SIZES = tuple(1 << power for power in range(4, 11))  # MiB: IVSHMEM takes powers of two


class Way(StrEnum):
    """How the memory comes to be."""

    SHM = "shm"
    KVMFR = "kvmfr"


@dataclass(frozen=True)
class Share:
    """A wish for the memory: for ``user`` (SHM), or of ``mib`` MiB (KVMFR); the other is empty, or 0."""

    way: Way
    user: str = ""
    mib: int = 0

    def __str__(self) -> str:
        return f"{self.way} {self.user or self.mib}"


def parse(text: str) -> Share | None:
    """``shm USER`` or ``kvmfr MIB``; None for nothing. Raises: BootError share-refused."""
    words = text.split()
    if not words:
        return None
    match words:
        case ["shm", user] if _USER.fullmatch(user):
            return Share(Way.SHM, user=user)
        case ["kvmfr", mib] if mib.isascii() and mib.isdigit() and int(mib) in _SIZES:
            return Share(Way.KVMFR, mib=int(mib))
    raise BootError("hardware.share-refused", text=text)


def edits(tree: Tree, share: Share) -> tuple[FileEdit, ...]:
    """The files that make the memory. Raises: BootError no-such-person, kvmfr-missing."""
    if share.way is Way.SHM:
        if not _is_person(tree, share.user):
            raise BootError("hardware.no-such-person", user=share.user)
        # The second owner is the group under which QEMU runs.
        wanted = {TMPFILES: f"{_OURS}\nf {FILE} 0660 {share.user} kvm -\n"}
    else:
        if not _has_kvmfr(tree):
            raise BootError("hardware.kvmfr-missing")
        wanted = dict(kvmfr_files(share.mib))
    found = [(path, tree.bytes(path), text.encode()) for path, text in wanted.items()]
    return tuple(FileEdit(path, before, after) for path, before, after in found if before != after)


def kvmfr_files(mib: int) -> tuple[tuple[str, str], ...]:
    """Path and text of each file that has kvmfr loaded with ``mib`` MiB, for whoever sits at the machine."""
    return (
        ("/etc/modules-load.d/neuron-kvmfr.conf", f"{_OURS}\nkvmfr\n"),
        ("/etc/modprobe.d/neuron-kvmfr.conf", f"{_OURS}\noptions kvmfr static_size_mb={mib}\n"),
        # Before 73-seat-late.rules, which gives what is tagged to that person.
        (
            "/etc/udev/rules.d/70-neuron-kvmfr.rules",
            f'{_OURS}\nSUBSYSTEM=="kvmfr", GROUP="kvm", MODE="0660", TAG+="uaccess"\n',
        ),
    )


def _is_person(tree: Tree, user: str) -> bool:
    for line in (tree.text("/etc/passwd") or "").splitlines():
        name, *rest = line.split(":")
        if name == user and len(rest) > 1 and rest[1].isdigit():
            return int(rest[1]) in _PEOPLE
    return False


def _has_kvmfr(tree: Tree) -> bool:
    release = tree.text("/proc/sys/kernel/osrelease") or ""
    folders = [f"{top}/{release}/{sub}" for top in ("/usr/lib/modules", "/lib/modules")
               for sub in ("updates/dkms", "updates", "extra", "kernel/drivers/misc")]  # fmt: skip
    return tree.exists("/sys/module/kvmfr") or any(
        name.startswith("kvmfr.ko") for folder in folders for name in tree.names(folder)
    )


def there(tree: Tree, share: Share) -> bool:
    """Whether the running system has the memory that was wished for.

    kvmfr 0.0.12 makes a device when it is loaded with a size, and shows that size nowhere in sysfs.
    """
    return tree.exists(FILE if share.way is Way.SHM else _DEVICE)
