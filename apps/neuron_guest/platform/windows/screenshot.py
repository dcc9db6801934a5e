"""The whole desktop, every monitor, as PNG."""

from __future__ import annotations

import ctypes

from neuron_guest.backend import BackendError
from neuron_guest.platform.windows import dib, gdi, png, win32

_XVIRTUALSCREEN, _YVIRTUALSCREEN, _CXVIRTUALSCREEN, _CYVIRTUALSCREEN = 76, 77, 78, 79

_metric = win32.function("user32", "GetSystemMetrics", ctypes.c_int, ctypes.c_int, fails="never")


def capture() -> bytes:
    """A PNG of the virtual screen. Raises: BackendError no-display, failed (secure desktop, locked)."""
    left, top = _metric(_XVIRTUALSCREEN), _metric(_YVIRTUALSCREEN)
    width, height = _metric(_CXVIRTUALSCREEN), _metric(_CYVIRTUALSCREEN)
    if width < 1 or height < 1 or width * height > dib.MAXIMUM_PIXELS:
        raise BackendError("no-display", "Windows shows no screen in this session")
    try:
        with gdi.screen() as source, gdi.canvas(width, height) as target:
            gdi.copy(target, source, left, top)
            pixels = target.pixels()
    except win32.Win32Error as error:
        raise BackendError("failed", f"the screen could not be read: {error}") from error
    return png.encode(width, height, rgb(pixels), alpha=False)


def rgb(bgra: bytes) -> bytes:
    """BGRA → RGB."""
    out = bytearray(len(bgra) // 4 * 3)
    for target, place in enumerate((2, 1, 0)):
        out[target::3] = bgra[place::4]
    return bytes(out)
