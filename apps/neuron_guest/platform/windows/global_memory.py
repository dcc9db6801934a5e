"""Movable global memory: how the clipboard carries data (Microsoft, "Clipboard Operations")."""

from __future__ import annotations

import ctypes

from neuron_guest.platform.windows import win32
from neuron_guest.platform.windows.win32 import BOOL, HANDLE, POINTER, SIZE, UINT

_GMEM_MOVEABLE = 2

_alloc = win32.function("kernel32", "GlobalAlloc", HANDLE, UINT, SIZE)
_lock = win32.function("kernel32", "GlobalLock", POINTER, HANDLE)
_unlock = win32.function("kernel32", "GlobalUnlock", BOOL, HANDLE, fails="never")
_size = win32.function("kernel32", "GlobalSize", SIZE, HANDLE)
_free = win32.function("kernel32", "GlobalFree", HANDLE, HANDLE, fails="never")


def allocate(data: bytes) -> int:
    """Memory holding ``data`` (one zero if empty). Raises: Win32Error when there is none left."""
    handle: int = _alloc(_GMEM_MOVEABLE, max(1, len(data)))
    try:
        place = _lock(handle)
    except win32.Win32Error:
        _free(handle)
        raise
    ctypes.memmove(place, data or b"\0", max(1, len(data)))
    _unlock(handle)
    return handle


def read(handle: int) -> bytes:
    """A copy of the memory's bytes; it may be longer than what was put there. Raises: Win32Error."""
    count = _size(handle)
    place = _lock(handle)
    try:
        return ctypes.string_at(place, count)
    finally:
        _unlock(handle)


def free(handle: int) -> None:
    """Free memory that Windows did not take over."""
    _free(handle)
