"""Icons of programs as PNG, extracted by Windows' own functions."""

from __future__ import annotations

import ctypes

from neuron_guest.platform.windows import com, gdi, png, win32
from neuron_guest.platform.windows.win32 import BOOL, DWORD, HANDLE, POINTER, SIZE, UINT, WSTR

SIZE_PIXELS = 64

_extract = win32.function(
    "user32", "PrivateExtractIconsW", UINT, WSTR, ctypes.c_int, ctypes.c_int, ctypes.c_int, POINTER, POINTER,
    UINT, UINT, fails="never",
)  # fmt: skip
_destroy = win32.function("user32", "DestroyIcon", BOOL, HANDLE, fails="never")
_file_info = win32.function("shell32", "SHGetFileInfoW", SIZE, WSTR, DWORD, POINTER, UINT, UINT)
_SHGFI_ICON = 0x100
_BLACK, _WHITE = b"\0\0\0\0", b"\xff\xff\xff\0"


class _FileInfo(ctypes.Structure):
    _fields_ = [
        ("hIcon", HANDLE),
        ("iIcon", ctypes.c_int),
        ("dwAttributes", DWORD),
        ("szDisplayName", ctypes.c_uint16 * 260),
        ("szTypeName", ctypes.c_uint16 * 80),
    ]


def of_resource(path: str, index: int) -> bytes:
    """Icon number ``index`` of a program, library or .ico file; empty if it has none."""
    icon, identifier = HANDLE(), UINT()
    found = _extract(
        path, index, SIZE_PIXELS, SIZE_PIXELS, ctypes.byref(icon), ctypes.byref(identifier), 1, 0
    )
    return _to_png(icon.value) if found == 1 and icon.value else b""


def of_file(path: str) -> bytes:
    """The icon Windows shows for a file; empty if it has none."""
    info = _FileInfo()
    with com.apartment():
        try:
            _file_info(path, 0, ctypes.byref(info), ctypes.sizeof(info), _SHGFI_ICON)
        except win32.Win32Error:
            return b""
    return _to_png(info.hIcon) if info.hIcon else b""


def _to_png(icon: int) -> bytes:
    """Draw the icon on black and on white: the difference is its transparency, whatever its kind."""
    try:
        drawn = []
        for background in (_BLACK, _WHITE):
            with gdi.canvas(SIZE_PIXELS, SIZE_PIXELS, fill=background) as canvas:
                gdi.draw_icon(canvas, icon)
                drawn.append(canvas.pixels())
    except win32.Win32Error:
        return b""
    finally:
        _destroy(icon)
    return png.encode(SIZE_PIXELS, SIZE_PIXELS, rgba(*drawn), alpha=True, level=6)


def rgba(on_black: bytes, on_white: bytes) -> bytes:
    """Straight-alpha RGBA of what was drawn over black and over white (both BGRA; their alpha is ignored)."""
    out = bytearray(len(on_black))
    for at in range(0, len(on_black), 4):
        alpha = 255 - max(0, on_white[at + 1] - on_black[at + 1])
        if alpha:
            for place in range(3):
                out[at + place] = min(255, on_black[at + 2 - place] * 255 // alpha)
            out[at + 3] = alpha
    return bytes(out)
