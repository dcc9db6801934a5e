"""BitLocker, opened with the owner's recovery key and nothing else: the master key, for dislocker.

dislocker shows the volume as a plain file; its master key is worked out here, because dislocker would take
the recovery key from its command line, which everybody on the machine can read.
Source: Joachim Metz, "BitLocker Drive Encryption (BDE) format specification" (libbde); dislocker(1), -K.
"""

from __future__ import annotations

import hashlib
import re
import struct
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from libneuron.migration.errors import MigrationError

Read = Callable[[int, int], bytes]
"""Bytes from (offset, length)."""

_SIGNATURE = b"-FVE-FS-"
_PLACES = 176
"""Offset, in the first sector, of the three places of the metadata."""
_HEAD, _SET = 64, 48
_LIMIT = 64 << 10
_ROUNDS = 0x100000
_VMK = 2
_KEY, _STRETCH, _SEALED = 1, 3, 5
_CLEAR, _RECOVERY = 0x0000, 0x0800
_PARTLY = uuid.UUID("92a84d3b-dd80-4d0e-9e4e-b1e3284eaed8").bytes_le
"""In the first sector, while Windows encrypts the drive as it is used ("encrypt on write")."""
_NAMED = 160
"""Offset, in the first sector, of what kind of volume it is."""
_GROUPS = 8
_MASTER = 32


@dataclass(frozen=True)
class _Datum:
    entry: int
    value: int
    data: bytes


def recovery_key(text: str) -> bytes:
    """The 16 bytes of a recovery key: eight groups of six digits, each a multiple of eleven.

    Raises: MigrationError bitlocker-mistyped, which names the group.
    """
    whole = re.search(r"(?<!\d)\d{6}(?:-\d{6}){7}(?!\d)", text)  # Windows saves a page around it
    groups = re.findall(r"\d+", whole.group() if whole else text)
    if len(groups) != _GROUPS and len("".join(groups)) == 6 * _GROUPS:
        joined = "".join(groups)
        groups = [joined[at : at + 6] for at in range(0, len(joined), 6)]
    for number, group in enumerate(groups[:_GROUPS], 1):
        if len(group) != 6 or int(group) % 11 or int(group) // 11 > 0xFFFF:
            raise MigrationError("migration.bitlocker-mistyped", group=f"{number} ({group})")
    if len(groups) != _GROUPS:
        raise MigrationError("migration.bitlocker-mistyped", group=f"{len(groups) + 1}")
    return struct.pack("<8H", *(int(group) // 11 for group in groups))


def recovery_text(text: str) -> str:
    """A recovery key as other programs take it: eight groups with lines between. Raises: as recovery_key."""
    return "-".join(f"{part * 11:06d}" for part in struct.unpack("<8H", recovery_key(text)))


def _data(block: bytes) -> Iterator[_Datum]:
    at = 0
    while at + 8 <= len(block):
        size, entry, value, _status = struct.unpack_from("<4H", block, at)
        if size < 8 or at + size > len(block):
            return
        yield _Datum(entry, value, block[at + 8 : at + size])
        at += size


def _metadata(read: Read) -> Iterator[list[_Datum]]:
    """What each of the three copies holds; damaged ones are passed over."""
    first = read(0, 512)
    if len(first) < 512 or first[3:11] != _SIGNATURE:
        return
    for place in struct.unpack_from("<3Q", first, _PLACES):
        block = read(place, _LIMIT) if place < 1 << 62 else b""
        if len(block) > _HEAD + _SET and block[:8] == _SIGNATURE:
            (length,) = struct.unpack_from("<I", block, _HEAD)
            yield list(_data(block[_HEAD + _SET : _HEAD + length]))


def _open(key: bytes, sealed: bytes) -> bytes | None:
    """What AES-CCM sealed with ``key``: nonce, MAC, data. None where the key is another one."""
    try:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESCCM
    except ImportError as error:  # optional, and told where it is missing
        raise MigrationError("migration.bitlocker-reader", details=str(error)) from error

    nonce, mac, data = sealed[:12], sealed[12:28], sealed[28:]
    try:
        return AESCCM(key, tag_length=16).decrypt(nonce, data + mac, None)
    except (InvalidTag, ValueError):
        return None


def _stretched(secret: bytes, salt: bytes) -> bytes:
    """Microsoft's 1,048,576 rounds: about a second."""
    rest = hashlib.sha256(secret).digest() + salt
    last = bytes(32)
    for count in range(_ROUNDS):
        last = hashlib.sha256(last + rest + count.to_bytes(8, "little")).digest()
    return last


def _protectors(found: list[_Datum], wanted: int) -> Iterator[dict[int, bytes]]:
    """What each protector of one kind holds, by the kind of value."""
    for one in found:
        if one.entry == _VMK and len(one.data) >= 28:
            (kind,) = struct.unpack_from("<H", one.data, 26)
            if kind == wanted:
                yield {each.value: each.data for each in _data(one.data[28:])}


def _recoverable(found: list[_Datum]) -> Iterator[tuple[bytes, bytes]]:
    """(salt, sealed key) of each protector that a recovery key opens."""
    for inner in _protectors(found, _RECOVERY):
        if len(inner.get(_STRETCH, b"")) >= 20 and _SEALED in inner:
            yield inner[_STRETCH][4:20], inner[_SEALED]


def _inside(opened: bytes | None) -> bytes | None:
    return opened[12 : 12 + _MASTER] if opened and len(opened) >= 12 + _MASTER else None


def lies_open(read: Read) -> bytes | None:
    """The master key where it lies beside its lock, None where it takes a recovery key.

    So do drives that Windows encrypted by itself but that nobody has a recovery key of yet (nobody signed in
    with a Microsoft account), and those on which BitLocker is suspended.
    Raises: MigrationError bitlocker-unfinished.
    """
    if read(0, 512)[_NAMED : _NAMED + 16] == _PARTLY:
        raise MigrationError("migration.bitlocker-unfinished")
    for found in _metadata(read):
        for inner in _protectors(found, _CLEAR):
            if len(inner.get(_KEY, b"")) >= 4 + _MASTER and _SEALED in inner:
                master = _inside(_open(inner[_KEY][4 : 4 + _MASTER], inner[_SEALED]))
                if master is not None:
                    return master
    return None


def master_key(read: Read, text: str) -> bytes:
    """The volume's master key (32 bytes), from what ``read`` gives of it and the recovery key ``text``.

    Raises: MigrationError bitlocker-mistyped, bitlocker-wrong-key, bitlocker-other, bitlocker-reader.
    """
    secret = recovery_key(text)
    tried: set[tuple[bytes, bytes]] = set()
    for found in _metadata(read):
        for salt, sealed in _recoverable(found):
            if (salt, sealed) in tried:  # the copies of the metadata are the same
                continue
            tried.add((salt, sealed))
            master = _inside(_open(_stretched(secret, salt), sealed))
            if master is not None:
                return master
    raise MigrationError("migration.bitlocker-wrong-key" if tried else "migration.bitlocker-other")
