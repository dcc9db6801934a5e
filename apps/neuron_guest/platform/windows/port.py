"""The VM's channel as Windows shows it: a virtio-serial port, or a COM port (tests, plain serial).

vioserial's peculiarities (virtio-win, vioserial/sys/{Port,IsrDpc,Buffer}.c):

- one ReadFile returns at most one page; a write over 2 MiB fails: we write at most 64 KiB;
- the port is exclusive: a second open fails with access denied;
- while no host is connected reads fail at once (STATUS_INSUFFICIENT_RESOURCES →
  ERROR_NO_SYSTEM_RESOURCES) and writes with STATUS_CANT_WAIT (→ ERROR_CANT_WAIT): wait, never spin;
- the driver's removal completes reads with STATUS_END_OF_FILE / no such device: close and open again;
- closing throws away what was not read: the epoch layer above starts anew.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from enum import Enum

from neuron_guest.platform.windows import overlapped, win32
from neuron_guest.platform.windows.overlapped import OverlappedStream
from neuron_guest.platform.windows.win32 import BOOL, DWORD, HANDLE, POINTER

PORT_NAME = r"\\.\Global\org.neuronos.guest.0"
"""vioserial links each port's name below ``\\\\.\\Global`` (vioserial/app)."""

READ_SIZE = 4096
WRITE_SIZE = 64 * 1024

_set_timeouts = win32.function("kernel32", "SetCommTimeouts", BOOL, HANDLE, POINTER, fails="never")


class Reaction(Enum):
    """What to do after a failed operation on the port."""

    WAIT = "the host is not connected: try again later"
    REOPEN = "the port is gone: close and open it again"


_WAIT_CODES = frozenset({
    1450,  # ERROR_NO_SYSTEM_RESOURCES ← STATUS_INSUFFICIENT_RESOURCES, a read without host
    552,  # ERROR_CANT_WAIT ← STATUS_CANT_WAIT, a write without host
    121,  # ERROR_SEM_TIMEOUT, a serial write that timed out
})  # fmt: skip


def reaction(code: int) -> Reaction:
    """What a Win32 error of ReadFile or WriteFile means on this port."""
    return Reaction.WAIT if code in _WAIT_CODES else Reaction.REOPEN


def back_off(attempt: int) -> float:
    """Seconds to wait before try number ``attempt`` (from 0): 50 ms doubling up to one second.

    One second at most, because a host that comes back shall be answered within two.
    """
    return float(min(0.05 * 2 ** min(attempt, 10), 1.0))


class _Timeouts(ctypes.Structure):
    _fields_ = [
        ("ReadIntervalTimeout", DWORD),
        ("ReadTotalTimeoutMultiplier", DWORD),
        ("ReadTotalTimeoutConstant", DWORD),
        ("WriteTotalTimeoutMultiplier", DWORD),
        ("WriteTotalTimeoutConstant", DWORD),
    ]


def _answer_at_first_byte(handle: int | None) -> None:
    # Microsoft, COMMTIMEOUTS: MAXDWORD twice and a constant below it returns as soon as there is a byte.
    # vioserial refuses the call, and returns what it has anyway.
    maximum = 0xFFFFFFFF
    _set_timeouts(handle, ctypes.byref(_Timeouts(maximum, maximum, maximum - 1, 0, 0)))


def open_port(name: str) -> OverlappedStream:
    """Open the port called ``name``. Raises: Win32Error (2 absent, 5 owned by another)."""
    handle = overlapped.create_file(
        name,
        overlapped.GENERIC_READ_WRITE,
        0,
        None,
        overlapped.OPEN_EXISTING,
        overlapped.FILE_FLAG_OVERLAPPED,
        None,
    )
    _answer_at_first_byte(handle)
    return OverlappedStream(win32.Handle(handle))


class Port:
    """The port as an endless stream: opens it again by itself, waits while the host is away.

    ``reopened`` is called on the thread that found the port anew, so that the layer above starts an epoch.
    """

    def __init__(
        self,
        name: str,
        *,
        reopened: Callable[[], None] = lambda: None,
        opener: Callable[[str], OverlappedStream] = open_port,
    ) -> None:
        self._name = name
        self._reopened = reopened
        self._opener = opener
        self._lock = threading.Lock()
        self._stream: OverlappedStream | None = None
        self._opened_before = False
        self._stop = threading.Event()

    def read(self) -> bytes:
        """Wait for bytes, however long; empty once :meth:`close` was called."""
        attempt = 0
        while not self._stop.is_set():
            stream = self._open(attempt)
            if stream is None:
                attempt += 1
                continue
            try:
                data = stream.read(READ_SIZE)
            except overlapped.Closed:
                continue
            except win32.Win32Error as error:
                self._after(error.code, stream, attempt)
            else:
                if data:
                    return data
                # End of file, or a serial time-out without a byte.
                self._stop.wait(back_off(attempt))
            attempt += 1
        return b""

    def write(self, data: bytes) -> bool:
        """Write all of ``data``. False if the port went away or was closed: the bytes are lost."""
        view = memoryview(data)
        attempt = 0
        while view and not self._stop.is_set():
            stream = self._stream
            if stream is None:
                return False
            try:
                count = stream.write(bytes(view[:WRITE_SIZE]))
            except overlapped.Closed:
                return False
            except win32.Win32Error as error:
                if reaction(error.code) is Reaction.REOPEN:
                    return False
                count = 0
            view = view[count:]
            if count:
                attempt = 0
            else:
                self._stop.wait(back_off(attempt))
                attempt += 1
        return not view

    def _open(self, attempt: int) -> OverlappedStream | None:
        with self._lock:
            if self._stream is not None:
                return self._stream
            try:
                self._stream = stream = self._opener(self._name)
            except win32.Win32Error:
                self._stop.wait(back_off(attempt))
                return None
        if self._opened_before:
            self._reopened()
        self._opened_before = True
        return stream

    def _after(self, code: int, stream: OverlappedStream, attempt: int) -> None:
        if reaction(code) is Reaction.REOPEN:
            with self._lock:
                self._stream = None
            stream.close()
        self._stop.wait(back_off(attempt))

    def close(self) -> None:
        """End every wait; the port is free for another owner afterwards."""
        self._stop.set()
        with self._lock:
            stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()
