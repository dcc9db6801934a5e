"""BitLocker volumes, made as Windows makes them: AES-XTS 128 with a recovery key as the only protector.

Source: Joachim Metz, "BitLocker Drive Encryption (BDE) format specification" (libbde); cryptsetup,
lib/bitlk/bitlk.c; dislocker, include/dislocker/metadata (names of the fields).
"""

from __future__ import annotations

import hashlib
import struct
import uuid
import zlib
from functools import cache

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

RECOVERY_KEY = "-".join(f"{number * 11:06d}" for number in (1234, 40000, 7, 65535, 31000, 2, 9999, 12345))
WRONG_KEY = "-".join(f"{number * 11:06d}" for number in (1, 2, 3, 4, 5, 6, 7, 8))
_SECTOR = 512
_HEADER_SECTORS = 16
"""Sectors at the start whose encrypted form lies elsewhere, because BitLocker's own header is there."""
_BLOCK = 64 << 10
_VMK, _FVEK, _SALT = bytes(range(32)), bytes(range(100, 132)), bytes(range(50, 66))
_CLEAR = bytes(range(200, 232))
_GUID = uuid.UUID("4967d63b-2e29-4ad8-8399-f6a339e3d001")
_ENTRY = {"property": 0, "vmk": 2, "fvek": 3, "header": 15}
_VALUE = {"key": 1, "stretch": 3, "ccm": 5, "vmk": 8, "place": 15}
_XTS, _CCM, _STRETCH = 0x8004, 0x2003, 0x1000


@cache
def _stretched(recovery: str) -> bytes:
    parts = [int(part) // 11 for part in recovery.split("-")]
    first = hashlib.sha256(struct.pack("<8H", *parts)).digest()
    last = bytes(32)
    for count in range(0x100000):
        last = hashlib.sha256(last + first + _SALT + count.to_bytes(8, "little")).digest()
    return last


def _datum(entry: str, value: str, data: bytes) -> bytes:
    return struct.pack("<4H", 8 + len(data), _ENTRY[entry], _VALUE[value], 1) + data


def _sealed(entry: str, key: bytes, inner: bytes, number: int) -> bytes:
    nonce = struct.pack("<QI", 0x01D00000_00000000, number)
    made = AESCCM(key, tag_length=16).encrypt(nonce, inner, None)
    return _datum(entry, "ccm", nonce + made[-16:] + made[:-16])


def _key(kind: int, key: bytes) -> bytes:
    return _datum("property", "key", struct.pack("<HH", kind, 0) + key)


def _protector(kind: int, inner: bytes) -> bytes:
    name = uuid.uuid5(_GUID, f"protector {kind}").bytes_le
    return _datum("vmk", "vmk", name + struct.pack("<QHH", 0x01D00000_00000000, 0, kind) + inner)


def _metadata(size: int, places: tuple[int, int, int], backup: int, *, lies_open: bool) -> bytes:
    stretch = _datum("property", "stretch", struct.pack("<HH", _STRETCH, 0) + _SALT)
    protector = stretch + _sealed("property", _stretched(RECOVERY_KEY), _key(_CCM, _VMK), 1)
    entries = _protector(0x0800, protector)
    if lies_open:
        clear = _key(_CCM, _CLEAR)
        entries = _protector(0x0000, clear + _sealed("property", _CLEAR, _key(_CCM, _VMK), 3))
    entries += _sealed("fvek", _VMK, _key(_XTS, _FVEK), 2)
    entries += _datum("header", "place", struct.pack("<QQ", backup, _HEADER_SECTORS * _SECTOR))
    length = 48 + len(entries)
    head = struct.pack("<4I", length, 1, 48, length) + uuid.uuid5(_GUID, "volume").bytes_le
    head += struct.pack("<IHHQ", 3, _XTS, 0, 0x01D00000_00000000)
    whole = -(-(64 + length) // 16)
    block = b"-FVE-FS-" + struct.pack("<4HQ2I3QQ", whole, 2, 4, 4, size, 0, _HEADER_SECTORS, *places, backup)
    block = (block + head + entries).ljust(whole * 16, b"\0")
    return (block + struct.pack("<HHI", 8, 2, zlib.crc32(block))).ljust(_BLOCK, b"\0")


def _encrypted(data: bytes, first: int) -> bytes:
    out = []
    for at in range(0, len(data), _SECTOR):
        tweak = (first + at // _SECTOR).to_bytes(16, "little")
        out.append(
            Cipher(algorithms.AES(_FVEK), modes.XTS(tweak)).encryptor().update(data[at : at + _SECTOR])
        )
    return b"".join(out)


def lock(volume: bytes, *, lies_open: bool = False) -> bytes:
    """``volume`` (an NTFS file system with room in its second half) as BitLocker keeps it on the disk.

    ``lies_open``: with the key beside the lock, as Windows leaves it until there is a recovery key.
    """
    size = len(volume)
    spaces = [
        at for at in range(size // 2 // _BLOCK * _BLOCK, size, _BLOCK) if not any(volume[at : at + _BLOCK])
    ]
    backup, *others = spaces[:: len(spaces) // 4][:4]
    places = (others[0], others[1], others[2])
    made = bytearray(_encrypted(volume, 0))
    start = _HEADER_SECTORS * _SECTOR
    made[backup : backup + start] = _encrypted(volume[:start], backup // _SECTOR)
    for place in places:
        made[place : place + _BLOCK] = _metadata(size, places, backup, lies_open=lies_open)
    boot = bytearray(_SECTOR)
    boot[0:11] = b"\xeb\x58\x90-FVE-FS-"
    struct.pack_into("<HB", boot, 11, _SECTOR, 8)
    boot[160:176] = _GUID.bytes_le
    struct.pack_into("<3Q", boot, 176, *places)
    boot[510:512] = b"\x55\xaa"
    made[:_SECTOR] = boot
    return bytes(made)
