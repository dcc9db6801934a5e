"""BitLocker, opened with the owner's recovery key and nothing else: the master key, for dislocker.

dislocker shows the volume as a plain file; its master key is worked out here, because dislocker would take
the recovery key from its command line, which everybody on the machine can read.
Source: Joachim Metz, "BitLocker Drive Encryption (BDE) format specification" (libbde); dislocker(1), -K.
"""

from __future__ import annotations

import hashlib
import re
import struct
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
_STRETCH, _SEALED = 3, 5
_RECOVERY = 0x0800
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
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESCCM

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


def _protectors(found: list[_Datum]) -> Iterator[tuple[bytes, bytes]]:
    """(salt, sealed key) of each protector that a recovery key opens."""
    for one in found:
        if one.entry != _VMK or len(one.data) < 28:
            continue
        (kind,) = struct.unpack_from("<H", one.data, 26)
        inner = {each.value: each.data for each in _data(one.data[28:])}
        if kind == _RECOVERY and len(inner.get(_STRETCH, b"")) >= 20 and _SEALED in inner:
            yield inner[_STRETCH][4:20], inner[_SEALED]


def master_key(read: Read, text: str) -> bytes:
    """The volume's master key (32 bytes), from what ``read`` gives of it and the recovery key ``text``.

    Raises: MigrationError bitlocker-mistyped, bitlocker-wrong-key, bitlocker-other, bitlocker-reader.
    """
    secret = recovery_key(text)
    try:
        import cryptography  # noqa: F401 — optional, and told where it is missing
    except ImportError as error:
        raise MigrationError("migration.bitlocker-reader", details=str(error)) from error
    tried: set[tuple[bytes, bytes]] = set()
    for found in _metadata(read):
        for salt, sealed in _protectors(found):
            if (salt, sealed) in tried:  # the copies of the metadata are the same
                continue
            tried.add((salt, sealed))
            plain = _open(_stretched(secret, salt), sealed)
            if plain and len(plain) >= 12 + _MASTER:
                return plain[12 : 12 + _MASTER]
    raise MigrationError("migration.bitlocker-wrong-key" if tried else "migration.bitlocker-other")
