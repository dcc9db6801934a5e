"""Windows partitions that nobody has opened: mounted read-only through udisks2, and put back as they were."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from libneuron.errors import NeuronError
from libneuron.migration.bitlocker import recovery_text
from libneuron.migration.errors import MigrationError
from libneuron.system.errors import SystemAccessError
from libneuron.system.udisks import BlockDevice, Udisks

_LOCKED = "BitLocker"
KINDS = ("ntfs", _LOCKED)
"""What udisks calls the partitions that Windows lives on."""


def closed(udisks: Udisks) -> tuple[BlockDevice, ...]:
    """Partitions of Windows that are not open. Raises: SystemAccessError where udisks does not answer."""
    return tuple(one for one in udisks.devices() if one.kind in KINDS and not one.mounts and not one.clear)


@contextlib.contextmanager
def mounted(path: Path, udisks: Udisks, recovery_key: str = "") -> Iterator[Path]:
    """The partition ``path`` ("/dev/sdb3"), mounted read-only while this lasts; one that is open stays so.

    Raises: MigrationError source-missing, bitlocker, bitlocker-mistyped, bitlocker-wrong-key, mount-denied,
    mount-failed, mount-silent.
    """
    with contextlib.ExitStack() as stack:
        with _told(path):
            found = {one.device: one for one in udisks.devices()}
        device = found.get(path)
        if device is None:
            raise MigrationError("migration.source-missing", path=path)
        by_id = {one.id: one for one in found.values()}
        if device.kind == _LOCKED:
            if not device.clear and not recovery_key:
                raise MigrationError("migration.bitlocker", path=path)
            inside = device.clear or _unlocked(path, device, udisks, recovery_key, stack)
            mounts = by_id[inside].mounts if inside in by_id else ()
        else:
            inside, mounts = device.id, device.mounts
        if mounts:
            yield mounts[0]
            return
        with _told(path):
            place = udisks.mount(inside)
        stack.callback(_quietly, udisks.unmount, inside)
        yield place


def _unlocked(path: Path, device: BlockDevice, udisks: Udisks, key: str, stack: contextlib.ExitStack) -> str:
    text = recovery_text(key)
    try:
        inside = udisks.unlock(device.id, text)
    except SystemAccessError as error:
        raise _meaning(path, error, failed="migration.bitlocker-wrong-key") from error
    stack.callback(_quietly, udisks.lock, device.id)
    return inside


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except SystemAccessError as error:
        raise _meaning(path, error, failed="migration.mount-failed") from error


def _meaning(path: Path, error: SystemAccessError, *, failed: str) -> MigrationError:
    if error.code == "system.bus-timeout":
        return MigrationError("migration.mount-silent", path=path, details=str(error))
    if "NotAuthorized" in error.details or "AccessDenied" in error.details:
        return MigrationError("migration.mount-denied", path=path, details=error.details)
    if error.code == "system.bus-unavailable" or "ServiceUnknown" in error.details:
        return MigrationError("migration.mount-service", path=path, details=error.details)
    return MigrationError(failed, path=path, details=error.details)


def _quietly(undo: Callable[[str], None], name: str) -> None:
    """Put back; a drive that was pulled meanwhile needs nothing."""
    with contextlib.suppress(NeuronError):
        undo(name)
