"""Starting the helper in a person's session, as that person (Microsoft, CreateProcessAsUserW)."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

from neuron_guest.platform.windows import quoting, win32
from neuron_guest.platform.windows.launch import ProcessInformation, StartupInfo, create_process
from neuron_guest.platform.windows.win32 import BOOL, DWORD, HANDLE, POINTER, WSTR

_CREATE_UNICODE_ENVIRONMENT, _CREATE_NO_WINDOW = 0x400, 0x08000000
_DESKTOP = "winsta0\\default"

_create_as_user = win32.function(
    "advapi32", "CreateProcessAsUserW", BOOL, HANDLE, WSTR, WSTR, POINTER, POINTER, BOOL, DWORD, POINTER,
    WSTR, POINTER, POINTER,
)  # fmt: skip
_environment = win32.function("userenv", "CreateEnvironmentBlock", BOOL, POINTER, HANDLE, BOOL)
_destroy_environment = win32.function("userenv", "DestroyEnvironmentBlock", BOOL, POINTER, fails="never")
_wait = win32.function("kernel32", "WaitForSingleObject", DWORD, HANDLE, DWORD, fails="never")
_terminate = win32.function("kernel32", "TerminateProcess", BOOL, HANDLE, DWORD, fails="never")


class SessionProcess:
    """A process that runs as the person whose ``token`` it got, with that person's environment.

    Without a token it runs as we do. Raises: Win32Error.
    """

    def __init__(self, token: win32.Handle | None, program: str, arguments: Sequence[str]) -> None:
        line = ctypes.create_unicode_buffer(quoting.command_line(program, arguments))
        startup = StartupInfo(cb=ctypes.sizeof(StartupInfo))
        process = ProcessInformation()
        folder = program.rpartition("\\")[0] + "\\"
        ends = (folder, ctypes.byref(startup), ctypes.byref(process))
        words = (program, ctypes.cast(line, WSTR), None, None, win32.FALSE)
        if token is None:
            create_process(*words, _CREATE_NO_WINDOW, None, *ends)
        else:
            startup.lpDesktop = _DESKTOP
            environment = ctypes.c_void_p()
            _environment(ctypes.byref(environment), token.value, win32.FALSE)
            flags = _CREATE_UNICODE_ENVIRONMENT | _CREATE_NO_WINDOW
            try:
                _create_as_user(token.value, *words, flags, environment, *ends)
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
