"""Reading the registry with the standard library, absent keys being an answer and not an error."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
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
