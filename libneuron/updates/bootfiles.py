"""Boot files that lie outside the root subvolume, kept with a restore point and proved by their hashes."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from libneuron.system.files import Root, sync_directory, write_atomic
from libneuron.system.mounts import Mount, mounted_at, mounts
from libneuron.updates.errors import UpdateError
from libneuron.updates.kinds.boot_entries import BOOT_PLACES, boot_entries, boot_file
from libneuron.updates.kinds.kernel import kernels
from libneuron.updates.loader import is_staged

MANIFEST = "manifest.json"
_BLOCK = 1 << 20


@dataclass(frozen=True)
class BootFile:
    """A file on a boot partition: ``path`` as the running system sees it, its size in bytes and SHA-256."""

    path: str
    size: int
    sha256: str


def boot_partitions(root: Root) -> tuple[Mount, ...]:
    """The boot places that are file systems of their own, or mounted subvolumes beside the root."""
    found = mounts(root)
    there = [mount for place in BOOT_PLACES if (mount := mounted_at(found, place)) is not None]
    return tuple(mount for mount in there if mount.kind != "btrfs" or _beside(root, mount.point))


def _beside(root: Root, path: str) -> bool:
    """Whether what ``path`` leads to lies outside the root subvolume: each has a device number of its own."""
    try:
        return root.path(path).stat().st_dev != root.path("/").stat().st_dev
    except OSError:
        return True


def separate_kernel(root: Root) -> str | None:
    """The boot place that holds the kernels where that is not the root subvolume, else None."""
    points = [mount.point for mount in boot_partitions(root)]
    paths = [kernel.path for kernel in kernels(root)]
    paths += [place for entry in boot_entries(root) if (place := boot_file(root, entry.kernel))]
    mounted = next((point for point in points for path in paths if path.startswith(f"{point}/")), None)
    if mounted is not None:
        return mounted
    # A nested subvolume needs no mount: a snapshot of the root holds an empty folder in its place.
    nested = (path for path in paths if _beside(root, path))
    return next((path.rpartition("/")[0] or "/" for path in nested), None)


def wanted_files(root: Root) -> tuple[str, ...]:
    """The kernels, the images and the loader settings on partitions of their own."""
    points = tuple(mount.point for mount in boot_partitions(root))
    found = {kernel.path for kernel in kernels(root)}
    for entry in boot_entries(root):
        if is_staged(entry.source.rpartition("/")[2]):
            continue
        found.add(entry.source)
        found |= {place for path in (entry.kernel, *entry.initrds) if (place := boot_file(root, path))}
    found |= {
        f"{place}/loader/loader.conf" for place in BOOT_PLACES if root.exists(f"{place}/loader/loader.conf")
    }
    return tuple(sorted(path for path in found if path.startswith(tuple(f"{point}/" for point in points))))


def file_hash(path: Path) -> tuple[int, str]:
    """Size in bytes and SHA-256 of a file. Raises: OSError."""
    total, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            total.update(block)
            size += len(block)
    return size, total.hexdigest()


def keep(root: Root, directory: Path) -> tuple[BootFile, ...]:
    """Copy the boot files into ``directory`` (made here) with a manifest; what was copied is read back.

    Raises: UpdateError no-space, snapshot-failed; OSError.
    """
    paths = wanted_files(root)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    needed = sum(root.path(path).stat().st_size for path in paths)
    free = shutil.disk_usage(directory).free
    if needed + (8 << 20) > free:
        raise UpdateError(
            "updates.no-space",
            needed=f"{needed >> 20} MiB",
            place="the system's disk",
            free=f"{free >> 20} MiB",
        )
    kept = []
    for path in paths:
        target = directory / path.lstrip("/")
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copyfile(root.path(path), target)
        size, total = file_hash(root.path(path))
        if file_hash(target) != (size, total):
            raise UpdateError("updates.snapshot-failed", reason=f"the copy of {path} differs")
        kept.append(BootFile(path, size, total))
    rows = [{"path": item.path, "size": item.size, "sha256": item.sha256} for item in kept]
    write_atomic(directory / MANIFEST, json.dumps(rows, indent=1).encode(), mode=0o600)
    sync_directory(directory)
    return tuple(kept)


def load_manifest(directory: Path) -> tuple[BootFile, ...]:
    """The files kept in ``directory``; empty where none were. Raises: ValueError, KeyError where it is
    damaged.
    """
    try:
        rows = json.loads((directory / MANIFEST).read_bytes())
    except FileNotFoundError:
        return ()
    return tuple(BootFile(str(row["path"]), int(row["size"]), str(row["sha256"])) for row in rows)


def damaged(directory: Path) -> tuple[str, ...]:
    """Kept files that are gone or no longer have their hash."""
    wrong = []
    for item in load_manifest(directory):
        try:
            good = file_hash(directory / item.path.lstrip("/")) == (item.size, item.sha256)
        except OSError:
            good = False
        if not good:
            wrong.append(item.path)
    return tuple(wrong)
