"""A machine in a file, to be looked at elsewhere: what was read of it, without what would name its owner.

A bundle is gzip over JSON: ``{"format": 1, "files", "links", "names", "present"}``. Files hold text, or
base64 after "base64:". It is opened in memory, with limits, so a hostile file can at worst be refused.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import io
import json
import re
import struct
import zlib
from pathlib import Path
from typing import Any

from libneuron.hardware.capture import OPTIONS, capture
from libneuron.hardware.errors import HardwareError
from libneuron.hardware.machine import Machine
from libneuron.hardware.names import Names
from libneuron.system.files import write_atomic
from libneuron.system.trees import Recording, RecordingTree, ReplayTree, Tree

FORMAT = 1
_LIMIT = 32 << 20  # bytes after unpacking; a large server's bundle has about 2 MiB
_BINARY = "base64:"

_UUID = re.compile(rb"\b[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b")
_MAC = re.compile(rb"\b[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5}\b")
_MACHINE_ID = re.compile(rb"\b[0-9a-fA-F]{32}\b")
_HOME = re.compile(rb"/home/[^/\s]+")
_PERSONAL_ARGUMENT = re.compile(
    rb"\b(root|resume|cryptdevice|rd\.luks\.\w+|rd\.lvm\.\w+|luks\.\w+|ip|hostname|systemd\.hostname|nfsroot"
    rb"|netroot|ifname|BOOTIF|systemd\.machine_id|rd\.md\.uuid|zfs|live-config\.\S*|user\w*|init)=\S+"
)
_MEMORY = re.compile(rb" : (PCI\b.*|efifb|vesafb|simplefb|BOOTFB|simple-framebuffer\S*)\s*$")
_SERIAL_CAPABILITY = 0x0003  # PCI Express device serial number: an EUI-64, for network cards the MAC address


def anonymous(path: str, data: bytes) -> bytes:
    """What of a file may leave the machine."""
    if path.startswith("/sys/bus/pci/devices/") and path.endswith("/config"):
        return _without_serial(data)
    if path.startswith("/boot/config-") or path.endswith("/config"):
        return b"\n".join(
            line
            for line in data.splitlines()
            if line.partition(b"=")[0].decode("ascii", "replace")[7:] in OPTIONS
        )
    if path == "/proc/config.gz":
        return _without_unused_options(data)
    if path == "/proc/interrupts":
        # The names of chips are asked for, not the counters and devices.
        return b" ".join(sorted(set(re.findall(rb"\bIR-[\w-]+", data)))) or b"none"
    if path == "/proc/iomem":
        # Where the kernel lies is nobody's business; where PCI begins shows that addresses are told at all.
        return b"\n".join(line for line in data.splitlines() if _MEMORY.search(line))
    if path == "/etc/os-release":
        return b"\n".join(line for line in data.splitlines() if line.startswith((b"ID=", b"ID_LIKE=")))
    if path.startswith("/sys/firmware/efi/efivars/"):
        return data[:64]
    if path == "/proc/cmdline":
        data = _PERSONAL_ARGUMENT.sub(rb"\1=removed", data)
    for pattern in (_UUID, _MAC, _MACHINE_ID):
        data = pattern.sub(b"removed", data)
    return _HOME.sub(b"/home/removed", data)


def _without_unused_options(data: bytes) -> bytes:
    try:
        text = gzip.decompress(data)
    except (OSError, EOFError, zlib.error):
        return b""
    return gzip.compress(anonymous("/boot/config-", text), mtime=0)


def _without_serial(data: bytes) -> bytes:
    """Zero the serial number in a configuration space; the chain of capabilities stays whole."""
    cleaned = bytearray(data)
    offset, seen = 0x100, set()
    while 0x100 <= offset <= len(cleaned) - 4 and offset not in seen:
        seen.add(offset)
        header = struct.unpack_from("<I", cleaned, offset)[0]
        if header in (0, 0xFFFFFFFF):
            break
        if header & 0xFFFF == _SERIAL_CAPABILITY:
            end = min(offset + 12, len(cleaned))
            cleaned[offset + 4 : end] = bytes(end - offset - 4)
        offset = header >> 20 & 0xFFC
    return bytes(cleaned)


def record(tree: Tree, names: Names) -> Recording:
    """Read the machine behind ``tree`` and return what was read, anonymised."""
    recorder = RecordingTree(tree, anonymous)
    capture(recorder, names)
    return recorder.recording()


def machine(recording: Recording, names: Names) -> Machine:
    """The machine in a recording."""
    return capture(ReplayTree(recording), names)


def dump(recording: Recording) -> bytes:
    """A recording as a bundle; the same recording gives the same bytes."""
    text = json.dumps(
        {
            "format": FORMAT,
            "files": {path: _encode(data) for path, data in recording.files.items()},
            "links": dict(recording.links),
            "names": {path: list(names) for path, names in recording.names.items()},
            "present": sorted(recording.present),
        },
        ensure_ascii=False,
        indent=0,
        sort_keys=True,
    )
    return gzip.compress(text.encode(), 9, mtime=0)


def _encode(data: bytes) -> str:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return _BINARY + base64.b64encode(data).decode()
    return _BINARY + base64.b64encode(data).decode() if "\0" in text or text.startswith(_BINARY) else text


def load(data: bytes, *, path: str) -> Recording:
    """A bundle's recording. Raises: HardwareError bundle-unreadable."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as packed:
            text = packed.read(_LIMIT + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise _unreadable(path, "it is not compressed the right way") from error
    if len(text) > _LIMIT:
        raise _unreadable(path, "it is too large")
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _unreadable(path, "its content is damaged") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise _unreadable(path, "its format is not known to this version")
    try:
        return Recording(
            files={key: _decode(value) for key, value in _strings(content, "files").items()},
            links=_strings(content, "links"),
            names={key: _list(value) for key, value in _mapping(content, "names").items()},
            present=frozenset(_list(content.get("present", []))),
        )
    except (TypeError, ValueError) as error:
        raise _unreadable(path, str(error)) from error


def _unreadable(path: str, problem: str) -> HardwareError:
    return HardwareError("hardware.bundle-unreadable", path=path, problem=problem)


def _mapping(content: dict[str, Any], key: str) -> dict[str, Any]:
    value = content.get(key, {})
    if not isinstance(value, dict):
        raise TypeError(f"“{key}” is not a table")
    return value


def _strings(content: dict[str, Any], key: str) -> dict[str, str]:
    value = _mapping(content, key)
    for name, text in value.items():
        if not isinstance(text, str):
            raise TypeError(f"“{key}.{name}” is not a text")
    return value


def _list(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise TypeError("a list of names holds something else")
    return tuple(value)


def _decode(text: str) -> bytes:
    if not text.startswith(_BINARY):
        return text.encode()
    try:
        return base64.b64decode(text.removeprefix(_BINARY), validate=True)
    except binascii.Error as error:
        raise ValueError("a binary part is damaged") from error


def save(recording: Recording, path: Path) -> None:
    """Write a bundle. Raises: HardwareError bundle-unwritable."""
    try:
        write_atomic(path, dump(recording), durable=False)
    except OSError as error:
        raise HardwareError("hardware.bundle-unwritable", path=path, details=str(error)) from error


def open_file(path: Path) -> Recording:
    """Read a bundle. Raises: HardwareError bundle-unreadable."""
    try:
        with path.open("rb") as file:
            data = file.read(_LIMIT + 1)
    except OSError as error:
        raise HardwareError(
            "hardware.bundle-unreadable",
            path=path,
            problem=error.strerror or "it cannot be read",
            details=str(error),
        ) from error
    return load(data, path=str(path))
