"""Where the agent lives on Windows, and what its parts are called. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PureWindowsPath

SERVICE = "NeuronGuest"
DISPLAY_NAME = "NeuronGuest"
DESCRIPTION = "Connects this Windows to the desktop of the computer it runs on (clipboard, resolution, apps)."
_FOLDER = "NeuronGuest"

UNINSTALL_KEY = r"Software\Microsoft\Windows\CurrentVersion\Uninstall\NeuronGuest"
"""Below HKEY_LOCAL_MACHINE: what "Installed apps" lists (Microsoft, "Uninstall Registry Key")."""


def data_folder(environment: Mapping[str, str]) -> PureWindowsPath:
    """Keys and status; only SYSTEM and administrators may look into it."""
    return PureWindowsPath(environment.get("PROGRAMDATA", r"C:\ProgramData")) / _FOLDER


def program_folder(environment: Mapping[str, str]) -> PureWindowsPath:
    """One folder per version below it."""
    return PureWindowsPath(environment.get("PROGRAMFILES", r"C:\Program Files")) / _FOLDER


def python_of(version_folder: PureWindowsPath) -> PureWindowsPath:
    """The bundle's interpreter."""
    return version_folder / "python.exe"
