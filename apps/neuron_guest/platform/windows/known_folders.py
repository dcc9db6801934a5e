"""Windows' own folders, asked for and not taken from the environment, which a service has another one of."""

from __future__ import annotations

import ctypes
import uuid
from enum import Enum
from pathlib import Path

from neuron_guest.platform.windows import win32
from neuron_guest.platform.windows.win32 import DWORD, HANDLE, LONG, POINTER

_get = win32.function(
    "shell32", "SHGetKnownFolderPath", LONG, POINTER, DWORD, HANDLE, POINTER, fails="hresult"
)
_free = win32.function("ole32", "CoTaskMemFree", None, POINTER, fails="never")


class Folder(Enum):
    """KNOWNFOLDERID (Microsoft)."""

    PROGRAM_DATA = uuid.UUID("62ab5d82-fdc1-4dc3-a9dd-070d1d495d97")
    PROGRAM_FILES = uuid.UUID("905e63b6-c1bf-494e-b29c-65b732d3d21a")
    LOCAL_APP_DATA = uuid.UUID("f1b32785-6fba-4fcf-9d55-7b8e7f157091")
    DOWNLOADS = uuid.UUID("374de290-123f-4565-9164-39c4925e467b")
    START_MENU = uuid.UUID("a77f5d77-2e2b-44c3-a6a2-aba601054a51")
    COMMON_START_MENU = uuid.UUID("0139d44e-6afe-49f2-8690-3dafcae6ffb8")


def path_of(folder: Folder) -> Path:
    """Where it is. Raises: Win32Error if this Windows has it not."""
    text = ctypes.c_void_p()
    try:
        _get(folder.value.bytes_le, 0, None, ctypes.byref(text))
        return Path(ctypes.wstring_at(text.value or 0))
    finally:
        _free(text)
