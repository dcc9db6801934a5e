"""Shortcuts are read as [MS-SHLLINK] says, and nothing else is."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuron_guest.platform.windows.shortcuts import Shortcut, parse

CLSID = bytes.fromhex("0114020000000000c000000000000046")


def header(flags: int, icon: int = 0) -> bytes:
    return struct.pack("<I16sIIQQQIiIHHII", 0x4C, CLSID, flags, 0, 0, 0, 0, 0, icon, 1, 0, 0, 0, 0)


def link_info(path: str) -> bytes:
    narrow = path.encode("cp1252") + b"\0"
    body = struct.pack("<IIIIII", 28, 1, 0, 28, 0, 28 + len(narrow) - 1) + narrow
    return struct.pack("<I", len(body) + 4) + body


def wide(text: str) -> bytes:
    return struct.pack("<H", len(text)) + text.encode("utf-16-le")


def test_target_arguments_and_icon_are_found() -> None:
    data = (
        header(0x1 | 0x2 | 0x20 | 0x40 | 0x80, icon=3)
        + struct.pack("<H", 2) + b"\0\0"
        + link_info(r"C:\Program Files\é.exe")
        + wide("-x y") + wide(r"%SystemRoot%\a.dll") + bytes(4)
    )  # fmt: skip
    assert parse(data) == Shortcut(r"C:\Program Files\é.exe", "-x y", r"%SystemRoot%\a.dll", 3)


def test_a_target_with_variables_comes_from_its_block() -> None:
    block = (
        struct.pack("<II", 0x314, 0xA0000001)
        + bytes(260)
        + r"%windir%\n.exe".encode("utf-16-le").ljust(520, b"\0")
    )
    assert parse(header(0x80) + block + bytes(4)).target == r"%windir%\n.exe"


@pytest.mark.parametrize(
    "data",
    [
        b"", b"[InternetShortcut]", header(0)[:50], header(0x1), header(0x1) + b"\xff\xff",
        header(0x2) + b"\x04\0\0\0",
        header(0x2) + struct.pack("<7I", 28, 28, 1, 0, 9999, 0, 9999), header(0x20 | 0x80) + b"\x09\0ab",
        header(0) + bytes(2 * 1024 * 1024),
    ],
)  # fmt: skip
def test_what_is_no_shortcut_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"shortcut|block"):
        parse(data)


@given(st.integers(0, 0xFF), st.binary(max_size=200))
def test_no_bytes_do_more_than_be_refused(flags: int, rest: bytes) -> None:
    try:
        parse(header(flags) + rest)
    except ValueError:
        return
