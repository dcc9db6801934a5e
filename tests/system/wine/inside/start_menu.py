"""Makes shortcuts as Windows' own programs do: with IShellLinkW."""

from __future__ import annotations

import ctypes
import uuid
from typing import Any

from neuron_guest.platform.windows import com, win32
from neuron_guest.platform.windows.apps import start_menus
from neuron_guest.platform.windows.win32 import DWORD, LONG, POINTER, WSTR

_create = win32.function(
    "ole32", "CoCreateInstance", LONG, POINTER, POINTER, DWORD, POINTER, POINTER, fails="hresult"
)
_SHELL_LINK = uuid.UUID("00021401-0000-0000-c000-000000000046")
_ISHELLLINKW = uuid.UUID("000214f9-0000-0000-c000-000000000046")
_IPERSISTFILE = uuid.UUID("0000010b-0000-0000-c000-000000000046")
_QUERY, _SET_ARGUMENTS, _SET_ICON, _SET_PATH, _SAVE = 0, 11, 17, 20, 6


def _method(interface: Any, number: int, *types: Any) -> Any:
    table = ctypes.cast(interface, ctypes.POINTER(ctypes.POINTER(ctypes.c_void_p))).contents
    return win32.callback(LONG, POINTER, *types)(table[number])


def make(name: str, target: str, arguments: str, icon: str, index: int) -> str:
    """Put a shortcut into the person's start menu; returns its path."""
    path = f"{start_menus()[0]}\\{name}.lnk"
    with com.apartment():
        link, file = ctypes.c_void_p(), ctypes.c_void_p()
        _create(_SHELL_LINK.bytes_le, None, 1, _ISHELLLINKW.bytes_le, ctypes.byref(link))
        assert _method(link, _SET_PATH, WSTR)(link, target) >= 0
        assert _method(link, _SET_ARGUMENTS, WSTR)(link, arguments) >= 0
        if icon:
            assert _method(link, _SET_ICON, WSTR, ctypes.c_int)(link, icon, index) >= 0
        query = _method(link, _QUERY, POINTER, POINTER)
        assert query(link, _IPERSISTFILE.bytes_le, ctypes.byref(file)) >= 0
        assert _method(file, _SAVE, WSTR, ctypes.c_int)(file, path, 1) >= 0
    return path
