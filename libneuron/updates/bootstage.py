"""Boot files on a partition of their own, switched with the root: staged beside the old ones, one commit
point, put back under their own names after the restart.

Every step can be done again after any interruption: what is done is read off the partition.
"""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from libneuron.system.files import Root, sync_directory, sync_file, write_atomic
from libneuron.system.mounts import mounted_at, mounts, sync_filesystem
from libneuron.updates import loader
from libneuron.updates.bootfiles import (
    BootFile,
    boot_partitions,
    damaged,
    file_hash,
    keep,
    load_manifest,
    wanted_files,
)
from libneuron.updates.errors import UpdateError
from libneuron.updates.kinds.boot_entries import BOOT_PLACES, parse_bls
from libneuron.updates.kinds.initramfs import initramfs_problem
from libneuron.updates.kinds.kernel import image_release, modules_problem
from libneuron.updates.loader import Loader, StageSeen

_SLACK = 1 << 20  # bytes: directories, the entry, loader.conf
_EFI_VARIABLES = "/sys/firmware/efi/efivars"
_VENDOR = "4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"  # systemd.io/BOOT_LOADER_INTERFACE


def _variable(root: Root, name: str) -> str | None:
    raw = root.bytes(f"{_EFI_VARIABLES}/{name}-{_VENDOR}")
    return None if raw is None else raw[4:].decode("utf-16-le", "replace").strip("\0")


def find_loader(root: Root, place: str) -> Loader | None:
    """systemd-boot's settings where it starts the kernels on the partition at ``place``, else None.

    Fedora's GRUB has entries of the same form: they prove nothing. Raises: UpdateError firmware-default.
    """
    if not root.names(f"{place}/loader/entries"):
        return None
    said = _variable(root, "LoaderInfo")
    there = any(
        name.lower().startswith("systemd-boot")
        for point in BOOT_PLACES
        for name in root.names(f"{point}/EFI/systemd")
    )
    if not there or (said is not None and not said.startswith("systemd-boot")):
        return None
    if said is None and any(root.exists(f"{place}/{name}") for name in ("grub/grub.cfg", "grub2/grub.cfg")):
        return None
    if _variable(root, "LoaderEntryDefault"):
        raise UpdateError("updates.firmware-default")
    found = (f"{point}/loader/loader.conf" for point in BOOT_PLACES)
    conf = next((path for path in found if root.exists(path)), f"{place}/loader/loader.conf")
    return Loader(place, conf)


@dataclass(frozen=True)
class BootChanges:
    """Boot files that get their earlier content back, and those that go."""

    back: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()


