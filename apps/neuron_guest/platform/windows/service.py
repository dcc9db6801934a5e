"""A Windows service in ctypes: dispatcher, control handler, status (Microsoft, "Service Programs").

``serve(name, body)`` returns when the service has stopped. ``body`` runs on the service's own thread and gets
a :class:`Controls`: it must return soon after ``controls.stopping`` is set.
"""

from __future__ import annotations

import ctypes
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from neuron_guest.platform.windows import win32
from neuron_guest.platform.windows.win32 import BOOL, DWORD, HANDLE, POINTER

SERVICE_STOPPED, SERVICE_START_PENDING, SERVICE_STOP_PENDING, SERVICE_RUNNING = 1, 2, 3, 4
_OWN_PROCESS = 0x10
_CONTROL_STOP, _CONTROL_INTERROGATE, _CONTROL_SHUTDOWN = 1, 4, 5
_CONTROL_SESSION_CHANGE, _CONTROL_PRESHUTDOWN = 0x0E, 0x0F
_ACCEPT_STOP, _ACCEPT_SHUTDOWN, _ACCEPT_SESSION_CHANGE = 1, 4, 0x80
_NOT_IMPLEMENTED = win32.ERROR_CALL_NOT_IMPLEMENTED


class _Status(ctypes.Structure):
    _fields_ = [
        ("dwServiceType", DWORD),
        ("dwCurrentState", DWORD),
        ("dwControlsAccepted", DWORD),
        ("dwWin32ExitCode", DWORD),
        ("dwServiceSpecificExitCode", DWORD),
        ("dwCheckPoint", DWORD),
        ("dwWaitHint", DWORD),
    ]


class _SessionNotification(ctypes.Structure):
    _fields_ = [("cbSize", DWORD), ("dwSessionId", DWORD)]


_MAIN = win32.callback(None, DWORD, POINTER)
_HANDLER = win32.callback(DWORD, DWORD, DWORD, POINTER, POINTER)


class _TableEntry(ctypes.Structure):
    _fields_ = [("lpServiceName", win32.WSTR), ("lpServiceProc", _MAIN)]


_start_dispatcher = win32.function("advapi32", "StartServiceCtrlDispatcherW", BOOL, POINTER)
_register = win32.function("advapi32", "RegisterServiceCtrlHandlerExW", HANDLE, win32.WSTR, _HANDLER, POINTER)
_set_status = win32.function("advapi32", "SetServiceStatus", BOOL, HANDLE, POINTER, fails="never")


@dataclass(frozen=True)
class SessionChange:
    """A WM_WTSSESSION_CHANGE: ``kind`` is WTS_SESSION_LOGON (5), LOGOFF (6), LOCK (7), UNLOCK (8), …"""

    kind: int
    session: int


class Controls:
    """What the service manager tells the service."""

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self.events: queue.SimpleQueue[Any] = queue.SimpleQueue()
        """Session changes in order, and None once the service must stop, so that a waiting thread wakes."""

    def stop(self) -> None:
        """Ask the body to return."""
        self.stopping.set()
        self.events.put(None)


class _Service:
    def __init__(self, name: str, body: Callable[[Controls], None]) -> None:
        self.name = name
        self.body = body
        self.controls = Controls()
        self.failure: BaseException | None = None
        self._status_handle: int | None = None
        # Kept here: Windows holds these pointers for the life of the process.
        self.main = _MAIN(self._main)
        self._handler = _HANDLER(self._handle)

    def _main(self, _count: int, _arguments: int) -> None:
        try:
            self._status_handle = _register(self.name, self._handler, None)
            self._report(SERVICE_START_PENDING, wait_hint=10_000)
            self._report(SERVICE_RUNNING)
            self.body(self.controls)
        except BaseException as error:  # noqa: BLE001 — carried to serve(), an exception cannot cross Windows
            self.failure = error
        finally:
            # ERROR_EXCEPTION_IN_SERVICE makes the service manager apply the recovery actions.
            self._report(SERVICE_STOPPED, code=1064 if self.failure else 0)

    def _handle(self, control: int, event: int, data: int, _context: int) -> int:
        if control in (_CONTROL_STOP, _CONTROL_SHUTDOWN, _CONTROL_PRESHUTDOWN):
            self._report(SERVICE_STOP_PENDING, wait_hint=10_000)
            self.controls.stop()
        elif control == _CONTROL_SESSION_CHANGE and data:
            session = _SessionNotification.from_address(data).dwSessionId
            self.controls.events.put(SessionChange(event, session))
        elif control != _CONTROL_INTERROGATE:
            return _NOT_IMPLEMENTED
        return 0

    def _report(self, state: int, *, code: int = 0, wait_hint: int = 0) -> None:
        accepts = _ACCEPT_STOP | _ACCEPT_SHUTDOWN | _ACCEPT_SESSION_CHANGE if state == SERVICE_RUNNING else 0
        status = _Status(_OWN_PROCESS, state, accepts, code, 0, 0, wait_hint)
        _set_status(self._status_handle, ctypes.byref(status))


def serve(name: str, body: Callable[[Controls], None]) -> None:
    """Run as the service ``name`` until it is stopped.

    Raises: Win32Error (1063 if this process was not started by the service manager), and whatever ``body``
    raised.
    """
    service = _Service(name, body)
    table = (_TableEntry * 2)(_TableEntry(name, service.main), _TableEntry(None, _MAIN(0)))
    _start_dispatcher(ctypes.byref(table))
    if service.failure is not None:
        raise service.failure
