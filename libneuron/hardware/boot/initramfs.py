"""How each initramfs tool is told to carry vfio-pci, so that it takes a device before its usual driver does.

Sources: mkinitcpio.conf(5) (drop-ins in /etc/mkinitcpio.conf.d), dracut.conf(5) ``force_drivers``,
initramfs-tools(7) (/etc/initramfs-tools/modules). ``vfio_virqfd`` was a module of its own before Linux 6.2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from libneuron.hardware.boot.edits import FileEdit
from libneuron.system.trees import Tree

_OURS = "# Written by Neuron Hardware Advisor; its undo removes it."


@dataclass(frozen=True)
class InitramfsTool:
    """One tool: how to recognise it, the file that names what it carries (modules, files), the rebuild."""

    id: str
    marks: tuple[str, ...]
    path: str
    content: Callable[[str, Sequence[str], Sequence[str]], str]
    rebuild: tuple[str, ...]


def modules(kernel: tuple[int, int] | None) -> tuple[str, ...]:
    """The modules that vfio needs for ``kernel`` (major, minor; None: unknown, taken as new)."""
    old = kernel is not None and kernel < (6, 2)
    return ("vfio_pci", "vfio", "vfio_iommu_type1") + (("vfio_virqfd",) if old else ())


def _mkinitcpio(_before: str, names: Sequence[str], files: Sequence[str]) -> str:
    # Before the others: the first module that claims a device keeps it.
    carried = f"FILES+=({' '.join(files)})\n" if files else ""
    return f'{_OURS}\nMODULES=({" ".join(names)} "${{MODULES[@]}}")\n{carried}'


def _dracut(_before: str, names: Sequence[str], files: Sequence[str]) -> str:
    carried = f'install_items+=" {" ".join(files)} "\n' if files else ""
    return f'{_OURS}\nforce_drivers+=" {" ".join(names)} "\n{carried}'


def _initramfs_tools(before: str, names: Sequence[str], _files: Sequence[str]) -> str:
    # Everything in /etc/modprobe.d goes along by itself (mkinitramfs).
    there = {line.split()[0] for line in before.splitlines() if line.strip() and not line.startswith("#")}
    new = [name for name in names if name not in there]
    gap = "" if not before or before.endswith("\n") else "\n"
    return before + gap + "".join(f"{name}\n" for name in new)


TOOLS: tuple[InitramfsTool, ...] = (
    InitramfsTool(
        "mkinitcpio",
        ("/etc/mkinitcpio.conf",),
        "/etc/mkinitcpio.conf.d/neuron-vfio.conf",
        _mkinitcpio,
        ("mkinitcpio", "-P"),
    ),
    InitramfsTool(
        "initramfs-tools",
        ("/etc/initramfs-tools/initramfs.conf", "/usr/sbin/update-initramfs"),
        "/etc/initramfs-tools/modules",
        _initramfs_tools,
        ("update-initramfs", "-u", "-k", "all"),
    ),
    InitramfsTool(
        "dracut",
        ("/usr/bin/dracut", "/usr/lib/dracut/dracut-init.sh"),
        "/etc/dracut.conf.d/neuron-vfio.conf",
        _dracut,
        ("dracut", "--regenerate-all", "--force"),
    ),
)


def detect(root: Tree) -> InitramfsTool | None:
    """The tool that builds this machine's initramfs, or None where it is not one we know."""
    return next((tool for tool in TOOLS if any(root.exists(mark) for mark in tool.marks)), None)


def plan(root: Tree, tool: InitramfsTool, names: Sequence[str], files: Sequence[str] = ()) -> FileEdit | None:
    """The edit that makes ``tool`` carry modules ``names`` and ``files``; None where it already does."""
    before = root.bytes(tool.path)
    text = (before or b"").decode("utf-8", "surrogateescape")
    after = tool.content(text, names, files).encode("utf-8", "surrogateescape")
    return None if after == before else FileEdit(tool.path, before, after)


def take_back(path: str, before: bytes, after: bytes, now: bytes) -> bytes | None:
    """A list of modules that others changed since, without our lines; None for files that are no list."""
    if path != "/etc/initramfs-tools/modules":
        return None
    ours = set(after.splitlines()) - set(before.splitlines())
    return b"".join(line for line in now.splitlines(keepends=True) if line.rstrip(b"\n") not in ours)
