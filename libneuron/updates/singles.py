"""A single file out of a restore point, put back in its place; the present one is kept beside it.

Every step is taken from descriptors, through no link, because the folder may belong to somebody else.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from libneuron.errors import NeuronError
from libneuron.system import mounts
from libneuron.system.files import directory_beneath
from libneuron.updates.differing import differing
from libneuron.updates.errors import UpdateError
from libneuron.updates.machine import Machine
from libneuron.updates.points import chosen_point
from libneuron.updates.store import FATAL, Store, open_store, reason
from libneuron.updates.volume import Volume

_CLONE = 0x40049409  # FICLONE, include/uapi/linux/fs.h
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True)
class Restored:
    """``kept`` is where the present file lies now, "" where there was none."""

    path: str
    kept: str

    def as_json(self) -> dict[str, Any]:
        """For ``--json``, the helper and the window."""
        return {"path": self.path, "kept": self.kept}


def changed_files(machine: Machine, identity: str | None) -> tuple[str, ...]:
    """Absolute paths of the files that :func:`restore_file` can put back from a restore point.

    Raises: UpdateError no-such-point, not-root, and why this machine has no snapshots.
    """
    with open_store(machine.root, machine.clock) as store:
        volume = _volume(store)
        return tuple(
            f"/{name}" for name in _offered(machine, volume, chosen_point(store.history(), identity).point)
        )


def _offered(machine: Machine, volume: Volume, point: str) -> tuple[str, ...]:
    """What differs, without what lies below another file system's mount point: it would not be seen."""
    found = {mount.point.rstrip("/") for mount in mounts.mounts(machine.root)} - {""}
    above = tuple(f"{point.lstrip('/')}/" for point in found)
    return tuple(name for name in differing(volume, point) if not name.startswith(above))


def _volume(store: Store) -> Volume:
    if store.volume is None or (store.obstacle is not None and store.obstacle.code in FATAL):
        raise store.obstacle or UpdateError("updates.not-root")
    return store.volume


def restore_file(machine: Machine, identity: str | None, path: str) -> Restored:
    """Put back ``path`` (absolute) as it was in a restore point, with owner, mode and attributes.

    Only a file that differs is put back: nothing else can be named. Raises: UpdateError no-such-point,
    not-in-point, restore-failed (nothing was changed then), not-root.
    """
    with open_store(machine.root, machine.clock) as store:
        volume = _volume(store)
        point = chosen_point(store.history(), identity)
        relative = path.lstrip("/")
        if relative not in _offered(machine, volume, point.point):
            raise UpdateError("updates.not-in-point", path=path)
        try:
            kept = _put_back(volume.path(point.point), volume.path(volume.layout.path), relative)
        except (OSError, NeuronError) as error:
            raise UpdateError("updates.restore-failed", path=path, reason=reason(error)) from error
        store.journal.append("file-restored", id=point.id, path=path, kept=kept)
        return Restored(path, kept)


def _put_back(then: Path, now: Path, relative: str) -> str:
    parent, _, name = relative.rpartition("/")
    with contextlib.ExitStack() as stack:
        tops = [os.open(top, _FOLDER & ~os.O_NOFOLLOW) for top in (then, now)]
        for top in tops:
            stack.callback(os.close, top)
        source, target = tops
        if parent:
            source = stack.enter_context(directory_beneath(tops[0], parent))
            _make_folders(tops[0], tops[1], parent)
            target = stack.enter_context(directory_beneath(tops[1], parent))
        temporary = f".{name[:60]}.{os.urandom(6).hex()}.neuron"
        try:
            _copy(source, name, target, temporary)
            kept = _swap(target, temporary, name)  # raises only while the copy still has the temporary name
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary, dir_fd=target)
            raise
        os.fsync(target)
        return f"/{parent}/{kept}".replace("//", "/") if kept else ""


def _make_folders(source: int, target: int, parent: str) -> None:
    """Folders that are gone come back with their owner and mode."""
    with contextlib.ExitStack() as stack:
        for part in parent.split("/"):
            source = os.open(part, _FOLDER, dir_fd=source)
            stack.callback(os.close, source)
            made = False
            with contextlib.suppress(FileExistsError):
                os.mkdir(part, 0o700, dir_fd=target)
                made = True
            target = os.open(part, _FOLDER, dir_fd=target)
            stack.callback(os.close, target)
            if made:
                info = os.fstat(source)
                os.fchown(target, info.st_uid, info.st_gid)
                os.fchmod(target, stat.S_IMODE(info.st_mode))


def _copy(source: int, name: str, target: int, temporary: str) -> None:
    info = os.stat(name, dir_fd=source, follow_symlinks=False)
    if stat.S_ISLNK(info.st_mode):
        os.symlink(os.readlink(name, dir_fd=source), temporary, dir_fd=target)
        os.chown(temporary, info.st_uid, info.st_gid, dir_fd=target, follow_symlinks=False)
        return
    flags = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with contextlib.ExitStack() as stack:
        old = stack.enter_context(os.fdopen(os.open(name, os.O_RDONLY | flags, dir_fd=source), "rb"))
        made = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | flags, 0o600, dir_fd=target)
        new = stack.enter_context(os.fdopen(made, "wb"))
        try:
            fcntl.ioctl(made, _CLONE, old.fileno())  # shares the data with the restore point
        except OSError:
            shutil.copyfileobj(old, new, 1 << 20)
            new.flush()
        os.fchown(made, info.st_uid, info.st_gid)
        for key in os.listxattr(old.fileno()):
            os.setxattr(made, key, os.getxattr(old.fileno(), key))
        os.fchmod(made, stat.S_IMODE(info.st_mode))
        os.utime(made, ns=(info.st_atime_ns, info.st_mtime_ns))
        os.fsync(made)


def _swap(target: int, temporary: str, name: str) -> str:
    """Give the copy its name; what has the name now is kept. Returns the kept one's name."""
    try:
        info = os.stat(name, dir_fd=target, follow_symlinks=False)
    except FileNotFoundError:
        # A link fails where something has appeared meanwhile; a rename would replace it.
        os.link(temporary, name, src_dir_fd=target, dst_dir_fd=target, follow_symlinks=False)
        os.unlink(temporary, dir_fd=target)
        return ""
    if stat.S_ISDIR(info.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    here = Path(f"/proc/self/fd/{target}")
    mounts.exchange(here / temporary, here / name)
    return _kept_as(target, temporary, name)


def _kept_as(target: int, temporary: str, name: str) -> str:
    """A readable name for the file that was there, which now has the temporary one; it is never removed."""
    for number in range(1, 1000):
        kept = f"{name}.before-restore{'' if number == 1 else f'-{number}'}"
        try:
            os.link(temporary, kept, src_dir_fd=target, dst_dir_fd=target, follow_symlinks=False)
        except FileExistsError:
            continue
        except OSError:
            break  # a name too long, or somebody put a folder there: it keeps the temporary name
        os.unlink(temporary, dir_fd=target)
        return kept
    return temporary
