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
import time
from collections.abc import Callable
from enum import Enum

from neuron_guest.platform.windows import overlapped, win32
from neuron_guest.platform.windows.overlapped import Operation
from neuron_guest.platform.windows.win32 import BOOL, DWORD, HANDLE, POINTER
from neuron_guest.port import PortGone

PORT_NAME = r"\\.\Global\org.neuronos.guest.0"
"""vioserial links each port's name below ``\\\\.\\Global`` (vioserial/app)."""

READ_SIZE = 4096
WRITE_SIZE = 64 * 1024

_clear_error = win32.function("kernel32", "ClearCommError", BOOL, HANDLE, POINTER, POINTER)
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


class _SerialStatus(ctypes.Structure):
    _fields_ = [("flags", DWORD), ("cbInQue", DWORD), ("cbOutQue", DWORD)]


def _is_serial(handle: int | None) -> bool:
    """Whether it is a COM port, whose reads wait for all that was asked for, without a limit from here on.

    vioserial refuses the call, and its reads return what there is.
    """
    return bool(_set_timeouts(handle, ctypes.byref(_Timeouts(0, 0, 0, 0, 0))))


def _waiting_bytes(handle: int | None) -> int:
    status = _SerialStatus()
    _clear_error(handle, None, ctypes.byref(status))
    return min(int(status.cbInQue), READ_SIZE - 1)


class WindowsPort:
    """The port as the agent's I/O thread wants it (:class:`neuron_guest.port.Port`): one read is always
    pending, one write may be, and :meth:`wait` waits for them and for :meth:`wake`.

    ``opened`` is told of each attempt to open it: an empty text, or why not.
    """

    def __init__(self, name: str = PORT_NAME, *, opened: Callable[[str], None] = lambda _why: None) -> None:
        self._name = name
        self._opened = opened
        self._wake = overlapped.event(manual=False)
        self._handle = win32.Handle(None)
        self._read = Operation()
        self._write = Operation()
        self._buffer = ctypes.create_string_buffer(READ_SIZE)
        self._unsent = b""
        self._serial = False
        self._failures = 0
        self._retry_at = 0.0

    def open(self) -> None:
        """Open the port. Raises: PortGone while it is absent or another program's."""
        try:
            handle = overlapped.create_file(
                self._name,
                overlapped.GENERIC_READ_WRITE,
                0,
                None,
                overlapped.OPEN_EXISTING,
                overlapped.FILE_FLAG_OVERLAPPED,
                None,
            )
        except win32.Win32Error as error:
            self._opened(str(error))
            raise PortGone(str(error)) from error
        self._opened("")
        self._handle = win32.Handle(handle)
        self._serial = _is_serial(handle)
        self._failures, self._retry_at, self._unsent = 0, 0.0, b""

    def read(self) -> bytes:
        """See :class:`neuron_guest.port.Port`."""
        data = b""
        try:
            if self._read.pending:
                count = self._read.result(self._handle)
                if count is None:
                    return b""
                data = self._buffer.raw[:count] + self._rest()
            if self._may_try():
                self._start_read()
        except win32.Win32Error as error:
            self._after(error)
        if data:
            self._failures = 0
        return data

    def _start_read(self) -> None:
        size = 1 if self._serial else READ_SIZE
        self._read.start(overlapped.read_file, self._handle, self._buffer, size)

    def _rest(self) -> bytes:
        """What lies behind the one byte that was waited for on a COM port."""
        size = _waiting_bytes(self._handle.value) if self._serial else 0
        if not size:
            return b""
        self._read.start(overlapped.read_file, self._handle, self._buffer, size)
        count = self._read.result(self._handle, wait=True)
        return self._buffer.raw[:count]

    def write(self, data: bytes | memoryview) -> int:
        """See :class:`neuron_guest.port.Port`."""
        try:
            if not self._settle_write() or not self._may_try():
                return 0
            self._unsent = bytes(data[:WRITE_SIZE])
            taken = len(self._unsent)
            self._start_write()
        except win32.Win32Error as error:
            self._after(error)
            return 0
        return taken

    def _start_write(self) -> None:
        self._write.start(overlapped.write_file, self._handle, self._unsent, len(self._unsent))

    def _settle_write(self) -> bool:
        """Whether nothing of an earlier write is left to do."""
        if self._write.pending:
            count = self._write.result(self._handle)
            if count is None:
                return False
            self._unsent = self._unsent[count:]
        if self._unsent and self._may_try():
            self._start_write()
        return not self._unsent

    def _may_try(self) -> bool:
        return time.monotonic() >= self._retry_at

    def _after(self, error: win32.Win32Error) -> None:
        if reaction(error.code) is Reaction.REOPEN:
            raise PortGone(str(error)) from error
        self._retry_at = time.monotonic() + back_off(self._failures)
        self._failures += 1

    def wait(self, timeout: float | None, *, write: bool) -> None:
        """See :class:`neuron_guest.port.Port`."""
        ends = None if timeout is None else time.monotonic() + timeout
        while True:
            if write and not self._unsent and self._may_try():
                return
            handles = [self._wake.value]
            handles += [each.done.value for each in (self._read, self._write) if each.pending]
            waits = [end - time.monotonic() for end in (ends, self._next_try()) if end is not None]
            fired = overlapped.wait_any(handles, min(waits, default=None))
            if not self._write.pending or fired != self._write.done.value:
                return
            try:
                if self._settle_write() and write:
                    return
            except win32.Win32Error as error:
                self._after(error)

    def _next_try(self) -> float | None:
        """When a failed operation may be tried again; None while all that is wanted is pending."""
        waiting = not self._read.pending or (self._unsent and not self._write.pending)
        return max(self._retry_at, time.monotonic() + 0.01) if waiting else None

    def wake(self) -> None:
        """End a wait, from any thread."""
        overlapped.signal(self._wake)

    def close(self) -> None:
        """End what is pending and close; :meth:`open` may follow."""
        for operation in (self._read, self._write):
            operation.cancel(self._handle)
        self._handle.close()
