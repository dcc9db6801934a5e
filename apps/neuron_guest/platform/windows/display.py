"""Display modes of the primary screen: listed, tested, switched, read back, given back on failure."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Sequence

from neuron_guest.backend import BackendError, Mode
from neuron_guest.platform.windows import win32
from neuron_guest.platform.windows.win32 import BOOL, DWORD, HANDLE, LONG, POINTER, UINT, WORD, WSTR

_CURRENT_SETTINGS = 0xFFFFFFFF
_CDS_TEST = 2
_FIELDS = 0x80000 | 0x100000  # DM_PELSWIDTH, DM_PELSHEIGHT
_FIELD_FREQUENCY = 0x400000
_DEFAULT_DPI = 96
_SETTLE_TIME = 1.0  # seconds

# Microsoft, ChangeDisplaySettingsExW, "Return value".
_REFUSALS = {
    1: "a restart would be needed",
    -1: "the graphics driver failed",
    -2: "the graphics driver does not know this mode",
    -3: "Windows could not keep the setting",
    -4: "the flags are not valid",
    -5: "a parameter is not valid",
    -6: "the system has several views of one screen",
}


class _DevMode(ctypes.Structure):
    _fields_ = [
        ("dmDeviceName", ctypes.c_uint16 * 32),
        ("dmSpecVersion", WORD),
        ("dmDriverVersion", WORD),
        ("dmSize", WORD),
        ("dmDriverExtra", WORD),
        ("dmFields", DWORD),
        ("dmPositionX", LONG),
        ("dmPositionY", LONG),
        ("dmDisplayOrientation", DWORD),
        ("dmDisplayFixedOutput", DWORD),
        ("dmColor", ctypes.c_short),
        ("dmDuplex", ctypes.c_short),
        ("dmYResolution", ctypes.c_short),
        ("dmTTOption", ctypes.c_short),
        ("dmCollate", ctypes.c_short),
        ("dmFormName", ctypes.c_uint16 * 32),
        ("dmLogPixels", WORD),
        ("dmBitsPerPel", DWORD),
        ("dmPelsWidth", DWORD),
        ("dmPelsHeight", DWORD),
        ("dmDisplayFlags", DWORD),
        ("dmDisplayFrequency", DWORD),
        ("dmReserved", DWORD * 8),
    ]


_enumerate = win32.function("user32", "EnumDisplaySettingsW", BOOL, WSTR, DWORD, POINTER, fails="never")
_change = win32.function(
    "user32", "ChangeDisplaySettingsExW", LONG, WSTR, POINTER, HANDLE, DWORD, POINTER, fails="never"
)
_dpi_for_system = win32.function("user32", "GetDpiForSystem", UINT)
_per_monitor = win32.function("user32", "SetProcessDpiAwarenessContext", BOOL, HANDLE, fails="never")
_system_aware = win32.function("user32", "SetProcessDPIAware", BOOL, fails="never")


def use_real_pixels() -> None:
    """Make this process see pixels and not the scaled ones of old programs. Once, before any window.

    Windows 10 1703 and later: per monitor, version 2; earlier ones: of the system.
    """
    try:
        if _per_monitor(ctypes.c_void_p(-4)):
            return
    except win32.Win32Error:
        pass  # an older Windows: the next call is for it
    _system_aware()


def dpi() -> int:
    """Dots per inch of the primary screen; 96 is 100 %."""
    try:
        return int(_dpi_for_system())
    except win32.Win32Error:
        return _DEFAULT_DPI


def _settings(number: int) -> _DevMode | None:
    mode = _DevMode(dmSize=ctypes.sizeof(_DevMode))
    return mode if _enumerate(None, number, ctypes.byref(mode)) else None


def _mode(settings: _DevMode) -> Mode:
    # 0 and 1 mean "the hardware's default" (Microsoft, DEVMODEW).
    frequency = settings.dmDisplayFrequency
    return Mode(settings.dmPelsWidth, settings.dmPelsHeight, frequency if frequency > 1 else 0)


def modes() -> Sequence[Mode]:
    """Modes that the primary screen's driver offers at the present colour depth, smallest first."""
    now = _settings(_CURRENT_SETTINGS)
    depth = now.dmBitsPerPel if now else 32
    found: set[Mode] = set()
    number = 0
    while (settings := _settings(number)) is not None:
        if settings.dmBitsPerPel == depth:
            found.add(_mode(settings))
        number += 1
    return sorted(found, key=lambda mode: (mode.width, mode.height, mode.refresh))


def current() -> Mode:
    """The present mode. Raises: BackendError no-display."""
    settings = _settings(_CURRENT_SETTINGS)
    if settings is None:
        raise BackendError("no-display", "Windows shows no screen in this session")
    return _mode(settings)


def set_mode(mode: Mode) -> Mode:
    """Test ``mode``, switch for this session only, read back. Raises: BackendError mode-refused, no-display.

    Not written to the registry: after a restart Windows has its own mode again.
    """
    before = _settings(_CURRENT_SETTINGS)
    if before is None:
        raise BackendError("no-display", "Windows shows no screen in this session")
    if not (0 < mode.width < 1 << 16 and 0 < mode.height < 1 << 16 and 0 <= mode.refresh < 1000):
        raise BackendError("mode-refused", f"{mode.width}×{mode.height} is no possible mode")
    wanted = _DevMode(
        dmSize=ctypes.sizeof(_DevMode),
        dmFields=_FIELDS | (_FIELD_FREQUENCY if mode.refresh else 0),
        dmPelsWidth=mode.width,
        dmPelsHeight=mode.height,
        dmDisplayFrequency=mode.refresh,
    )
    _ask(wanted, _CDS_TEST, mode)
    try:
        _ask(wanted, 0, mode)
        return _read_back(mode)
    except BackendError:
        _change(None, ctypes.byref(before), None, 0, None)
        raise


def _read_back(mode: Mode) -> Mode:
    """Some drivers change a moment later (indirect displays do, when their own program follows)."""
    ends = time.monotonic() + _SETTLE_TIME
    while True:
        after = current()
        if (after.width, after.height) == (mode.width, mode.height):
            return after
        if time.monotonic() > ends:
            raise BackendError("mode-refused", f"Windows chose {after.width}×{after.height} instead")
        time.sleep(0.02)


def _ask(settings: _DevMode, flags: int, mode: Mode) -> None:
    result = _change(None, ctypes.byref(settings), None, flags, None)
    if result != 0:
        why = _REFUSALS.get(result, f"code {result}")
        raise BackendError("mode-refused", f"{mode.width}×{mode.height} was refused: {why}")
