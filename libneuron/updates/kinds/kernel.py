"""Kernel ↔ modules ↔ initramfs ↔ boot entries: what must agree so that the next start works."""

from __future__ import annotations

import re
from dataclasses import dataclass

from libneuron.system.files import Root
from libneuron.system.tables import Table
from libneuron.updates.health import Outcome, failed, not_applicable
from libneuron.updates.kinds.boot_entries import BOOT_PLACES, boot_entries, boot_file
from libneuron.updates.kinds.initramfs import initramfs_problem
from libneuron.updates.subject import Probe, Subject

MODULE_PLACES = ("/usr/lib/modules", "/lib/modules")


@dataclass(frozen=True)
class Kernel:
    """An installed kernel image; ``release`` is None where neither name nor image tells."""

    path: str
    release: str | None


def image_release(data: bytes) -> str | None:
    """The release inside a bzImage's start (Documentation/arch/x86/boot.rst: kernel_version at 0x20e)."""
    if len(data) < 0x210 or data[0x202:0x206] != b"HdrS":
        return None
    place = int.from_bytes(data[0x20E:0x210], "little") + 0x200
    words = data[place : place + 256].split(b"\0", 1)[0].split()
    return words[0].decode("ascii", "replace") if words else None


def _release(root: Root, path: str) -> str | None:
    inside = image_release(root.bytes(path, limit=1 << 16) or b"")
    if inside is not None:
        return inside
    name = path.rpartition("/")[2]
    match = re.match(r"(?:vmlinuz|linux|kernel)-(\d+\.\d+.*)$", name)
    return match[1] if match else None


def kernels(root: Root) -> tuple[Kernel, ...]:
    """The kernel images in the boot places."""
    found: dict[str, Kernel] = {}
    for place in BOOT_PLACES:
        for name in root.names(place):
            path = f"{place}/{name}"
            if re.match(r"vmlinu[zx]-(?!.*rescue)", name) and root.path(path).is_file():
                found.setdefault(name, Kernel(path, _release(root, path)))
    return tuple(found.values())


def has_modules(root: Root) -> bool:
    """Whether modules of any kernel lie there."""
    return any(root.names(place) for place in MODULE_PLACES)


def has_kernel(root: Root) -> bool:
    """Whether a kernel lies in the boot places, by its name, by a boot entry or as a unified image."""
    named = any(boot_file(root, entry.kernel) for entry in boot_entries(root))
    return named or bool(kernels(root)) or _unified(root)


def modules_problem(root: Root, release: str) -> str | None:
    """What is wrong with the modules of ``release``; a kernel without any is fine only if it says so."""
    place = next((f"{top}/{release}" for top in MODULE_PLACES if root.exists(f"{top}/{release}")), None)
    if place is None:
        return "has no modules"
    listed = root.text(f"{place}/modules.dep", limit=16 << 20)
    if listed is None:
        return "has no modules.dep"
    lines = [line.split(":", 1)[0] for line in listed.splitlines() if ":" in line]
    gone = [line for line in lines if not root.exists(line if line.startswith("/") else f"{place}/{line}")]
    if gone:
        return f"misses {len(gone)} of {len(lines)} modules"
    return None


def _initramfs_wrong(root: Root, path: str) -> str | None:
    try:
        with root.path(path).open("rb") as file:
            return initramfs_problem(file)
    except OSError:
        return "cannot be read"


def kernel_problems(root: Root) -> list[str]:
    """Everything that does not agree, one short phrase each."""
    wrong: list[str] = []
    images: set[str] = set()
    installed = kernels(root)
    entries = boot_entries(root)
    for kernel in installed:
        if kernel.release is None:
            wrong.append(f"{kernel.path}: is no kernel")
        elif problem := modules_problem(root, kernel.release):
            wrong.append(f"{kernel.release}: {problem}")
        images |= set(_own_initramfs(root, kernel))
    for entry in entries:
        for path in (entry.kernel, *entry.initrds):
            place = boot_file(root, path)
            if place is None:
                wrong.append(f"{entry.title}: {path} is missing")
            elif path != entry.kernel:
                images.add(place)
    if has_modules(root) and not has_kernel(root):
        wrong.append("no kernel image is installed")
    if entries and installed:
        started = {entry.kernel.rpartition("/")[2] for entry in entries}
        wrong += [
            f"{kernel.path}: no boot entry starts it"
            for kernel in installed
            if kernel.path.rpartition("/")[2] not in started and not _unified(root)
        ]
    for path in sorted(images):
        if problem := _initramfs_wrong(root, path):
            wrong.append(f"{path}: {problem}")
    return wrong


def _own_initramfs(root: Root, kernel: Kernel) -> list[str]:
    place, _, name = kernel.path.rpartition("/")
    tail = name.split("-", 1)[1]
    names = (f"initrd.img-{tail}", f"initramfs-{tail}.img", f"initrd-{tail}")
    return [f"{place}/{item}" for item in names if root.path(f"{place}/{item}").is_file()]


def _unified(root: Root) -> bool:
    return any(name.endswith(".efi") for place in BOOT_PLACES for name in root.names(f"{place}/EFI/Linux"))


def kernel(settings: Table) -> Probe:
    """No settings. Fails on any disagreement; does not apply without a kernel (containers)."""
    del settings

    def probe(subject: Subject) -> Outcome:
        if not has_modules(subject.root) and not kernels(subject.root):
            return not_applicable("kernel-none")
        return failed("kernel", kernel_problems(subject.root))

    return probe
