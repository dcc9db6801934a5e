"""A thread with a message-only window: where clipboard messages arrive and clipboard calls are made.

A window's messages go to the thread that made it (Microsoft, "About Messages and Message Queues"); other
threads hand it work with :meth:`MessageWindow.run`.
"""

from __future__ import annotations

import ctypes
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from neuron_guest.platform.windows import win32
from neuron_guest.platform.windows.win32 import BOOL, DWORD, HANDLE, LONG, POINTER, UINT, WSTR

Result = TypeVar("Result")
Handler = Callable[[int, int, int], int | None]
"""(message, wparam, lparam) → the answer, or None for Windows' own handling. Runs on the window's thread."""

_WM_DESTROY, _WM_CLOSE = 0x0002, 0x0010
_WM_RUN = 0x8000 + 1  # WM_APP + 1
_HWND_MESSAGE = -3

_PROCEDURE = win32.callback(ctypes.c_ssize_t, HANDLE, UINT, ctypes.c_size_t, ctypes.c_ssize_t)


class _WindowClass(ctypes.Structure):
    _fields_ = [
        ("cbSize", UINT),
        ("style", UINT),
        ("lpfnWndProc", _PROCEDURE),
        ("cbClsExtra", ctypes.c_int),
        ("cbWndExtra", ctypes.c_int),
        ("hInstance", HANDLE),
        ("hIcon", HANDLE),
        ("hCursor", HANDLE),
        ("hbrBackground", HANDLE),
        ("lpszMenuName", WSTR),
        ("lpszClassName", WSTR),
        ("hIconSm", HANDLE),
    ]


class _Message(ctypes.Structure):
    _fields_ = [
        ("hwnd", HANDLE),
        ("message", UINT),
        ("wParam", ctypes.c_size_t),
        ("lParam", ctypes.c_ssize_t),
        ("time", DWORD),
        ("x", LONG),
        ("y", LONG),
        ("lPrivate", DWORD),
    ]


_register_class = win32.function("user32", "RegisterClassExW", ctypes.c_uint16, POINTER)
_unregister_class = win32.function("user32", "UnregisterClassW", BOOL, WSTR, HANDLE, fails="never")
_create_window = win32.function(
    "user32", "CreateWindowExW", HANDLE, DWORD, WSTR, WSTR, DWORD, ctypes.c_int, ctypes.c_int, ctypes.c_int,
    ctypes.c_int, HANDLE, HANDLE, HANDLE, POINTER,
)  # fmt: skip
_destroy_window = win32.function("user32", "DestroyWindow", BOOL, HANDLE, fails="never")
_default = win32.function(
    "user32", "DefWindowProcW", ctypes.c_ssize_t, HANDLE, UINT, ctypes.c_size_t, ctypes.c_ssize_t,
    fails="never",
)  # fmt: skip
_get_message = win32.function(
    "user32", "GetMessageW", ctypes.c_int, POINTER, HANDLE, UINT, UINT, fails="never"
)
_dispatch = win32.function("user32", "DispatchMessageW", ctypes.c_ssize_t, POINTER, fails="never")
_post = win32.function("user32", "PostMessageW", BOOL, HANDLE, UINT, ctypes.c_size_t, ctypes.c_ssize_t)
_post_quit = win32.function("user32", "PostQuitMessage", None, ctypes.c_int, fails="never")
_module = win32.function("kernel32", "GetModuleHandleW", HANDLE, WSTR)


class MessageWindow:
    """The window and its thread. Raises Win32Error if Windows refuses it (no desktop)."""

    def __init__(self, handler: Handler, *, name: str = "NeuronGuest", broadcasts: bool = False) -> None:
        """``broadcasts``: also hear what Windows tells all top-level windows, as one that is never shown."""
        self._parent = None if broadcasts else _HWND_MESSAGE
        self._handler = handler
        self._class_name = f"{name}-{id(self):x}"
        self._work: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._procedure = _PROCEDURE(self._receive)  # kept: Windows holds the pointer
        self.handle: int | None = None
        ready: Future[None] = Future()
        self._thread = threading.Thread(target=self._main, args=(ready,), name=name, daemon=True)
        self._thread.start()
        ready.result()

    def _main(self, ready: Future[None]) -> None:
        instance = _module(None)
        window_class = _WindowClass(
            cbSize=ctypes.sizeof(_WindowClass),
            lpfnWndProc=self._procedure,
            hInstance=instance,
            lpszClassName=self._class_name,
        )
        try:
            _register_class(ctypes.byref(window_class))
            self.handle = _create_window(
                0, self._class_name, self._class_name, 0, 0, 0, 0, 0, self._parent, None, instance, None
            )
        except win32.Win32Error as error:
            ready.set_exception(error)
            return
        ready.set_result(None)
        message = _Message()
        while _get_message(ctypes.byref(message), None, 0, 0) > 0:
            _dispatch(ctypes.byref(message))
        _unregister_class(self._class_name, instance)

    def _receive(self, window: int, message: int, wparam: int, lparam: int) -> int:
        if message == _WM_RUN:
            self._work.get()()
            return 0
        if message == _WM_CLOSE:
            _destroy_window(window)
            return 0
        answer = self._handler(message, wparam, lparam)
        if message == _WM_DESTROY:
            _post_quit(0)
        if answer is not None:
            return answer
        result: int = _default(window, message, wparam, lparam)
        return result

    def run(self, work: Callable[[], Result], *, timeout: float) -> Result:
        """Run ``work`` on the window's thread and return what it returns.

        Raises: what ``work`` raises; TimeoutError after ``timeout`` seconds (another program may hold up the
        thread by not rendering its clipboard).
        """
        if threading.current_thread() is self._thread:
            return work()
        done: Future[Result] = Future()

        def task() -> None:
            if not done.set_running_or_notify_cancel():
                return
            try:
                done.set_result(work())
            except BaseException as error:  # noqa: BLE001 — carried to the thread that asked
                done.set_exception(error)

        self._work.put(task)
        _post(self.handle, _WM_RUN, 0, 0)
        try:
            return done.result(timeout)
        except TimeoutError:
            done.cancel()
            raise

    def post(self, message: int, wparam: Any = 0, lparam: Any = 0) -> None:
        """Put a message into the window's queue. Raises: Win32Error."""
        _post(self.handle, message, wparam, lparam)

    def close(self) -> None:
        """Destroy the window (its handler sees WM_DESTROY) and wait for the thread."""
        if self._thread.is_alive():
            try:
                _post(self.handle, _WM_CLOSE, 0, 0)
            except win32.Win32Error:
                return  # the desktop is gone, and the window with it
            self._thread.join(timeout=5)
