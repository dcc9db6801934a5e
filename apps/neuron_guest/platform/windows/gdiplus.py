"""Reading PNG images with the decoder that Windows brings (GDI+), in the person's own session.

The size a PNG claims is checked before Windows sees it.
"""

from __future__ import annotations

import ctypes
import threading

from neuron_guest.platform.windows import dib, png, win32
from neuron_guest.platform.windows.win32 import HANDLE, POINTER, UINT

_PIXEL_FORMAT_32BPP_ARGB = 0x26200A
_READ = 1


class _StartupInput(ctypes.Structure):
    _fields_ = [
        ("GdiplusVersion", UINT),
        ("DebugEventCallback", POINTER),
        ("SuppressBackgroundThread", ctypes.c_int),
        ("SuppressExternalCodecs", ctypes.c_int),
    ]


class _BitmapData(ctypes.Structure):
    _fields_ = [
        ("Width", UINT),
        ("Height", UINT),
        ("Stride", ctypes.c_int),
        ("PixelFormat", ctypes.c_int),
        ("Scan0", POINTER),
        ("Reserved", ctypes.c_size_t),
    ]


_startup = win32.function(
    "gdiplus", "GdiplusStartup", ctypes.c_int, POINTER, POINTER, POINTER, fails="status"
)
_from_stream = win32.function(
    "gdiplus", "GdipCreateBitmapFromStream", ctypes.c_int, POINTER, POINTER, fails="status"
)
_lock_bits = win32.function(
    "gdiplus", "GdipBitmapLockBits", ctypes.c_int, POINTER, POINTER, UINT, ctypes.c_int, POINTER,
    fails="status",
)  # fmt: skip
_unlock_bits = win32.function(
    "gdiplus", "GdipBitmapUnlockBits", ctypes.c_int, POINTER, POINTER, fails="never"
)
_dispose = win32.function("gdiplus", "GdipDisposeImage", ctypes.c_int, POINTER, fails="never")
_memory_stream = win32.function("shlwapi", "SHCreateMemStream", POINTER, ctypes.c_char_p, UINT)

_started = threading.Lock()
_token: ctypes.c_size_t | None = None


def _start() -> None:
    global _token  # noqa: PLW0603 — GDI+ is started once per process
    with _started:
        if _token is None:
            token = ctypes.c_size_t()
            _startup(ctypes.byref(token), ctypes.byref(_StartupInput(1, None, 0, 0)), None)
            _token = token


def decode_png(data: bytes) -> tuple[int, int, bytes]:
    """Width, height and BGRA rows from the top (straight alpha).

    Raises: ValueError for what is no PNG, too large or damaged.
    """
    width, height = png.size(data)
    if width * height > dib.MAXIMUM_PIXELS:
        raise ValueError("an image of impossible size")
    try:
        _start()
        stream = _memory_stream(data, len(data))
        try:
            return _decode(stream)
        finally:
            _release(stream)
    except win32.Win32Error as error:
        raise ValueError(f"an image that cannot be read: {error}") from error


def _decode(stream: int) -> tuple[int, int, bytes]:
    bitmap = HANDLE()
    _from_stream(stream, ctypes.byref(bitmap))
    try:
        locked = _BitmapData()
        _lock_bits(bitmap, None, _READ, _PIXEL_FORMAT_32BPP_ARGB, ctypes.byref(locked))
        try:
            row = locked.Width * 4
            if locked.Stride == row:
                pixels = ctypes.string_at(locked.Scan0, row * locked.Height)
            else:
                lines = (locked.Scan0 + line * locked.Stride for line in range(locked.Height))
                pixels = b"".join(ctypes.string_at(line, row) for line in lines)
            return locked.Width, locked.Height, pixels
        finally:
            _unlock_bits(bitmap, ctypes.byref(locked))
    finally:
        _dispose(bitmap)


_RELEASE = win32.callback(ctypes.c_uint32, POINTER)


def _release(interface: int) -> None:
    # IUnknown::Release is the third entry of every COM interface's table.
    table = ctypes.cast(interface, ctypes.POINTER(ctypes.POINTER(ctypes.c_void_p))).contents
    _RELEASE(table[2])(interface)
