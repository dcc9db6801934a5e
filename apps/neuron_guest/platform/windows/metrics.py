"""How busy the machine is."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Mapping

from neuron_guest.platform.windows import win32
from neuron_guest.platform.windows.win32 import BOOL, DWORD, POINTER


class _MemoryStatus(ctypes.Structure):
    _fields_ = [
        ("dwLength", DWORD),
        ("dwMemoryLoad", DWORD),
        ("ullTotalPhys", ctypes.c_uint64),
        ("ullAvailPhys", ctypes.c_uint64),
        ("ullTotalPageFile", ctypes.c_uint64),
        ("ullAvailPageFile", ctypes.c_uint64),
        ("ullTotalVirtual", ctypes.c_uint64),
        ("ullAvailVirtual", ctypes.c_uint64),
        ("ullAvailExtendedVirtual", ctypes.c_uint64),
    ]


_memory = win32.function("kernel32", "GlobalMemoryStatusEx", BOOL, POINTER)
_times = win32.function("kernel32", "GetSystemTimes", BOOL, POINTER, POINTER, POINTER)
_ticks = win32.function("kernel32", "GetTickCount64", ctypes.c_uint64, fails="never")


def load(before: tuple[int, int], after: tuple[int, int]) -> float:
    """Share of time not idle (0–1) between two readings of (idle, total), in any unit."""
    idle, total = after[0] - before[0], after[1] - before[1]
    return min(1.0, max(0.0, 1 - idle / total)) if total > 0 else 0.0


class Metrics:
    """Processor load is measured between two questions; the first is answered since Windows started."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._before = (0, 0)

    def read(self) -> Mapping[str, float]:
        """cpu (0–1), memory_used and memory_total in bytes, uptime in seconds. Raises: Win32Error."""
        memory = _MemoryStatus(dwLength=ctypes.sizeof(_MemoryStatus))
        _memory(ctypes.byref(memory))
        with self._lock:
            now = _system_times()
            cpu, self._before = load(self._before, now), now
        return {
            "cpu": cpu,
            "memory_used": float(memory.ullTotalPhys - memory.ullAvailPhys),
            "memory_total": float(memory.ullTotalPhys),
            "uptime": _ticks() / 1000,
        }


def _system_times() -> tuple[int, int]:
    idle, kernel, user = ctypes.c_uint64(), ctypes.c_uint64(), ctypes.c_uint64()
    _times(ctypes.byref(idle), ctypes.byref(kernel), ctypes.byref(user))
    return idle.value, kernel.value + user.value  # kernel time includes idle time (Microsoft, GetSystemTimes)
