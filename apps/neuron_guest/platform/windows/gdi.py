"""Pixels out of GDI: the desktop, and icons."""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Iterator
from dataclasses import dataclass

from neuron_guest.platform.windows import win32
from neuron_guest.platform.windows.win32 import BOOL, DWORD, HANDLE, LONG, POINTER, UINT, WORD

_SRCCOPY, _CAPTUREBLT = 0x00CC0020, 0x40000000
_DIB_RGB_COLORS = 0
_DI_NORMAL = 3

_get_dc = win32.function("user32", "GetDC", HANDLE, HANDLE)
_release_dc = win32.function("user32", "ReleaseDC", ctypes.c_int, HANDLE, HANDLE, fails="never")
_compatible_dc = win32.function("gdi32", "CreateCompatibleDC", HANDLE, HANDLE)
_delete_dc = win32.function("gdi32", "DeleteDC", BOOL, HANDLE, fails="never")
_dib_section = win32.function(
    "gdi32", "CreateDIBSection", HANDLE, HANDLE, POINTER, UINT, POINTER, HANDLE, DWORD
)
_select = win32.function("gdi32", "SelectObject", HANDLE, HANDLE, HANDLE)
_delete = win32.function("gdi32", "DeleteObject", BOOL, HANDLE, fails="never")
_flush = win32.function("gdi32", "GdiFlush", BOOL, fails="never")
_bit_blt = win32.function(
    "gdi32", "BitBlt", BOOL, HANDLE, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_int, HANDLE,
    ctypes.c_int, ctypes.c_int, DWORD,
)  # fmt: skip
_draw_icon = win32.function(
    "user32", "DrawIconEx", BOOL, HANDLE, ctypes.c_int, ctypes.c_int, HANDLE, ctypes.c_int, ctypes.c_int,
    UINT, HANDLE, UINT,
)  # fmt: skip


class _InfoHeader(ctypes.Structure):
    _fields_ = [
        ("biSize", DWORD),
        ("biWidth", LONG),
        ("biHeight", LONG),
        ("biPlanes", WORD),
        ("biBitCount", WORD),
        ("biCompression", DWORD),
        ("biSizeImage", DWORD),
        ("biXPelsPerMeter", LONG),
        ("biYPelsPerMeter", LONG),
        ("biClrUsed", DWORD),
        ("biClrImportant", DWORD),
    ]


@dataclass(frozen=True)
class Canvas:
    """A drawing surface in memory, 32 bits per pixel, rows from the top."""

    context: int
    width: int
    height: int
    _bits: int

    def pixels(self) -> bytes:
        """A copy as BGRA; where GDI drew, the fourth byte is what the source had, often zero."""
        _flush()
        return ctypes.string_at(self._bits, self.width * self.height * 4)


@contextlib.contextmanager
def canvas(width: int, height: int, *, fill: bytes | None = None) -> Iterator[Canvas]:
    """A surface of its own; ``fill`` is one pixel's BGRA. Raises: Win32Error."""
    header = _InfoHeader(ctypes.sizeof(_InfoHeader), width, -height, 1, 32)
    bits = ctypes.c_void_p()
    context = _compatible_dc(None)
    try:
        section = _dib_section(None, ctypes.byref(header), _DIB_RGB_COLORS, ctypes.byref(bits), None, 0)
        try:
            place = bits.value or 0
            if fill is not None:
                ctypes.memmove(place, fill * (width * height), width * height * 4)
            before = _select(context, section)
            try:
                yield Canvas(context, width, height, place)
            finally:
                _select(context, before)
        finally:
            _delete(section)
    finally:
        _delete_dc(context)


@contextlib.contextmanager
def screen() -> Iterator[int]:
    """The whole screen's device context. Raises: Win32Error where the session shows none."""
    context = _get_dc(None)
    try:
        yield context
    finally:
        _release_dc(None, context)


def copy(target: Canvas, source: int, left: int, top: int) -> None:
    """Fill the canvas from ``source`` at (left, top), layered windows included. Raises: Win32Error."""
    _bit_blt(target.context, 0, 0, target.width, target.height, source, left, top, _SRCCOPY | _CAPTUREBLT)


def draw_icon(target: Canvas, icon: int) -> None:
    """Draw an icon over the whole canvas. Raises: Win32Error."""
    _draw_icon(target.context, 0, 0, icon, target.width, target.height, 0, None, _DI_NORMAL)
