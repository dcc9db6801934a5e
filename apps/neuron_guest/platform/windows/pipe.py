"""The named pipe between the service and the helper in a person's session.

Only SYSTEM and that one person may open it, nobody over the network; the service makes the only instance,
and takes the process it started itself and no other.
"""

from __future__ import annotations

import ctypes
import secrets

from neuron_guest.platform.windows import overlapped, security, win32
from neuron_guest.platform.windows.overlapped import OverlappedStream
from neuron_guest.platform.windows.win32 import BOOL, DWORD, HANDLE, POINTER, WSTR

_DUPLEX, _FIRST_INSTANCE = 0x3, 0x00080000
_REJECT_REMOTE = 0x8
_BUFFER = 64 * 1024
_SQOS_IDENTIFICATION = 0x00110000
"""SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION: the other end may learn who we are, not act as us."""

_create = win32.function(
    "kernel32", "CreateNamedPipeW", HANDLE, WSTR, DWORD, DWORD, DWORD, DWORD, DWORD, DWORD, POINTER,
    fails="invalid-handle",
)  # fmt: skip
_connect = win32.function("kernel32", "ConnectNamedPipe", BOOL, HANDLE, POINTER, fails="never")
_client = win32.function("kernel32", "GetNamedPipeClientProcessId", BOOL, HANDLE, POINTER)


class PipeServer:
    """The service's end, for one helper."""

    def __init__(self, sid: str) -> None:
        self.name = rf"\\.\pipe\neuron-guest-{secrets.token_hex(16)}"
        descriptor = security.Descriptor(security.pipe_sddl(sid))
        try:
            attributes = descriptor.attributes()
            handle = _create(
                self.name,
                _DUPLEX | _FIRST_INSTANCE | overlapped.FILE_FLAG_OVERLAPPED,
                _REJECT_REMOTE,
                1,
                _BUFFER,
                _BUFFER,
                0,
                ctypes.byref(attributes),
            )
        finally:
            descriptor.close()
        self._handle: int = handle
        self.stream = OverlappedStream(win32.Handle(handle))

    def wait(self) -> int:
        """Wait for the client; returns its process id. Raises: Win32Error, Closed."""
        self.stream.connect(_connect)
        process = DWORD()
        _client(self._handle, ctypes.byref(process))
        return process.value


def connect(name: str) -> OverlappedStream:
    """The helper's end. Raises: Win32Error."""
    handle = overlapped.create_file(
        name,
        overlapped.GENERIC_READ_WRITE,
        0,
        None,
        overlapped.OPEN_EXISTING,
        overlapped.FILE_FLAG_OVERLAPPED | _SQOS_IDENTIFICATION,
        None,
    )
    return OverlappedStream(win32.Handle(handle))
