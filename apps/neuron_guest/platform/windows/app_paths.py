"""Programs that registered themselves under "App Paths" (Microsoft, "Application Registration")."""

from __future__ import annotations

from collections.abc import Mapping

from neuron_guest.platform.windows import registry

_KEY = r"Software\Microsoft\Windows\CurrentVersion\App Paths"
_HIVES = ("HKEY_CURRENT_USER", "HKEY_LOCAL_MACHINE")  # the person's own first, as the shell does


def lookup(name: str) -> str | None:
    """The path registered for ``name`` ("chrome" or "chrome.exe")."""
    file = name if "." in name else f"{name}.exe"
    for hive in _HIVES:
        path = registry.text(hive, rf"{_KEY}\{file}", "")
        if path:
            return path.strip().strip('"')
    return None


def every() -> Mapping[str, str]:
    """Registered file name → path."""
    found: dict[str, str] = {}
    for hive in reversed(_HIVES):
        for name in registry.subkeys(hive, _KEY):
            path = registry.text(hive, rf"{_KEY}\{name}", "")
            if path:
                found[name] = path.strip().strip('"')
    return found
