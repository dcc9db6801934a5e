"""A byte stream over an overlapped handle: the serial port and the pipe between service and helper.

A synchronous handle queues a write behind a pending read (Microsoft, "Synchronous and Asynchronous I/O"), so
both use overlapped operations, each waited for by the thread that started it.
"""

from __future__ import annotations

import contextlib
import ctypes
import math
import threading
from collections.abc import Sequence

from neuron_guest.platform.windows import win32
from neuron_guest.platform.windows.win32 import BOOL, DWORD, HANDLE, POINTER

GENERIC_READ_WRITE = 0xC0000000
FILE_FLAG_OVERLAPPED = 0x40000000
OPEN_EXISTING = 3
_PIECE = 64 * 1024
_ERROR_HANDLE_EOF, _ERROR_PIPE_CONNECTED, _ERROR_IO_INCOMPLETE = 38, 535, 996

create_file = win32.function(
    "kernel32", "CreateFileW", HANDLE, win32.WSTR, DWORD, DWORD, POINTER, DWORD, DWORD, HANDLE,
    fails="invalid-handle",
)  # fmt: skip
read_file = win32.function(
    "kernel32", "ReadFile", BOOL, HANDLE, POINTER, DWORD, POINTER, POINTER, fails="never"
)
write_file = win32.function(
    "kernel32", "WriteFile", BOOL, HANDLE, POINTER, DWORD, POINTER, POINTER, fails="never"
)
_get_result = win32.function("kernel32", "GetOverlappedResult", BOOL, HANDLE, POINTER, POINTER, BOOL)
_cancel = win32.function("kernel32", "CancelIoEx", BOOL, HANDLE, POINTER, fails="never")
_create_event = win32.function("kernel32", "CreateEventW", HANDLE, POINTER, BOOL, BOOL, win32.WSTR)
_signal_event = win32.function("kernel32", "SetEvent", BOOL, HANDLE)
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


def signal(what: win32.Handle) -> None:
    """Set an event."""
    _signal_event(what.value)


def wait_any(handles: Sequence[int | None], timeout: float | None) -> int | None:
    """The first of ``handles`` that is signalled; None after ``timeout`` seconds (None: never)."""
    milliseconds = win32.INFINITE if timeout is None else max(0, math.ceil(timeout * 1000))
    array = (HANDLE * len(handles))(*handles)
    number = _wait_many(len(handles), array, win32.FALSE, milliseconds)
    return handles[number] if number < len(handles) else None


class Operation:
    """One direction's overlapped operation. Its buffer belongs to Windows until :meth:`result` gave one."""

    def __init__(self) -> None:
        self.done = event(manual=True)
        self.pending = False
        self._state = Overlapped()
        self._name = ""
        self._kept: object = None

    def start(self, start: win32.Function, handle: win32.Handle, *data: object) -> None:
        """Begin ``start(handle, *data)``. Raises: Win32Error if it failed at once."""
        self._state = Overlapped(hEvent=self.done.value)
        self._name, self._kept = start.name, data
        state = ctypes.byref(self._state)
        arguments = (handle.value, *data, None, state) if data else (handle.value, state)
        if not start(*arguments) and win32.last_error() != win32.ERROR_IO_PENDING:
            raise win32.Win32Error(start.name, win32.last_error())
        self.pending = True

    def result(self, handle: win32.Handle, *, wait: bool = False) -> int | None:
        """Bytes moved; None while it goes on (never None if ``wait``). Raises: Win32Error as it ended."""
        count = DWORD()
        state = ctypes.byref(self._state)
        try:
            _get_result(handle.value, state, ctypes.byref(count), win32.TRUE if wait else win32.FALSE)
        except win32.Win32Error as error:
            if error.code == _ERROR_IO_INCOMPLETE:
                return None
            self.pending = False
            raise win32.Win32Error(self._name, error.code) from error
        self.pending = False
        return count.value

    def cancel(self, handle: win32.Handle) -> None:
        """End it, whatever it did."""
        if self.pending:
            _cancel(handle.value, ctypes.byref(self._state))
            with contextlib.suppress(win32.Win32Error):  # cancelled is what was wanted
                self.result(handle, wait=True)


class OverlappedStream:
    """Blocking reads and writes, in parallel, over ``handle`` (opened with FILE_FLAG_OVERLAPPED)."""

    def __init__(self, handle: win32.Handle) -> None:
        self._handle = handle
        self._stop = event(manual=True)
        self._reading, self._writing = Operation(), Operation()
        self._read_lock, self._write_lock = threading.Lock(), threading.Lock()
        self._closed = threading.Event()

    def read(self, size: int) -> bytes:
        """Wait for up to ``size`` bytes; empty at the end of the stream. Raises: Win32Error, Closed."""
        buffer = ctypes.create_string_buffer(size)
        with self._read_lock:
            try:
                count = self._do(self._reading, read_file, buffer, size)
            except win32.Win32Error as error:
                if error.code in (win32.ERROR_BROKEN_PIPE, _ERROR_HANDLE_EOF):
                    return b""
                raise
        return buffer.raw[:count]

    def write(self, data: bytes) -> None:
        """Write all of it. Raises: Win32Error, Closed."""
        with self._write_lock:
            start = 0
            while start < len(data):
                piece = data[start : start + _PIECE]
                start += self._do(self._writing, write_file, piece, len(piece))

    def connect(self, start: win32.Function) -> None:
        """Wait until ``start`` (ConnectNamedPipe) has a client. Raises: Win32Error, Closed."""
        with self._read_lock:
            try:
                self._do(self._reading, start)
            except win32.Win32Error as error:
                if error.code != _ERROR_PIPE_CONNECTED:  # the client was faster
                    raise

    def _do(self, operation: Operation, start: win32.Function, *data: object) -> int:
        if self._closed.is_set():
            raise Closed
        operation.start(start, self._handle, *data)
        wait_any([operation.done.value, self._stop.value], None)
        if self._closed.is_set():
            operation.cancel(self._handle)
            raise Closed
        return operation.result(self._handle, wait=True) or 0

    def close(self) -> None:
        """Wake every waiting thread and close; again is harmless."""
        if self._closed.is_set():
            return
        self._closed.set()
        signal(self._stop)
        with self._read_lock, self._write_lock:
            self._handle.close()
            for item in (self._stop, self._reading.done, self._writing.done):
                item.close()
