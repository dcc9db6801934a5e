"""The service manager, from the installer's side (Microsoft, "Service Configuration Programs")."""

from __future__ import annotations

import ctypes
import time
from dataclasses import dataclass

from neuron_guest.platform.windows import win32
from neuron_guest.platform.windows.service import SERVICE_STOPPED
from neuron_guest.platform.windows.win32 import BOOL, DWORD, HANDLE, POINTER, WSTR

_ALL_ACCESS = 0xF003F
_SERVICE_ALL_ACCESS = 0xF01FF
_OWN_PROCESS, _AUTO_START, _ERROR_NORMAL, _NO_CHANGE = 0x10, 2, 1, 0xFFFFFFFF
_CONTROL_STOP = 1
_CONFIG_DESCRIPTION, _CONFIG_FAILURE_ACTIONS = 1, 2
_RESTART = 1
_PROCESS_INFO = 0
_DOES_NOT_EXIST, _NOT_ACTIVE, _ALREADY_RUNNING = 1060, 1062, 1056

_open_manager = win32.function("advapi32", "OpenSCManagerW", HANDLE, WSTR, WSTR, DWORD)
_create = win32.function(
    "advapi32", "CreateServiceW", HANDLE, HANDLE, WSTR, WSTR, DWORD, DWORD, DWORD, DWORD, WSTR, WSTR, POINTER,
    WSTR, WSTR, WSTR,
)  # fmt: skip
_open = win32.function("advapi32", "OpenServiceW", HANDLE, HANDLE, WSTR, DWORD)
_close = win32.function("advapi32", "CloseServiceHandle", BOOL, HANDLE, fails="never")
_start = win32.function("advapi32", "StartServiceW", BOOL, HANDLE, DWORD, POINTER)
_control = win32.function("advapi32", "ControlService", BOOL, HANDLE, DWORD, POINTER)
_query = win32.function(
    "advapi32", "QueryServiceStatusEx", BOOL, HANDLE, ctypes.c_int, POINTER, DWORD, POINTER
)
_query_config = win32.function("advapi32", "QueryServiceConfigW", BOOL, HANDLE, POINTER, DWORD, POINTER)
_change = win32.function(
    "advapi32", "ChangeServiceConfigW", BOOL, HANDLE, DWORD, DWORD, DWORD, WSTR, WSTR, POINTER, WSTR, WSTR,
    WSTR, WSTR,
)  # fmt: skip
_change2 = win32.function("advapi32", "ChangeServiceConfig2W", BOOL, HANDLE, DWORD, POINTER)
_delete = win32.function("advapi32", "DeleteService", BOOL, HANDLE)


class _StatusProcess(ctypes.Structure):
    _fields_ = [
        ("dwServiceType", DWORD),
        ("dwCurrentState", DWORD),
        ("dwControlsAccepted", DWORD),
        ("dwWin32ExitCode", DWORD),
        ("dwServiceSpecificExitCode", DWORD),
        ("dwCheckPoint", DWORD),
        ("dwWaitHint", DWORD),
        ("dwProcessId", DWORD),
        ("dwServiceFlags", DWORD),
    ]


class _Config(ctypes.Structure):
    _fields_ = [
        ("dwServiceType", DWORD),
        ("dwStartType", DWORD),
        ("dwErrorControl", DWORD),
        ("lpBinaryPathName", WSTR),
        ("lpLoadOrderGroup", WSTR),
        ("dwTagId", DWORD),
        ("lpDependencies", WSTR),
        ("lpServiceStartName", WSTR),
        ("lpDisplayName", WSTR),
    ]


class _Description(ctypes.Structure):
    _fields_ = [("lpDescription", WSTR)]


class _Action(ctypes.Structure):
    _fields_ = [("Type", ctypes.c_int), ("Delay", DWORD)]


class _FailureActions(ctypes.Structure):
    _fields_ = [
        ("dwResetPeriod", DWORD),
        ("lpRebootMsg", WSTR),
        ("lpCommand", WSTR),
        ("cActions", DWORD),
        ("lpsaActions", POINTER),
    ]


