"""The file system that holds the root subvolume, opened at its top level. The only module that changes it.

Everything the Guardian makes lies in one top-level subvolume, ``@neuron``: the journal and saved results
(which must survive a roll back), ``points/ID`` (read-only snapshots) and ``roots/ID`` (prepared roots,
and after the exchange the replaced ones).
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from libneuron.system import btrfs, mounts
from libneuron.system.files import Root, make_private_directory
from libneuron.updates.errors import UpdateError
from libneuron.updates.layout import Layout, RootFacts, Switch, detect

HOME = "@neuron"
POINTS = f"{HOME}/points"
ROOTS = f"{HOME}/roots"

_PATIENCE = 120.0  # seconds: longer than all health checks together may take


def _checked(relative: str) -> str:
    """``relative`` if it is a plain path below the top level. Raises: ValueError (a damaged journal)."""
    parts = relative.split("/")
    if not relative or any(part in ("", ".", "..") for part in parts):
        raise ValueError(f"not a path below the top level: {relative!r}")
    return relative


class Volume:
    """An opened btrfs. Paths given to methods are relative to the top level."""

    def __init__(self, top: Path, layout: Layout) -> None:
        self._top = top
        self.layout = layout

    def path(self, relative: str) -> Path:
        """Where ``relative`` lies. Links on the way are refused.

        Raises: UpdateError changed-meanwhile; ValueError.
        """
        here = self._top
        for part in _checked(relative).split("/"):
            here = here / part
            if here.is_symlink():
                raise UpdateError("updates.changed-meanwhile", name=relative)
        return here

    @property
    def state(self) -> Path:
        """The directory of the journal; created on first use."""
        home = self.path(HOME)
        if not home.exists():
            btrfs.create(self._top, HOME)
            make_private_directory(home)
        for folder in (POINTS, ROOTS):
            self.path(folder).mkdir(mode=0o700, exist_ok=True)
        return home

    def uuid(self, relative: str) -> str | None:
        """The subvolume at ``relative``, or None where there is none."""
        place = self.path(relative)
        return btrfs.info(place).uuid if btrfs.is_subvolume(place) else None

    def parent_uuid(self, relative: str) -> str | None:
        """What the subvolume at ``relative`` is a snapshot of."""
        return btrfs.info(self.path(relative)).parent_uuid

    def default_uuid(self, expected: str) -> str | None:
        """The default subvolume's uuid, looked for at ``expected`` and among the prepared ones."""
        wanted = btrfs.default(self._top)
        candidates = [expected, *(f"{ROOTS}/{name}" for name in self.names(ROOTS))]
        for relative in candidates:
            place = self.path(relative)
            if btrfs.is_subvolume(place) and btrfs.info(place).id == wanted:
                return btrfs.info(place).uuid
        return None

    def names(self, relative: str) -> tuple[str, ...]:
        """Sorted names in a directory; empty where it does not exist."""
        place = self.path(relative)
        return tuple(sorted(os.listdir(place))) if place.is_dir() else ()

    def snapshot(self, source: str, target: str, *, readonly: bool) -> None:
        """Snapshot ``source`` as ``target``. Raises: UpdateError swapfile, snapshot-failed."""
        parent, _, name = target.rpartition("/")
        try:
            btrfs.snapshot(self.path(source), self.path(parent), name, readonly=readonly)
        except OSError as error:
            if error.errno == errno.ETXTBSY:
                raise UpdateError("updates.swapfile") from error
            raise UpdateError(
                "updates.snapshot-failed", reason=error.strerror, details=repr(error)
            ) from error

    def delete(self, relative: str) -> None:
        """Delete a subvolume of our own and what lies in it. Raises: OSError."""
        if not relative.startswith(f"{HOME}/"):
            raise ValueError(f"not ours: {relative!r}")
        place = self.path(relative)
        for child in reversed(btrfs.children(place)):
            self.delete(f"{relative}/{child}")
        parent, _, name = relative.rpartition("/")
        btrfs.delete(self.path(parent), name)

    def exchange(self, one: str, other: str) -> None:
        """Swap two names in one step and make that durable. Raises: OSError."""
        mounts.exchange(self.path(one), self.path(other))
        self.sync()

    def set_default(self, relative: str) -> None:
        """Make a subvolume the default and make that durable. Raises: OSError."""
        btrfs.set_default(self.path(relative))
        self.sync()

    def move(self, source: str, target: str) -> None:
        """Move a nested subvolume over the empty directory that stands for it. Raises: OSError."""
        place = self.path(target)
        if place.is_dir() and not btrfs.is_subvolume(place):
            place.rmdir()  # fails where it is not empty: nothing of the person's is removed
        place.parent.mkdir(parents=True, exist_ok=True)
        self.path(source).rename(place)
        self.sync()

    def nested(self, relative: str) -> tuple[str, ...]:
        """Subvolumes directly inside the one at ``relative``, as paths inside it."""
        return btrfs.children(self.path(relative))

    def sync(self) -> None:
        """Make everything durable."""
        mounts.sync_filesystem(self._top)

    def free(self) -> int:
        """Bytes that can still be written."""
        space = os.statvfs(self._top)
        return space.f_bavail * space.f_frsize


def read_layout(root: Root) -> tuple[Layout | None, UpdateError | None]:
    """Where the running machine's root lies (None where it is not on btrfs), and why it cannot be
    switched.
    """
    mount = mounts.mounted_at(mounts.mounts(root), "/")
    if mount is None or mount.kind != "btrfs":
        kind = mount.kind if mount is not None else "?"
        return None, UpdateError("updates.not-btrfs", kind=kind)
    place = root.path("/")
    facts = RootFacts(
        mount=mount,
        command_line=root.text("/proc/cmdline") or "",
        fstab=root.text("/etc/fstab") or "",
        root_id=btrfs.info(place).id,
        default_id=btrfs.default(place) if os.geteuid() == 0 else btrfs.info(place).id,
    )
    try:
        return detect(facts), None
    except UpdateError as error:
        return Layout(mount.source, mount.root.strip("/"), Switch.EXCHANGE), error


@contextlib.contextmanager
def open_volume(layout: Layout) -> Iterator[Volume]:
    """Open the top level of the file system privately, and keep every other Guardian out meanwhile.

    Raises: UpdateError not-root, busy; OSError.
    """
    with contextlib.ExitStack() as stack:
        try:
            top = stack.enter_context(
                mounts.open_detached(layout.device, "btrfs", options={"subvolid": str(btrfs.TOP)})
            )
        except PermissionError as error:
            raise UpdateError("updates.not-root") from error
        volume = Volume(top, layout)
        stack.enter_context(exclusive(volume.state))
        yield volume


@contextlib.contextmanager
def exclusive(directory: Path) -> Iterator[None]:
    """Hold the lock of the state in ``directory``; waits a while for another Guardian that is at work.

    Raises: UpdateError busy.
    """
    descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        end = time.monotonic() + _PATIENCE
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() > end:
                    raise UpdateError("updates.busy") from error
                time.sleep(0.1)
        yield
    finally:
        os.close(descriptor)
