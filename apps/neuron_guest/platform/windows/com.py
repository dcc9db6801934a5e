"""As much COM as the shell's functions need: an apartment on the calling thread."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from neuron_guest.platform.windows import win32
from neuron_guest.platform.windows.win32 import DWORD, LONG, POINTER

_APARTMENT_THREADED = 2
_DISABLE_OLE1DDE = 4

_initialize = win32.function("ole32", "CoInitializeEx", LONG, POINTER, DWORD, fails="never")
_uninitialize = win32.function("ole32", "CoUninitialize", None, fails="never")


@contextlib.contextmanager
def apartment() -> Iterator[None]:
    """COM on this thread for a while, as ShellExecuteEx and SHGetFileInfo want it (Microsoft, "Remarks").

    A thread that already chose another kind of apartment keeps that.
    """
    initialized = _initialize(None, _APARTMENT_THREADED | _DISABLE_OLE1DDE) >= 0
    try:
        yield
    finally:
        if initialized:
            _uninitialize()
