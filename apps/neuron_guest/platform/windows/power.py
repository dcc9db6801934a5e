"""Shutting down and restarting, with the privilege that Windows wants switched on first."""

from __future__ import annotations

from neuron_guest.backend import BackendError
from neuron_guest.platform.windows import security, win32
from neuron_guest.platform.windows.win32 import BOOL, DWORD, WSTR

# SHTDN_REASON_MAJOR_APPLICATION | SHTDN_REASON_MINOR_OTHER | SHTDN_REASON_FLAG_PLANNED
_REASON = 0x00040000 | 0x80000000
_GRACE = 2
"""Seconds until Windows begins, so that the answer reaches the host first."""
_ERROR_SHUTDOWN_IN_PROGRESS = 1115

_initiate = win32.function(
    "advapi32", "InitiateSystemShutdownExW", BOOL, WSTR, WSTR, DWORD, BOOL, BOOL, DWORD
)


def begin(action: str) -> None:
    """Ask Windows to shut down or restart; programs may still ask the person to save.

    Raises: BackendError bad-argument, failed.
    """
    if action not in ("shutdown", "reboot"):
        raise BackendError("bad-argument", f"{action} is neither shutdown nor reboot")
    try:
        security.enable_privilege("SeShutdownPrivilege")
        _initiate(None, None, _GRACE, win32.FALSE, win32.TRUE if action == "reboot" else win32.FALSE, _REASON)
    except win32.Win32Error as error:
        if error.code != _ERROR_SHUTDOWN_IN_PROGRESS:
            raise BackendError("failed", f"Windows refused: {error}") from error
