"""Single parts of the Windows platform, asked inside Wine."""

from __future__ import annotations

import ctypes
import json
import sys
import time
from pathlib import Path, PureWindowsPath
from typing import Any

from neuron_guest.platform.windows import machine, quoting, security, setup_disk, win32, wts
from neuron_guest.platform.windows.win32 import DWORD, HANDLE, POINTER, WSTR

_to_argv = win32.function("shell32", "CommandLineToArgvW", POINTER, WSTR, POINTER)
_local_free = win32.function("kernel32", "LocalFree", HANDLE, HANDLE, fails="never")


def parsed_back(lists: list[list[str]]) -> list[list[str]]:
    """What Windows' own parser makes of our command lines, the program's name left out."""
    found = []
    for words in lists:
        count = DWORD()
        place = _to_argv(quoting.command_line(r"C:\a b\x.exe", words), ctypes.byref(count))
        array = ctypes.cast(place, ctypes.POINTER(ctypes.c_wchar_p))
        found.append([array[number] or "" for number in range(1, count.value)])
        _local_free(place)
    return found


def sessions() -> dict[str, Any]:
    """What the session functions say."""
    return {"own": wts.own_session(), "console": wts.console(), "listed": list(wts.sessions())}


def own_sid() -> str:
    """Who this process runs as."""
    with security.process_token(security.TOKEN_QUERY) as token:
        return security.user_sid(token)


def protected(path: str, sddl: str) -> str:
    """Set a folder's rights and read them back."""
    security.protect(PureWindowsPath(path), sddl)
    return security.rights(PureWindowsPath(path))


def made_private(path: str) -> str:
    """Make or keep a private folder, and read its rights."""
    setup_disk.make_private(Path(path))
    return security.rights(PureWindowsPath(path))


def wait_for_arguments(path: str) -> list[str]:
    """What a program that wrote its arguments to ``path`` was started with."""
    ends = time.monotonic() + 30
    while not Path(path).exists():
        assert time.monotonic() < ends, "the program did not start"
        time.sleep(0.05)
    found: list[str] = json.loads(Path(path).read_text(encoding="utf-8"))
    return found


def discs() -> list[bytes]:
    """Hand-overs on discs."""
    return list(machine.discs())


def interpreter() -> str:
    """This Python."""
    return sys.executable
