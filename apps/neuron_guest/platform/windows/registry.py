"""The registry through the standard library; absent keys are an answer and not an error."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Mapping, Sequence
from typing import Any

_winreg: Any = None


def _module() -> Any:
    global _winreg  # noqa: PLW0603 — the module exists on Windows only and is looked up once
    if _winreg is None:
        _winreg = importlib.import_module("winreg")
    return _winreg


def subkeys(hive: str, path: str) -> Sequence[str]:
    """Names of the keys below ``path`` of ``hive`` ("HKEY_LOCAL_MACHINE"); none if it is absent."""
    winreg = _module()
    names = []
    try:
        with winreg.OpenKey(getattr(winreg, hive), path) as key:
            for number in range(winreg.QueryInfoKey(key)[0]):
                names.append(winreg.EnumKey(key, number))
    except OSError:
        return names
    return names


def text(hive: str, path: str, name: str) -> str | None:
    """A string value, variables like %ProgramFiles% expanded; None if absent or of another type."""
    winreg = _module()
    try:
        with winreg.OpenKey(getattr(winreg, hive), path) as key:
            value, kind = winreg.QueryValueEx(key, name)
    except OSError:
        return None
    if kind == winreg.REG_EXPAND_SZ and isinstance(value, str):
        return str(winreg.ExpandEnvironmentStrings(value))
    return value if kind == winreg.REG_SZ and isinstance(value, str) else None


def write(path: str, values: Mapping[str, str | int]) -> None:
    """Create a key below HKEY_LOCAL_MACHINE with these values. Raises: OSError without the right to."""
    winreg = _module()
    with winreg.CreateKeyEx(winreg.HKEY_LOCAL_MACHINE, path, 0, winreg.KEY_WRITE) as key:
        for name, value in values.items():
            kind = winreg.REG_SZ if isinstance(value, str) else winreg.REG_DWORD
            winreg.SetValueEx(key, name, 0, kind, value)


def remove(path: str) -> None:
    """Remove a key below HKEY_LOCAL_MACHINE that has no keys of its own; absent is fine. Raises: OSError."""
    winreg = _module()
    with contextlib.suppress(FileNotFoundError):
        winreg.DeleteKey(winreg.HKEY_LOCAL_MACHINE, path)
