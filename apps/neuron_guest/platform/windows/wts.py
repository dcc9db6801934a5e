"""Sessions of people on this Windows (Microsoft, "Remote Desktop Services API")."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

from neuron_guest.platform.windows import win32
from neuron_guest.platform.windows.sessions import Connection, Session
from neuron_guest.platform.windows.win32 import BOOL, DWORD, HANDLE, POINTER, WSTR

_USER_NAME = 5
_SESSION_INFO_EX = 25
_LOCKED = 0
_NO_SESSION = 0xFFFFFFFF


class _SessionInfo(ctypes.Structure):
    _fields_ = [("SessionId", DWORD), ("pWinStationName", WSTR), ("State", ctypes.c_int)]


class _InfoEx(ctypes.Structure):
    # WTSINFOEXW as far as we read it. Data is aligned to eight bytes: it holds LARGE_INTEGERs.
    _fields_ = [
        ("Level", DWORD),
        ("padding", DWORD),
        ("SessionId", DWORD),
        ("SessionState", ctypes.c_int),
        ("SessionFlags", ctypes.c_int32),
    ]


_enumerate = win32.function("wtsapi32", "WTSEnumerateSessionsW", BOOL, HANDLE, DWORD, DWORD, POINTER, POINTER)
_query = win32.function(
    "wtsapi32", "WTSQuerySessionInformationW", BOOL, HANDLE, DWORD, ctypes.c_int, POINTER, POINTER
)
_free = win32.function("wtsapi32", "WTSFreeMemory", None, POINTER, fails="never")
_user_token = win32.function("wtsapi32", "WTSQueryUserToken", BOOL, DWORD, POINTER)
_console = win32.function("kernel32", "WTSGetActiveConsoleSessionId", DWORD, fails="never")
_session_of = win32.function("kernel32", "ProcessIdToSessionId", BOOL, DWORD, POINTER)
_process_id = win32.function("kernel32", "GetCurrentProcessId", DWORD, fails="never")


def sessions() -> Sequence[Session]:
    """Every session there is. Raises: Win32Error."""
    array, count = ctypes.c_void_p(), DWORD()
    _enumerate(None, 0, 1, ctypes.byref(array), ctypes.byref(count))
    try:
        listed = ctypes.cast(array, ctypes.POINTER(_SessionInfo))
        states = [(listed[place].SessionId, listed[place].State) for place in range(count.value)]
    finally:
        _free(array)
    here = console()
    if not states and here is not None:
        # Wine lists none; the console's is there all the same.
        states = [(here, Connection.ACTIVE)]
    return [Session(number, state, user(number), is_locked(number)) for number, state in states]


def _information(session: int, kind: int) -> bytes:
    place, size = ctypes.c_void_p(), DWORD()
    try:
        _query(None, session, kind, ctypes.byref(place), ctypes.byref(size))
    except win32.Win32Error:
        return b""  # the session ended between the list and the question
    try:
        return ctypes.string_at(place, size.value)
    finally:
        _free(place)


def user(session: int) -> str:
    """The name of the person signed in there; empty for nobody."""
    return _information(session, _USER_NAME).decode("utf-16-le", "replace").rstrip("\0")


def is_locked(session: int) -> bool:
    """Whether its screen is locked (Windows 8 and later; Windows 7 had the two values swapped)."""
    data = _information(session, _SESSION_INFO_EX)
    if len(data) < ctypes.sizeof(_InfoEx):
        return False
    info = _InfoEx.from_buffer_copy(data)
    return bool(info.Level == 1 and info.SessionFlags == _LOCKED)


def console() -> int | None:
    """The session that the VM's own screen shows; None while it changes."""
    number: int = _console()
    return None if number == _NO_SESSION else number


def own_session() -> int:
    """The session this process runs in. Raises: Win32Error."""
    number = DWORD()
    _session_of(_process_id(), ctypes.byref(number))
    return number.value


def user_token(session: int) -> win32.Handle:
    """The token of the person signed in there; only SYSTEM may ask. Raises: Win32Error."""
    token = HANDLE()
    _user_token(session, ctypes.byref(token))
    return win32.Handle(token.value)
