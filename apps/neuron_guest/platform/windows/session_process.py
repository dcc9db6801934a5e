"""Starting the helper in a person's session, as that person (Microsoft, CreateProcessAsUserW)."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

from neuron_guest.platform.windows import quoting, win32
from neuron_guest.platform.windows.launch import ProcessInformation, StartupInfo
from neuron_guest.platform.windows.win32 import BOOL, DWORD, HANDLE, POINTER, WSTR

_CREATE_UNICODE_ENVIRONMENT, _CREATE_NO_WINDOW = 0x400, 0x08000000
_DESKTOP = "winsta0\\default"

_create = win32.function(
    "advapi32", "CreateProcessAsUserW", BOOL, HANDLE, WSTR, WSTR, POINTER, POINTER, BOOL, DWORD, POINTER,
    WSTR, POINTER, POINTER,
)  # fmt: skip
_environment = win32.function("userenv", "CreateEnvironmentBlock", BOOL, POINTER, HANDLE, BOOL)
_destroy_environment = win32.function("userenv", "DestroyEnvironmentBlock", BOOL, POINTER, fails="never")
_wait = win32.function("kernel32", "WaitForSingleObject", DWORD, HANDLE, DWORD, fails="never")
_terminate = win32.function("kernel32", "TerminateProcess", BOOL, HANDLE, DWORD, fails="never")


class SessionProcess:
    """A process that runs as the person whose ``token`` it got, with that person's environment."""

    def __init__(self, token: win32.Handle, program: str, arguments: Sequence[str]) -> None:
        line = quoting.command_line(program, arguments)
        startup = StartupInfo(cb=ctypes.sizeof(StartupInfo), lpDesktop=_DESKTOP)
        process = ProcessInformation()
        environment = ctypes.c_void_p()
        _environment(ctypes.byref(environment), token.value, win32.FALSE)
        try:
            _create(
                token.value,
                program,
                ctypes.cast(ctypes.create_unicode_buffer(line), WSTR),
                None,
                None,
                win32.FALSE,
                _CREATE_UNICODE_ENVIRONMENT | _CREATE_NO_WINDOW,
                environment,
                program.rpartition("\\")[0] + "\\",
                ctypes.byref(startup),
                ctypes.byref(process),
            )
        finally:
            _destroy_environment(environment)
        win32.Handle(process.hThread).close()
        self._process = win32.Handle(process.hProcess)
        self.id = int(process.dwProcessId)

    def wait(self, timeout: float | None) -> bool:
        """Whether it has ended, after at most ``timeout`` seconds (None: for ever)."""
        milliseconds = win32.INFINITE if timeout is None else int(timeout * 1000)
        return bool(_wait(self._process.value, milliseconds) == win32.WAIT_OBJECT_0)

    def end(self) -> None:
        """End it now."""
        _terminate(self._process.value, 1)

    def close(self) -> None:
        """Forget it; it lives on."""
        self._process.close()
