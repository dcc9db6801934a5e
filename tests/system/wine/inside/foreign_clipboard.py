"""A program that copies and pastes as any other, with raw Win32 calls of its own."""

from __future__ import annotations

import ctypes
import hashlib
import time
from typing import Any

user: Any = getattr(ctypes, "WinDLL", lambda _name: None)("user32")
kernel: Any = getattr(ctypes, "WinDLL", lambda _name: None)("kernel32")
CF_UNICODETEXT = 13

if user is not None:
    for function in (user.GetClipboardData, user.SetClipboardData, kernel.GlobalAlloc, kernel.GlobalLock):
        function.restype = ctypes.c_void_p
    user.SetClipboardData.argtypes = [ctypes.c_uint, ctypes.c_void_p]
    kernel.GlobalAlloc.argtypes = [ctypes.c_uint, ctypes.c_size_t]
    kernel.GlobalLock.argtypes = kernel.GlobalUnlock.argtypes = kernel.GlobalSize.argtypes = [ctypes.c_void_p]
    kernel.GlobalSize.restype = ctypes.c_size_t


def _open() -> None:
    ends = time.monotonic() + 10
    while not user.OpenClipboard(None):
        assert time.monotonic() < ends, "the clipboard stays busy"
        time.sleep(0.01)


def number(name: str | int) -> int:
    """A format's number."""
    return name if isinstance(name, int) else int(user.RegisterClipboardFormatW(ctypes.c_wchar_p(name)))


def paste(format: str | int) -> bytes | None:  # noqa: A002 — reads best where it is called
    """The bytes of a format."""
    _open()
    try:
        handle = user.GetClipboardData(number(format))
        if not handle:
            return None
        place = kernel.GlobalLock(handle)
        data = ctypes.string_at(place, kernel.GlobalSize(handle))
        kernel.GlobalUnlock(handle)
        return data
    finally:
        user.CloseClipboard()


def copy(formats: list[tuple[str | int, bytes]]) -> None:
    """Replace the clipboard."""
    _open()
    try:
        user.EmptyClipboard()
        for name, data in formats:
            handle = kernel.GlobalAlloc(2, max(1, len(data)))
            ctypes.memmove(kernel.GlobalLock(handle), data, len(data))
            kernel.GlobalUnlock(handle)
            assert user.SetClipboardData(number(name), handle)
    finally:
        user.CloseClipboard()


def checksum(format: str | int) -> str:  # noqa: A002
    """SHA-256 of a format's bytes."""
    return hashlib.sha256(paste(format) or b"").hexdigest()


def copy_again(format: str | int) -> None:  # noqa: A002
    """Copy what was pasted, so that this program owns it."""
    copy([(format, paste(format) or b"")])


def formats() -> list[int]:
    """Numbers of all formats present, in order."""
    _open()
    try:
        found, last = [], 0
        while last := user.EnumClipboardFormats(last):
            found.append(last)
        return found
    finally:
        user.CloseClipboard()


def text() -> str | None:
    """CF_UNICODETEXT as programs read it."""
    data = paste(CF_UNICODETEXT)
    return None if data is None else data.decode("utf-16-le").partition("\0")[0]


def copy_text(text: str) -> None:
    """Copy as programs do."""
    copy([(CF_UNICODETEXT, (text + "\0").encode("utf-16-le"))])


def hold() -> None:
    """Open the clipboard and keep it."""
    _open()


def let_go() -> None:
    """Close what :func:`hold` opened."""
    user.CloseClipboard()
