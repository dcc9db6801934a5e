"""What an X server tells of by itself: new copies (XFIXES) and changes of the screen (RandR).

Through ctypes: no tool of X11's tells of them without being asked again and again. The libraries are those
that ``xrandr`` and every toolkit use. When the server goes Xlib ends the process: its session is over.
Sources: Xlib's manual, "fixesproto.txt", Xrandr(3).
"""

from __future__ import annotations

import ctypes
import logging
import os
import threading
from collections.abc import Callable
from ctypes import c_char_p, c_int, c_long, c_ulong, c_void_p
from typing import Any

from neuron_guest.backend import BackendError

_log = logging.getLogger("neuron_guest")

_OWNER_MASK = 1  # XFixesSetSelectionOwnerNotifyMask
_SCREEN_MASK = 1  # RRScreenChangeNotifyMask
_EVENT = c_long * 24  # an XEvent is a union padded to this (X11/Xlib.h)


class X11Events:
    """From its making to :meth:`close` ``copied`` and ``resized`` are called on a thread of its own.

    Raises: BackendError unsupported where the display or its libraries are not there.
    """

    def __init__(self, display: str, *, copied: Callable[[], None], resized: Callable[[], None]) -> None:
        try:
            self._x11 = ctypes.CDLL("libX11.so.6")
            self._fixes = ctypes.CDLL("libXfixes.so.3")
            self._randr = ctypes.CDLL("libXrandr.so.2")
        except OSError as error:
            raise BackendError("unsupported", f"X11's libraries are not here: {error}") from error
        self._copied, self._resized = copied, resized
        self._declare()
        self._display = self._x11.XOpenDisplay(display.encode())
        if not self._display:
            raise BackendError("unsupported", f"the display {display} cannot be opened")
        root = self._x11.XDefaultRootWindow(self._display)
        clipboard = self._x11.XInternAtom(self._display, b"CLIPBOARD", 0)
        self._copy_event = self._select(
            self._fixes.XFixesQueryExtension,
            lambda: self._fixes.XFixesSelectSelectionInput(self._display, root, clipboard, _OWNER_MASK),
        )
        self._screen_event = self._select(
            self._randr.XRRQueryExtension,
            lambda: self._randr.XRRSelectInput(self._display, root, _SCREEN_MASK),
        )
        self._x11.XFlush(self._display)
        self._closing, self._bell = os.pipe()
        self._thread = threading.Thread(target=self._run, name="neuron-x11", daemon=True)
        self._thread.start()

    def _declare(self) -> None:
        x11: Any = self._x11
        x11.XOpenDisplay.restype = c_void_p
        x11.XOpenDisplay.argtypes = [c_char_p]
        x11.XDefaultRootWindow.restype = x11.XInternAtom.restype = c_ulong
        x11.XInternAtom.argtypes = [c_void_p, c_char_p, c_int]
        x11.XNextEvent.argtypes = [c_void_p, c_void_p]
        for name in ("XDefaultRootWindow", "XFlush", "XPending", "XConnectionNumber", "XCloseDisplay"):
            getattr(x11, name).argtypes = [c_void_p]
        pointer = ctypes.POINTER(c_int)
        self._fixes.XFixesQueryExtension.argtypes = [c_void_p, pointer, pointer]
        self._fixes.XFixesSelectSelectionInput.argtypes = [c_void_p, c_ulong, c_ulong, c_ulong]
        self._randr.XRRQueryExtension.argtypes = [c_void_p, pointer, pointer]
        self._randr.XRRSelectInput.argtypes = [c_void_p, c_ulong, c_int]
        self._randr.XRRUpdateConfiguration.argtypes = [c_void_p]

    def _select(self, query: Callable[..., int], select: Callable[[], object]) -> int:
        """The extension's first event, or -1 where the server lacks it."""
        event, error = c_int(), c_int()
        if not query(self._display, ctypes.byref(event), ctypes.byref(error)):
            return -1
        select()
        return event.value

    def _run(self) -> None:
        import select  # here: the service, which has no desktop, does not need it

        event = _EVENT()
        kind = ctypes.cast(event, ctypes.POINTER(c_int))
        server = self._x11.XConnectionNumber(self._display)
        while True:
            while self._x11.XPending(self._display):
                self._x11.XNextEvent(self._display, event)
                if kind[0] == self._copy_event:
                    self._tell(self._copied)
                elif kind[0] == self._screen_event:
                    self._randr.XRRUpdateConfiguration(event)
                    self._tell(self._resized)
            ready, _, _ = select.select([server, self._closing], [], [])
            if self._closing in ready:
                break
        self._x11.XCloseDisplay(self._display)
        os.close(self._closing)

    @staticmethod
    def _tell(told: Callable[[], None]) -> None:
        try:
            told()
        except (BackendError, OSError) as error:  # the next one may be told again
            _log.info("an event could not be told: %s", error)

    def close(self) -> None:
        """Tell of nothing more."""
        if self._bell >= 0:
            os.close(self._bell)
            self._bell = -1
            if threading.current_thread() is not self._thread:
                self._thread.join(5)
