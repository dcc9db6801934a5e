"""PuTTY's private keys without a passphrase, as OpenSSH reads them. Pure.

Sources: PuTTY manual, appendix C "PPK file format" (versions 2 and 3, and their MACs); OpenSSH, PROTOCOL.key
("openssh-key-v1") and the agent draft's order of the private fields.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from libneuron.migration.transforms.common import NotUnderstood, decode

_HEAD = "PuTTY-User-Key-File-"
_WIDTH = 70


@dataclass(frozen=True)
class Key:
    """A key as the file has it; ``encryption`` is "none" where no passphrase is needed."""

    version: int
    algorithm: str
    encryption: str
    comment: str
    public: bytes
    private: bytes
    mac: str


def parse(data: bytes) -> Key:
    """The key in ``data``. Raises: NotUnderstood."""
    lines = decode(data).splitlines()
    fields: dict[str, str] = {}
    blobs: dict[str, bytes] = {}
    at = 0
    while at < len(lines):
        name, colon, value = lines[at].partition(": ")
        at += 1
        if not colon:
            raise NotUnderstood("not a PuTTY key")
        if name.endswith("-Lines") and value.isdecimal():
            body = "".join(lines[at : at + int(value)])
            at += int(value)
            try:
                blobs[name] = base64.b64decode(body, validate=True)
            except ValueError as error:
                raise NotUnderstood(str(error)) from error
        else:
            fields[name] = value
    head = next(iter(fields), "")
    version = head.removeprefix(_HEAD)
    if not head.startswith(_HEAD) or version not in ("2", "3"):
        raise NotUnderstood("not a PuTTY key of version 2 or 3")
    return Key(
        int(version),
        fields[head],
        fields.get("Encryption", ""),
        fields.get("Comment", ""),
        blobs.get("Public-Lines", b""),
        blobs.get("Private-Lines", b""),
        fields.get("Private-MAC", ""),
    )


def _string(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def _strings(data: bytes, count: int) -> list[bytes]:
    found = []
    for _ in range(count):
        if len(data) < 4:
            raise NotUnderstood("a key that ends too soon")
        (size,) = struct.unpack_from(">I", data)
        found.append(data[4 : 4 + size])
        if len(found[-1]) != size:
            raise NotUnderstood("a key that ends too soon")
        data = data[4 + size :]
    return found


def _is_whole(key: Key) -> bool:
    parts = (key.algorithm.encode(), key.encryption.encode(), key.comment.encode(), key.public, key.private)
    told = b"".join(map(_string, parts))
    if key.version == 3:
        made = hmac.new(b"", told, hashlib.sha256)
    else:
        secret = hashlib.sha1(b"putty-private-key-file-mac-key", usedforsecurity=False).digest()
        made = hmac.new(secret, told, hashlib.sha1)
    return hmac.compare_digest(made.hexdigest(), key.mac.lower())


def _fields(key: Key) -> Sequence[bytes]:
    """The fields of the private part, in OpenSSH's order, without the algorithm's name."""
    if key.algorithm == "ssh-rsa":
        _name, exponent, modulus = _strings(key.public, 3)
        private, first, second, inverse = _strings(key.private, 4)
        return modulus, exponent, private, inverse, first, second
    if key.algorithm == "ssh-ed25519":
        _name, point = _strings(key.public, 2)
        (seed,) = _strings(key.private, 1)
        return point, seed + point
    if key.algorithm.startswith("ecdsa-sha2-nistp"):
        _name, curve, point = _strings(key.public, 3)
        (number,) = _strings(key.private, 1)
        return curve, point, number
    raise NotUnderstood(f"keys of the kind {key.algorithm} are not known here")


def openssh(data: bytes) -> bytes:
    """The key as an OpenSSH private key file. Raises: NotUnderstood, also where it needs a passphrase."""
    key = parse(data)
    if key.encryption != "none" or not _is_whole(key):
        raise NotUnderstood("a key with a passphrase, or a damaged one")
    check = hashlib.sha256(key.public).digest()[:4] * 2
    parts = (key.algorithm.encode(), *_fields(key), key.comment.encode())
    inner = check + b"".join(map(_string, parts))
    inner += bytes(range(1, 1 + -len(inner) % 8))
    body = b"openssh-key-v1\0" + _string(b"none") * 2 + _string(b"") + struct.pack(">I", 1)
    text = base64.b64encode(body + _string(key.public) + _string(inner)).decode()
    rows = [text[at : at + _WIDTH] for at in range(0, len(text), _WIDTH)]
    head, foot = "-----BEGIN OPENSSH PRIVATE KEY-----", "-----END OPENSSH PRIVATE KEY-----"
    return "\n".join([head, *rows, foot, ""]).encode()


def needs_puttygen(data: bytes) -> bool:
    """Whether only puttygen can turn the key into OpenSSH's form: it has a passphrase, or an old kind."""
    try:
        openssh(data)
    except NotUnderstood:
        return True
    return False