@dataclass(frozen=True)
class Running:
    """A service's state: one of SERVICE_…, and its process (0: none)."""

    state: int
    process: int


class ServiceControl:
    """One service by name, which need not exist. Methods raise Win32Error (5: no administrator)."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._manager: int = _open_manager(None, None, _ALL_ACCESS)

    def close(self) -> None:
        """Let go of the service manager."""
        _close(self._manager)

    def _with_service(self) -> _ServiceHandle:
        return _ServiceHandle(_open(self._manager, self._name, _SERVICE_ALL_ACCESS))

    def command(self) -> str | None:
        """The command line it runs; None if there is no such service."""
        try:
            service = self._with_service()
        except win32.Win32Error as error:
            if error.code == _DOES_NOT_EXIST:
                return None
            raise
        with service as handle:
            needed = DWORD()
            try:
                _query_config(handle, None, 0, ctypes.byref(needed))
            except win32.Win32Error as error:
                if error.code != win32.ERROR_INSUFFICIENT_BUFFER:
                    raise
            buffer = ctypes.create_string_buffer(needed.value)
            _query_config(handle, buffer, needed, ctypes.byref(needed))
            config = ctypes.cast(buffer, ctypes.POINTER(_Config)).contents
            return str(config.lpBinaryPathName)

    def create(self, command: str, *, shown: str, description: str) -> None:
        """Make it: started with Windows, as SYSTEM, restarted by Windows when it fails."""
        handle = _create(
            self._manager, self._name, shown, _SERVICE_ALL_ACCESS, _OWN_PROCESS, _AUTO_START, _ERROR_NORMAL,
            command, None, None, None, None, None,
        )  # fmt: skip
        with _ServiceHandle(handle):
            _change2(handle, _CONFIG_DESCRIPTION, ctypes.byref(_Description(description)))
            seconds = (1, 5, 30)
            actions = (_Action * 3)(*(_Action(_RESTART, each * 1000) for each in seconds))
            failure = _FailureActions(24 * 3600, None, None, 3, ctypes.cast(actions, POINTER))
            _change2(handle, _CONFIG_FAILURE_ACTIONS, ctypes.byref(failure))

    def set_command(self, command: str) -> None:
        """Change what it runs at its next start."""
        with self._with_service() as handle:
            _change(handle, _NO_CHANGE, _NO_CHANGE, _NO_CHANGE, command, *[None] * 6)

    def start(self) -> None:
        """Start it, if it does not run."""
        with self._with_service() as handle:
            try:
                _start(handle, 0, None)
            except win32.Win32Error as error:
                if error.code != _ALREADY_RUNNING:
                    raise

    def stop(self, timeout: float) -> bool:
        """Stop it; whether it has stopped within ``timeout`` seconds."""
        with self._with_service() as handle:
            try:
                _control(handle, _CONTROL_STOP, ctypes.byref(_StatusProcess()))
            except win32.Win32Error as error:
                if error.code != _NOT_ACTIVE:
                    raise
        ends = time.monotonic() + timeout
        while self.query().state != SERVICE_STOPPED:
            if time.monotonic() > ends:
                return False
            time.sleep(0.1)
        return True

    def query(self) -> Running:
        """Its state now."""
        status, needed = _StatusProcess(), DWORD()
        with self._with_service() as handle:
            _query(handle, _PROCESS_INFO, ctypes.byref(status), ctypes.sizeof(status), ctypes.byref(needed))
        return Running(int(status.dwCurrentState), int(status.dwProcessId))

    def delete(self) -> None:
        """Remove it; Windows does so once nobody holds it open any more."""
        with self._with_service() as handle:
            _delete(handle)


class _ServiceHandle:
    def __init__(self, handle: int) -> None:
        self._handle = handle

    def __enter__(self) -> int:
        return self._handle

    def __exit__(self, *_: object) -> None:
        _close(self._handle)
