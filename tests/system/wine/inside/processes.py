"""Processes of this Windows."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator

from neuron_guest.platform.windows import win32
from neuron_guest.platform.windows.win32 import BOOL, DWORD, HANDLE, LONG, POINTER

_snapshot = win32.function(
    "kernel32", "CreateToolhelp32Snapshot", HANDLE, DWORD, DWORD, fails="invalid-handle"
)
_first = win32.function("kernel32", "Process32FirstW", BOOL, HANDLE, POINTER, fails="never")
_next = win32.function("kernel32", "Process32NextW", BOOL, HANDLE, POINTER, fails="never")
_open = win32.function("kernel32", "OpenProcess", HANDLE, DWORD, BOOL, DWORD)
_terminate = win32.function("kernel32", "TerminateProcess", BOOL, HANDLE, DWORD)
_PROCESSES, _TERMINATE = 0x2, 0x1


class _Entry(ctypes.Structure):
    _fields_ = [
        ("dwSize", DWORD),
        ("cntUsage", DWORD),
        ("th32ProcessID", DWORD),
        ("th32DefaultHeapID", ctypes.c_size_t),
        ("th32ModuleID", DWORD),
        ("cntThreads", DWORD),
        ("th32ParentProcessID", DWORD),
        ("pcPriClassBase", LONG),
        ("dwFlags", DWORD),
        ("szExeFile", ctypes.c_uint16 * 260),
    ]


def _all() -> Iterator[tuple[int, int]]:
    with win32.Handle(_snapshot(_PROCESSES, 0)) as snapshot:
        entry = _Entry(dwSize=ctypes.sizeof(_Entry))
        more = _first(snapshot.value, ctypes.byref(entry))
        while more:
            yield entry.th32ProcessID, entry.th32ParentProcessID
            more = _next(snapshot.value, ctypes.byref(entry))


def children(parent: int) -> list[int]:
    """Ids of the processes that ``parent`` started and that run."""
    return [process for process, other in _all() if other == parent]


def exists(process: int) -> bool:
    """Whether it runs."""
    return any(number == process for number, _ in _all())


def end(process: int) -> None:
    """End one at once."""
    with win32.Handle(_open(_TERMINATE, win32.FALSE, process)) as handle:
        _terminate(handle.value, 1)