class Stage:
    """The boot files of one roll back. ``wanted`` holds those of the restore point, ``present`` those that
    lay there when the roll back was planned (made by :meth:`keep_present`)."""

    def __init__(self, root: Root, where: Loader, identity: str, *, wanted: Path, present: Path) -> None:
        self._root = root
        self._where = where
        self._identity = identity
        self._wanted = wanted
        self._present = present

    @property
    def _folder(self) -> Path:
        return self._root.path(f"{self._where.place}/neuron/{self._identity}")

    def _linked(self) -> bool:
        """Whether our folder is a link: it is no folder of ours then, and nothing is put or removed there."""
        top = f"{self._where.place}/neuron"
        return any(self._root.link(path) is not None for path in (top, f"{top}/{self._identity}"))

    def _own(self, absolute: str) -> Path:
        """Where ``absolute`` itself lies; where it is a link, not what that leads to."""
        parent, _, name = absolute.rpartition("/")
        return self._root.path(parent) / name

    @property
    def _entry(self) -> Path:
        return self._own(f"{self._where.place}/loader/entries/{loader.entry_name(self._identity)}")

    def _conf(self) -> str:
        return self._root.text(self._where.conf) or ""

    def _files(self) -> list[BootFile]:
        """The restore point's files, without loader.conf: that one is the switch."""
        return [item for item in load_manifest(self._wanted) if item.path != self._where.conf]

    def _kept(self, item: BootFile) -> Path:
        return self._wanted / item.path.lstrip("/")

    def _same(self, item: BootFile, place: Path | None = None) -> bool:
        try:
            return file_hash(place or self._root.path(item.path)) == (item.size, item.sha256)
        except OSError:
            return False

    def _chosen(self) -> tuple[str, dict[str, BootFile]]:
        """The restore point's own entry, and the files it names (as the loader sees them).

        Raises: UpdateError target-unsound.
        """
        top = f"{self._where.place}/"
        files = {item.path: item for item in self._files()}
        entries = {
            path.rpartition("/")[2]: self._kept(item).read_text("utf-8", "replace")
            for path, item in files.items()
            if path.startswith(f"{top}loader/entries/")
        }
        conf = self._wanted / self._where.conf.lstrip("/")
        default = loader.default_of(conf.read_text("utf-8", "replace")) if conf.is_file() else None
        name = loader.choose(entries, default)
        entry = parse_bls(entries[name], source=name) if name else None
        if name is None or entry is None:
            raise UpdateError("updates.target-unsound", problems="no boot entry was kept with it")
        named = {path: files.get(top + path.lstrip("/")) for path in (entry.kernel, *entry.initrds)}
        gone = [path for path, item in named.items() if item is None]
        if gone:
            raise UpdateError("updates.target-unsound", problems=f"{', '.join(gone)} was not kept with it")
        return entries[name], {path: item for path, item in named.items() if item is not None}

    def changes(self) -> BootChanges:
        """What :meth:`settle` would do, for the preview."""
        kept = {item.path for item in self._files()} | {self._where.conf}
        return BootChanges(
            back=tuple(item.path for item in self._files() if not self._same(item)),
            gone=tuple(path for path in wanted_files(self._root) if path not in kept),
        )

    def check(self) -> None:
        """Nothing is touched before this: the kept files are whole and there is room for them.

        Raises: UpdateError target-unsound, no-space.
        """
        bad = damaged(self._wanted)
        if bad:
            raise UpdateError("updates.target-unsound", problems=f"kept boot files are damaged: {bad}")
        _text, named = self._chosen()
        staged = sum(item.size for item in named.values() if not self._same(item))
        largest = max((item.size for item in self._files() if not self._same(item)), default=0)
        # Put back later: each is written beside the one it replaces. What is new grows the partition.
        grows = sum(item.size for item in self._files() if not self._root.exists(item.path))
        needed = staged + largest + grows + _SLACK
        free = shutil.disk_usage(self._root.path(self._where.place)).free
        if needed > free:
            raise UpdateError(
                "updates.no-space",
                needed=f"{-(-needed >> 20)} MiB",
                place=self._where.place,
                free=f"{free >> 20} MiB",
            )

    def keep_present(self) -> None:
        """Keep the boot files of now, so that this roll back can be undone. Raises: UpdateError, OSError."""
        keep(self._root, self._present)

    def problems(self, tree: Root) -> list[str]:
        """What keeps the restore point's kernel and the prepared root ``tree`` from fitting together."""
        _text, named = self._chosen()
        wrong = []
        for path, item in named.items():
            with self._kept(item).open("rb") as file:
                release = image_release(file.read(1 << 16))
                if release is not None and (problem := modules_problem(tree, release)):
                    wrong.append(f"{release}: {problem}")
                elif release is None and (problem := initramfs_problem(file)):
                    wrong.append(f"{path}: {problem}")
        return wrong

    def stage(self, subvolume: int) -> None:
        """Put files and entry beside the present ones, read them back. Raises: UpdateError, OSError."""
        self.clear()
        if self._linked():
            raise UpdateError("updates.snapshot-failed", reason=f"{self._where.place}/neuron is a link")
        text, named = self._chosen()
        places = {}
        for path, item in named.items():
            if self._same(item):
                continue
            target = self._folder / item.path.rpartition("/")[2]
            target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            self._copy(item, target)
            places[path] = f"/neuron/{self._identity}/{target.name}"
        entry = loader.staged_entry(text, identity=self._identity, subvolume=subvolume, places=places)
        write_atomic(self._entry, entry.encode())
        sync_filesystem(self._root.path(self._where.place))

    def _copy(self, item: BootFile, target: Path) -> None:
        target.unlink(missing_ok=True)  # what lies there may be a link to something else
        with self._kept(item).open("rb") as kept, target.open("xb") as made:
            shutil.copyfileobj(kept, made, 1 << 20)
        sync_file(target)
        if not self._same(item, target):
            raise UpdateError("updates.snapshot-failed", reason=f"the copy of {item.path} differs")

    def seen(self) -> StageSeen:
        """What lies there now."""
        # What lies below a mount point that nothing is mounted on is not what the firmware reads.
        mounted = mounted_at(mounts(self._root), self._where.place) is not None
        if not mounted or not self._root.names(f"{self._where.place}/loader/entries"):
            return StageSeen(reachable=False)
        return StageSeen(
            reachable=True,
            switched=loader.switched_to(self._conf(), self._identity),
            ready=self._ready(),
            there=self._folder.exists() or self._entry.exists(),
            settled=all(map(self._same, self._files())) and not self._surplus(),
        )

    def _ready(self) -> bool:
        text = self._entry.read_text("utf-8", "replace") if self._entry.is_file() else ""
        entry = parse_bls(text, source="")
        try:
            _text, named = self._chosen()
        except (UpdateError, OSError):
            return False
        if entry is None:
            return False
        for (_old, item), path in zip(named.items(), (entry.kernel, *entry.initrds), strict=False):
            if not self._same(item, self._root.path(f"{self._where.place}/{path.lstrip('/')}")):
                return False
        return True

    def _surplus(self) -> list[BootFile]:
        """Files that came after the restore point and were kept with this roll back."""
        wanted = {item.path for item in load_manifest(self._wanted)} | {self._where.conf}
        newer = (item for item in load_manifest(self._present) if item.path not in wanted)
        return [item for item in newer if self._root.exists(item.path) and self._same(item)]

    def commit(self) -> None:
        """The one commit point: the next start uses what was staged."""
        write_atomic(self._own(self._where.conf), loader.switch_to(self._conf(), self._identity).encode())
        sync_filesystem(self._root.path(self._where.place))

    def settle(self) -> None:
        """Give the restore point's files their own names again; what was staged still starts the machine.

        Raises: UpdateError snapshot-failed; OSError.
        """
        for item in self._files():
            if self._same(item):
                continue
            target = self._own(item.path)
            target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            temporary = target.parent / f".{target.name}.neuron"
            self._copy(item, temporary)
            temporary.replace(target)
            sync_directory(target.parent)
        for item in self._surplus():
            self._own(item.path).unlink()
        sync_filesystem(self._root.path(self._where.place))

    def switch_back(self, *, done: bool) -> None:
        """Let loader.conf say again what it said with the restore point (``done``), or before all this."""
        side = self._wanted if done else self._present
        conf, place = side / self._where.conf.lstrip("/"), self._own(self._where.conf)
        if conf.is_file():
            write_atomic(place, conf.read_bytes())
        else:
            place.unlink(missing_ok=True)
            sync_directory(place.parent)
        sync_filesystem(self._root.path(self._where.place))

    def clear(self) -> None:
        """Remove what was staged."""
        self._entry.unlink(missing_ok=True)
        if self._folder.is_dir() and not self._linked():
            shutil.rmtree(self._folder)
        with contextlib.suppress(OSError):  # another roll back's lie there as well
            self._folder.parent.rmdir()
        sync_filesystem(self._root.path(self._where.place))

    def wrong(self) -> list[str]:
        """What differs from the restore point, for the proof after the restart."""
        return [
            f"{item.path} differs from the restore point" for item in self._files() if not self._same(item)
        ]


def stands_alone(root: Root) -> str | None:
    """The mount point of a boot partition with unified kernel images, which name their root inside."""
    points = [mount.point for mount in boot_partitions(root)]
    for point in points:
        if any(name.endswith(".efi") for name in root.names(f"{point}/EFI/Linux")):
            return point
    return None
