"""Where the agent lives on Windows, and what its parts are called."""

from __future__ import annotations

from pathlib import Path

from neuron_guest.platform.windows import known_folders
from neuron_guest.platform.windows.known_folders import Folder

SERVICE = "NeuronGuest"
DISPLAY_NAME = "NeuronGuest"
DESCRIPTION = "Connects this Windows to the desktop of the computer it runs on (clipboard, resolution, apps)."
_FOLDER = "NeuronGuest"

UNINSTALL_KEY = r"Software\Microsoft\Windows\CurrentVersion\Uninstall\NeuronGuest"
"""Below HKEY_LOCAL_MACHINE: what "Installed apps" lists (Microsoft, "Uninstall Registry Key")."""


def data_folder() -> Path:
    """Keys, status and log; only SYSTEM and administrators may look into it."""
    return known_folders.path_of(Folder.PROGRAM_DATA) / _FOLDER


def program_folder() -> Path:
    """One folder per version below it."""
    return known_folders.path_of(Folder.PROGRAM_FILES) / _FOLDER
