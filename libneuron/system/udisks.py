"""Drives as udisks2 knows them: mounted and unlocked for reading. The person may be asked for a password.

Source: UDisks Reference Manual 2.9: org.freedesktop.UDisks2.Block, .Filesystem, .Encrypted; ObjectManager.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dbus_fast import Variant

from libneuron.system.calls import Caller

_NAME = "org.freedesktop.UDisks2"
_TOP = "/org/freedesktop/UDisks2"
_BLOCK, _FILES, _LOCKED = f"{_NAME}.Block", f"{_NAME}.Filesystem", f"{_NAME}.Encrypted"
_LISTING = 10.0
PATIENCE = 300.0
"""Seconds for what may ask the person for a password, or wake a disk."""


@dataclass(frozen=True)
class BlockDevice:
    """A device with something on it. ``kind`` is libblkid's word ("ntfs", "BitLocker"); ``size`` in bytes."""

    id: str
    device: Path
    size: int
    kind: str
    label: str
    mounts: tuple[Path, ...]
    clear: str
    """For an unlocked device: the id of what is inside, else ""."""


def _path(raw: Any) -> Path:
    """A path of the bus: bytes that end in NUL."""
    return Path(os.fsdecode(bytes(raw).rstrip(b"\0")))


def _device(name: str, known: Mapping[str, Mapping[str, Any]]) -> BlockDevice:
    block, inside = known[_BLOCK], str(known.get(_LOCKED, {}).get("CleartextDevice", "/"))
    return BlockDevice(
        name,
        _path(block.get("Device", b"")),
        int(block.get("Size", 0)),
        str(block.get("IdType", "")),
        str(block.get("IdLabel", "")),
        tuple(_path(one) for one in known.get(_FILES, {}).get("MountPoints", ())),
        "" if inside == "/" else inside,
    )


class Udisks:
    """The service. Every call waits; those that ask the person wait ``patience`` seconds at most."""

    def __init__(self, caller: Caller, *, patience: float = PATIENCE) -> None:
        self._caller = caller
        self._patience = patience

    def devices(self) -> tuple[BlockDevice, ...]:
        """All block devices. Raises: SystemAccessError bus-error, bus-timeout, bus-unavailable."""
        manager = "org.freedesktop.DBus.ObjectManager"
        (found,) = self._caller.call(_NAME, _TOP, manager, "GetManagedObjects", timeout=_LISTING)
        return tuple(_device(name, known) for name, known in sorted(found.items()) if _BLOCK in known)

    def _ask(self, name: str, interface: str, member: str, signature: str, *words: Any) -> Any:
        answer = self._caller.call(_NAME, name, interface, member, signature, words, timeout=self._patience)
        return answer[0] if answer else None

    def mount(self, name: str) -> Path:
        """Mount a device read-only; returns where. Raises: as :meth:`devices`."""
        return Path(str(self._ask(name, _FILES, "Mount", "a{sv}", {"options": Variant("s", "ro")})))

    def unmount(self, name: str) -> None:
        """Unmount a device. Raises: as :meth:`devices`."""
        self._ask(name, _FILES, "Unmount", "a{sv}", {})

    def unlock(self, name: str, phrase: str) -> str:
        """Unlock a device for reading; returns the id of what is inside. Raises: as :meth:`devices`."""
        options = {"read-only": Variant("b", True)}  # noqa: FBT003 — how a Variant is written
        return str(self._ask(name, _LOCKED, "Unlock", "sa{sv}", phrase, options))

    def lock(self, name: str) -> None:
        """Lock a device again. Raises: as :meth:`devices`."""
        self._ask(name, _LOCKED, "Lock", "a{sv}", {})
