"""The one door to Windows' libraries: functions declared by name, bound at their first call, errors raised.

Libraries load from System32 only, so that a file planted beside the agent is never taken for one of them
(Microsoft, "Dynamic-Link Library Security").
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from types import TracebackType
from typing import Any, Literal

HANDLE = ctypes.c_void_p
BOOL = ctypes.c_int
DWORD = ctypes.c_uint32
WORD = ctypes.c_uint16
UINT = ctypes.c_uint32
LONG = ctypes.c_int32
WSTR = ctypes.c_wchar_p
POINTER = ctypes.c_void_p
SIZE = ctypes.c_size_t

TRUE, FALSE = 1, 0
INVALID_HANDLE = ctypes.c_void_p(-1).value
INFINITE = 0xFFFFFFFF
WAIT_OBJECT_0 = 0

ERROR_FILE_NOT_FOUND = 2
ERROR_PATH_NOT_FOUND = 3
ERROR_ACCESS_DENIED = 5
ERROR_BROKEN_PIPE = 109
ERROR_CALL_NOT_IMPLEMENTED = 120
ERROR_INSUFFICIENT_BUFFER = 122
ERROR_IO_PENDING = 997

Fails = Literal["zero", "invalid-handle", "status", "hresult", "never"]
"""How a function says that it failed: a zero or the invalid handle and GetLastError, a status that is not
zero, a negative HRESULT, or not at all."""


class Win32Error(Exception):
    """A Windows function failed; ``code`` is its Win32 error, status or HRESULT."""

    def __init__(self, function: str, code: int) -> None:
        super().__init__(f"{function}: {_describe(code)}")
        self.function = function
        self.code = code


def _describe(code: int) -> str:
    if sys.platform == "win32":
        return f"{ctypes.FormatError(code).strip()} ({code})"
    return f"error {code}"


class Function:
    """A Windows function, looked up when it is first called."""

    __slots__ = ("_arguments", "_bound", "_fails", "_library", "_result", "name")

    def __init__(
        self, library: str, name: str, result: Any, arguments: tuple[Any, ...], fails: Fails
    ) -> None:
        self._library = library
        self.name = name
        self._result = result
        self._arguments = arguments
        self._fails: Fails = fails
        self._bound: Callable[..., Any] | None = None

    def __call__(self, *arguments: Any) -> Any:
        """Call it. Raises: Win32Error by the rule it was declared with, or where it does not exist."""
        if self._bound is None:
            self._bound = self._bind()
        result = self._bound(*arguments)
        if self._failed(result):
            by_value = self._fails in ("status", "hresult")
            raise Win32Error(self.name, result & 0xFFFFFFFF if by_value else last_error())
        return result

    def _failed(self, result: Any) -> bool:
        match self._fails:
            case "zero":
                return not result
            case "invalid-handle":
                return result is None or result == INVALID_HANDLE
            case "status":
                return bool(result != 0)
            case "hresult":
                return bool(result < 0)
            case "never":
                return False

    def _bind(self) -> Callable[..., Any]:
        try:
            function = _library(self._library)[self.name]
        except (AttributeError, OSError) as error:
            raise Win32Error(self.name, ERROR_CALL_NOT_IMPLEMENTED) from error
        function.restype = self._result
        function.argtypes = self._arguments
        return function  # type: ignore[no-any-return]  # ctypes' library is untyped here


_libraries: dict[str, Any] = {}
_load: Any = getattr(ctypes, "WinDLL", None)  # exists on Windows only
_LOAD_LIBRARY_SEARCH_SYSTEM32 = 0x800


def _library(name: str) -> Any:
    if _load is None:
        raise OSError(f"{name} exists on Windows only")
    if name not in _libraries:
        _libraries[name] = _load(f"{name}.dll", use_last_error=True, winmode=_LOAD_LIBRARY_SEARCH_SYSTEM32)
    return _libraries[name]


def function(library: str, name: str, result: Any, *arguments: Any, fails: Fails = "zero") -> Function:
    """Declare ``name`` of ``library``; it is looked up when first called."""
    return Function(library, name, result, arguments, fails)


def callback(result: Any, *arguments: Any) -> Any:
    """A type of functions that Windows calls back (``WINAPI`` convention)."""
    if sys.platform == "win32":
        return ctypes.WINFUNCTYPE(result, *arguments)
    return ctypes.CFUNCTYPE(result, *arguments)


def last_error() -> int:
    """The calling thread's last error, as ctypes kept it after the last call."""
    if sys.platform == "win32":
        return ctypes.get_last_error()
    return 0


_close_handle = function("kernel32", "CloseHandle", BOOL, HANDLE, fails="never")


class Handle:
    """A kernel handle that closes once, at the end of a ``with`` block or by :meth:`close`."""

    __slots__ = ("value",)

    def __init__(self, value: int | None) -> None:
        self.value = value

    def close(self) -> None:
        """Close it; again is harmless."""
        value, self.value = self.value, None
        if value:
            _close_handle(value)

    def detach(self) -> int | None:
        """Give the bare handle away."""
        value, self.value = self.value, None
        return value

    def __enter__(self) -> Handle:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
