"""Top-level windows of the person's desktop, as Alt+Tab shows them."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

from neuron_guest.backend import BackendError, Window
from neuron_guest.platform.windows import win32
from neuron_guest.platform.windows.win32 import BOOL, DWORD, HANDLE, POINTER, UINT

_WM_CLOSE = 0x0010
_GW_OWNER = 4
_GWL_EXSTYLE = -20
_WS_EX_TOOLWINDOW, _WS_EX_APPWINDOW, _WS_EX_NOACTIVATE = 0x80, 0x40000, 0x08000000
_DWMWA_CLOAKED = 14
_SW_RESTORE = 9
_PROCESS_QUERY_LIMITED_INFORMATION = 0x1000

_VISIT = win32.callback(BOOL, HANDLE, ctypes.c_ssize_t)
_enumerate = win32.function("user32", "EnumWindows", BOOL, _VISIT, ctypes.c_ssize_t, fails="never")
_is_window = win32.function("user32", "IsWindow", BOOL, HANDLE, fails="never")
_is_visible = win32.function("user32", "IsWindowVisible", BOOL, HANDLE, fails="never")
_is_iconic = win32.function("user32", "IsIconic", BOOL, HANDLE, fails="never")
_owner = win32.function("user32", "GetWindow", HANDLE, HANDLE, UINT, fails="never")
_style = win32.function("user32", "GetWindowLongW", ctypes.c_int32, HANDLE, ctypes.c_int, fails="never")
_text_length = win32.function("user32", "GetWindowTextLengthW", ctypes.c_int, HANDLE, fails="never")
_text = win32.function("user32", "GetWindowTextW", ctypes.c_int, HANDLE, POINTER, ctypes.c_int, fails="never")
_foreground = win32.function("user32", "GetForegroundWindow", HANDLE, fails="never")
_set_foreground = win32.function("user32", "SetForegroundWindow", BOOL, HANDLE, fails="never")
_attach_input = win32.function("user32", "AttachThreadInput", BOOL, DWORD, DWORD, BOOL, fails="never")
_bring_to_top = win32.function("user32", "BringWindowToTop", BOOL, HANDLE, fails="never")
_show_async = win32.function("user32", "ShowWindowAsync", BOOL, HANDLE, ctypes.c_int, fails="never")
_thread_of = win32.function("user32", "GetWindowThreadProcessId", DWORD, HANDLE, POINTER, fails="never")
_this_thread = win32.function("kernel32", "GetCurrentThreadId", DWORD, fails="never")
_post = win32.function("user32", "PostMessageW", BOOL, HANDLE, UINT, ctypes.c_size_t, ctypes.c_ssize_t)
_cloaked = win32.function(
    "dwmapi", "DwmGetWindowAttribute", ctypes.c_int32, HANDLE, DWORD, POINTER, DWORD, fails="never"
)
_open_process = win32.function("kernel32", "OpenProcess", HANDLE, DWORD, BOOL, DWORD)
_image_name = win32.function("kernel32", "QueryFullProcessImageNameW", BOOL, HANDLE, DWORD, POINTER, POINTER)
_desktop_window = win32.function("user32", "GetDesktopWindow", HANDLE, fails="never")


def windows() -> Sequence[Window]:
    """Windows that a person can switch to, front to back."""
    handles: list[int] = []

    def visit(handle: int, _context: int) -> int:
        handles.append(handle)
        return win32.TRUE

    _enumerate(_VISIT(visit), 0)
    front = _foreground()
    return [
        Window(handle, title(handle), program(handle), focused=handle == front)
        for handle in handles
        if _can_be_switched_to(handle)
    ]


def _can_be_switched_to(handle: int) -> bool:
    # The rule of Alt+Tab (Raymond Chen, "Which windows appear in the Alt+Tab list?"), and no cloaked ones:
    # suspended store apps have invisible windows that claim to be visible.
    if not _is_visible(handle) or not _text_length(handle) or handle == _desktop_window():
        return False
    style = _style(handle, _GWL_EXSTYLE)
    if style & _WS_EX_APPWINDOW:
        return not _is_cloaked(handle)
    return not (
        style & (_WS_EX_TOOLWINDOW | _WS_EX_NOACTIVATE) or _owner(handle, _GW_OWNER) or _is_cloaked(handle)
    )


def _is_cloaked(handle: int) -> bool:
    value = DWORD()
    try:
        failed = _cloaked(handle, _DWMWA_CLOAKED, ctypes.byref(value), ctypes.sizeof(value))
    except win32.Win32Error:
        return False
    return failed == 0 and value.value != 0


def title(handle: int) -> str:
    """A window's title; empty if it has none or is gone."""
    buffer = ctypes.create_unicode_buffer(_text_length(handle) + 1)
    _text(handle, buffer, len(buffer))
    # Windows lets titles hold halves of characters, which cannot be sent.
    return buffer.value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def program(handle: int) -> str:
    """The path of the program a window belongs to; empty where Windows does not tell."""
    process = DWORD()
    _thread_of(handle, ctypes.byref(process))
    try:
        with win32.Handle(_open_process(_PROCESS_QUERY_LIMITED_INFORMATION, win32.FALSE, process)) as opened:
            buffer = ctypes.create_unicode_buffer(32768)
            size = DWORD(len(buffer))
            _image_name(opened.value, 0, buffer, ctypes.byref(size))
            return buffer.value
    except win32.Win32Error:
        return ""


def focus(handle: int) -> None:
    """Bring a window to the front, restored if it was minimised.

    Windows lets a background process do that only while its input is attached to the front window's
    (Microsoft, SetForegroundWindow, "Remarks"). Raises: BackendError not-found, failed.
    """
    _check(handle)
    if _is_iconic(handle):
        _show_async(handle, _SW_RESTORE)
    if _set_foreground(handle) and _foreground() == handle:
        return
    ours, front = _this_thread(), _thread_of(_foreground(), None)
    attached = bool(front) and front != ours and _attach_input(ours, front, win32.TRUE)
    try:
        _bring_to_top(handle)
        _set_foreground(handle)
    finally:
        if attached:
            _attach_input(ours, front, win32.FALSE)
    if _foreground() != handle:
        raise BackendError("failed", "Windows did not bring the window to the front")


def close(handle: int) -> None:
    """Ask a window to close. Raises: BackendError not-found, failed."""
    _check(handle)
    try:
        _post(handle, _WM_CLOSE, 0, 0)
    except win32.Win32Error as error:
        raise BackendError("failed", f"the window could not be asked to close: {error}") from error


def _check(handle: int) -> None:
    if not 0 < handle < 1 << 63 or not _is_window(handle):
        raise BackendError("not-found", "there is no such window any more")
