"""Real registry hives, written with hivex (python3-hivex, which only the system's Python has)."""

from __future__ import annotations

import json
import struct
import subprocess
from collections.abc import Mapping
from pathlib import Path

_SCRIPT = """
import hivex, json, sys
hive = hivex.Hivex(sys.argv[1], write=True)
for path, values in json.loads(sys.argv[2]).items():
    node = hive.root()
    for part in path.split("\\\\"):
        node = hive.node_get_child(node, part) or hive.node_add_child(node, part)
    for key, value in values.items():
        kind = 4 if isinstance(value, int) else 2
        data = value.to_bytes(4, "little") if kind == 4 else (value + "\\0").encode("utf-16-le")
        hive.node_set_value(node, {"key": key, "t": kind, "value": data})
hive.commit(None)
"""


def make(path: Path, key: str, values: Mapping[str, str]) -> None:
    """A hive with one key of expandable texts; ``key`` without the leading backslash."""
    make_keys(path, {key: values})


def make_keys(path: Path, keys: Mapping[str, Mapping[str, str | int]]) -> None:
    """A hive with several keys; texts are expandable ones, numbers REG_DWORD."""
    path.write_bytes(_empty())
    subprocess.run(["/usr/bin/python3", "-c", _SCRIPT, path, json.dumps(keys)], check=True)


def _empty() -> bytes:
    """The smallest hive: a header, one block and a root key.

    Source: Maxim Suhanov, "Windows registry file format specification" (base block, hive bin, key node).
    """
    none, name, security = 0xFFFFFFFF, b"$$$PROTO.HIV", 0x80
    node = struct.pack("<2sHQIIIIII", b"nk", 0x2C, 0, 0, none, 0, 0, none, none)
    node += struct.pack("<IIII", 0, none, security, none) + bytes(20)
    node += struct.pack("<HH", len(name), 0) + name
    first = struct.pack("<i", 0x20 - security) + node.ljust(security - 0x20 - 4, b"\0")
    shared = struct.pack("<2sHIIII", b"sk", 0, security, security, 1, 20)
    shared += struct.pack("<BBHIIII", 1, 0, 0x8000, 0, 0, 0, 0)  # a descriptor that says nothing
    second = struct.pack("<i", -48) + shared.ljust(44, b"\0")
    head = b"hbin" + struct.pack("<II", 0, 0x1000) + bytes(20)
    used = head + first + second
    free = 0x1000 - len(used)
    header = bytearray(0x1000)
    struct.pack_into("<4sIIQIIIIII", header, 0, b"regf", 1, 1, 0, 1, 5, 0, 1, 0x20, 0x1000)
    struct.pack_into("<I", header, 44, 1)
    check = 0
    for (word,) in struct.iter_unpack("<I", bytes(header[:508])):
        check ^= word
    struct.pack_into("<I", header, 508, check)
    return bytes(header) + used + struct.pack("<i", free) + bytes(free - 4)
