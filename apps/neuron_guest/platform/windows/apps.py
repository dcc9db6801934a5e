"""Applications of this Windows: start-menu shortcuts (the person's and everyone's), and App Paths."""

from __future__ import annotations

import ctypes
import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from neuron_guest.backend import App, BackendError
from neuron_guest.platform.windows import app_paths, icons, known_folders, shortcuts, targets, win32
from neuron_guest.platform.windows.known_folders import Folder
from neuron_guest.platform.windows.win32 import DWORD, POINTER, WSTR

_MAXIMUM_APPS = 2000
_expand = win32.function("kernel32", "ExpandEnvironmentStringsW", DWORD, WSTR, POINTER, DWORD, fails="never")


def apps(*, with_icons: bool) -> Sequence[App]:
    """Applications by name. A program in both menus counts once, the person's own shortcut first."""
    found: dict[str, App] = {}
    for folder in start_menus():
        for path in _shortcut_files(folder):
            app = _from_shortcut(path, with_icons=with_icons)
            if app is not None and len(found) < _MAXIMUM_APPS:
                found.setdefault(app.name.casefold(), app)
    for name, program in app_paths.every().items():
        title = name.rpartition(".")[0] or name
        if title.casefold() not in found and Path(program).is_file() and len(found) < _MAXIMUM_APPS:
            icon = icons.of_resource(program, 0) if with_icons else b""
            found[title.casefold()] = App(_identifier(program), title, program, (), icon)
    return sorted(found.values(), key=lambda app: app.name.casefold())


def start_menus() -> Sequence[Path]:
    """The start menu's folders that exist, the person's own first."""
    found = []
    for folder in (Folder.START_MENU, Folder.COMMON_START_MENU):
        try:
            found.append(known_folders.path_of(folder))
        except win32.Win32Error:
            continue  # this account has none
    return [path for path in found if path.is_dir()]


def _shortcut_files(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            if name.lower().endswith(".lnk"):
                yield Path(place) / name


def _from_shortcut(path: Path, *, with_icons: bool) -> App | None:
    try:
        with path.open("rb") as file:
            shortcut = shortcuts.parse(file.read(shortcuts.MAXIMUM + 1))
    except (OSError, ValueError):
        return None  # not a shortcut, whatever its name says
    icon = _icon(path, shortcut) if with_icons else b""
    return App(_identifier(str(path)), path.stem, str(path), (), icon)


def _icon(path: Path, shortcut: shortcuts.Shortcut) -> bytes:
    """From the place the shortcut names, else from what it points at, else what Windows shows for it.

    A place on the network is not looked at: that would send the person's credentials there.
    """
    for place, index in ((shortcut.icon, shortcut.icon_index), (shortcut.target, 0)):
        try:
            local = targets.local_path(expanded(place)) if place else ""
        except BackendError:
            continue
        icon = icons.of_resource(local, index) if local else b""
        if icon:
            return icon
    return icons.of_file(str(path))


def expanded(text: str) -> str:
    """``text`` with Windows' variables replaced."""
    buffer = ctypes.create_unicode_buffer(32768)
    count = _expand(text, buffer, len(buffer))
    return buffer.value if 0 < count <= len(buffer) else text


def _identifier(path: str) -> str:
    return hashlib.sha256(path.casefold().encode("utf-8", "surrogatepass")).hexdigest()[:16]
