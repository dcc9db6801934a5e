"""A byte stream over an overlapped handle: the serial port and the pipe between service and helper.

A synchronous handle queues a write behind a pending read (Microsoft, "Synchronous and Asynchronous I/O"), so
both use overlapped operations, each waited for by the thread that started it.
"""

from __future__ import annotations

import ctypes
import threading

from neuron_guest.platform.windows import win32
from neuron_guest.platform.windows.win32 import BOOL, DWORD, HANDLE, POINTER

GENERIC_READ_WRITE = 0xC0000000
FILE_FLAG_OVERLAPPED = 0x40000000
OPEN_EXISTING = 3

create_file = win32.function(
    "kernel32", "CreateFileW", HANDLE, win32.WSTR, DWORD, DWORD, POINTER, DWORD, DWORD, HANDLE,
    fails="invalid-handle",
)  # fmt: skip
_read_file = win32.function(
    "kernel32", "ReadFile", BOOL, HANDLE, POINTER, DWORD, POINTER, POINTER, fails="never"
)
_write_file = win32.function(
    "kernel32", "WriteFile", BOOL, HANDLE, POINTER, DWORD, POINTER, POINTER, fails="never"
)
_get_result = win32.function("kernel32", "GetOverlappedResult", BOOL, HANDLE, POINTER, POINTER, BOOL)
_cancel = win32.function("kernel32", "CancelIoEx", BOOL, HANDLE, POINTER, fails="never")
_create_event = win32.function("kernel32", "CreateEventW", HANDLE, POINTER, BOOL, BOOL, win32.WSTR)
_set_event = win32.function("kernel32", "SetEvent", BOOL, HANDLE)
_wait_many = win32.function(
    "kernel32", "WaitForMultipleObjects", DWORD, DWORD, POINTER, BOOL, DWORD, fails="never"
)


class Overlapped(ctypes.Structure):
    """OVERLAPPED: where Windows keeps one pending operation."""

    _fields_ = [
        ("Internal", ctypes.c_size_t),
        ("InternalHigh", ctypes.c_size_t),
        ("Offset", DWORD),
        ("OffsetHigh", DWORD),
        ("hEvent", HANDLE),
    ]


class Closed(Exception):  # noqa: N818 — an end, not an error
    """The stream was closed on this side while an operation waited."""


def event(*, manual: bool) -> win32.Handle:
    """A new unnamed event, not signalled."""
    return win32.Handle(_create_event(None, manual, win32.FALSE, None))


class _Operation:
    """One direction's reusable OVERLAPPED and event, used by one thread at a time."""

    def __init__(self) -> None:
        self.done = event(manual=True)
        self.state = Overlapped()
        self.lock = threading.Lock()


class OverlappedStream:
    """Blocking reads and writes, in parallel, over ``handle`` (opened with FILE_FLAG_OVERLAPPED)."""

    def __init__(self, handle: win32.Handle) -> None:
        self._handle = handle
        self._stop = event(manual=True)
        self._reading = _Operation()
        self._writing = _Operation()
        self._closed = False

    def read(self, size: int) -> bytes:
        """Wait for up to ``size`` bytes; empty at the end of the stream.

        Raises: Win32Error, Closed.
        """
        buffer = ctypes.create_string_buffer(size)
        try:
            count = self._do(_read_file, self._reading, buffer, size)
        except win32.Win32Error as error:
            if error.code in (win32.ERROR_BROKEN_PIPE, 38):  # ERROR_HANDLE_EOF
                return b""
            raise
        return buffer.raw[:count]

    def write(self, data: bytes) -> int:
        """Write once and return how many bytes were taken. Raises: Win32Error, Closed."""
        return self._do(_write_file, self._writing, data, len(data))

    def connect(self, start: win32.Function) -> None:
        """Wait for ``start`` (ConnectNamedPipe) to finish. Raises: Win32Error, Closed."""
        self._do(start, self._reading, None, 0)

    def _do(self, start: win32.Function, operation: _Operation, data: object, size: int) -> int:
        with operation.lock:
            if self._closed:
                raise Closed
            operation.state = Overlapped(hEvent=operation.done.value)
            state = ctypes.byref(operation.state)
            handle = self._handle.value
            arguments = (handle, data, size, None, state) if data is not None else (handle, state)
            if not start(*arguments) and win32.last_error() != win32.ERROR_IO_PENDING:
                code = win32.last_error()
                if data is None and code == 535:  # ERROR_PIPE_CONNECTED: the client was faster
                    return 0
                raise win32.Win32Error(start.name, code)
            return self._finish(start, operation)

    def _finish(self, start: win32.Function, operation: _Operation) -> int:
        waits = (HANDLE * 2)(operation.done.value, self._stop.value)
        _wait_many(2, waits, win32.FALSE, win32.INFINITE)
        state = ctypes.byref(operation.state)
        if self._closed:
            # The buffer belongs to Windows until the operation has really ended.
            _cancel(self._handle.value, state)
        count = DWORD()
        try:
            _get_result(self._handle.value, state, ctypes.byref(count), win32.TRUE)
        except win32.Win32Error as error:
            if self._closed:
                raise Closed from error
            raise win32.Win32Error(start.name, error.code) from error
        return count.value

    def close(self) -> None:
        """Wake every waiting thread and close; again is harmless."""
        if self._closed:
            return
        self._closed = True
        _set_event(self._stop.value)
        with self._reading.lock, self._writing.lock:
            self._handle.close()
            for item in (self._stop, self._reading.done, self._writing.done):
                item.close()
