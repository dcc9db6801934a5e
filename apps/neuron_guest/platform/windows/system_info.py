"""What this Windows is and who is signed in to this session."""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Mapping

from neuron_guest.platform.windows import display, win32, wts
from neuron_guest.platform.windows.win32 import BOOL, DWORD, POINTER

_user_name = win32.function("advapi32", "GetUserNameW", BOOL, POINTER, POINTER)

FEATURES = (
    "clipboard", "resolution", "apps", "launch", "open", "windows", "screenshot", "power", "metrics",
)  # fmt: skip


def info() -> Mapping[str, object]:
    """See :meth:`neuron_guest.backend.Backend.info`."""
    session = wts.own_session()
    return {
        "os": "Windows",
        "os_version": platform.version(),
        "hostname": platform.node(),
        "user": user_name(),
        "session": "locked" if wts.is_locked(session) else "active",
        "backend": "windows",
        "dpi": display.dpi(),
        "features": list(FEATURES),
    }


def machine() -> Mapping[str, object]:
    """The same as far as it holds with nobody signed in."""
    return {
        "os": "Windows",
        "os_version": platform.version(),
        "hostname": platform.node(),
        "user": None,
        "session": "none",
        "backend": "windows",
        "dpi": 96,
        "features": ["power", "metrics"],
    }


def user_name() -> str | None:
    """The person this process runs as."""
    size = DWORD(257)
    buffer = ctypes.create_unicode_buffer(size.value)
    try:
        _user_name(buffer, ctypes.byref(size))
    except win32.Win32Error:
        return None
    return buffer.value
