"""Applications of this Windows: start-menu shortcuts (the person's and everyone's), and App Paths."""

from __future__ import annotations

import ctypes
import hashlib
import os
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

from neuron_guest.backend import App, BackendError
from neuron_guest.platform.windows import app_paths, icons, shortcuts, targets, win32
from neuron_guest.platform.windows.win32 import DWORD, HANDLE, LONG, POINTER, WSTR

# KNOWNFOLDERID (Microsoft): Programs, CommonPrograms.
_START_MENUS = (
    uuid.UUID("a77f5d77-2e2b-44c3-a6a2-aba601054a51"),
    uuid.UUID("0139d44e-6afe-49f2-8690-3dafcae6ffb8"),
)
_MAXIMUM_APPS = 2000
_known_folder = win32.function(
    "shell32", "SHGetKnownFolderPath", LONG, POINTER, DWORD, HANDLE, POINTER, fails="hresult"
)
_task_free = win32.function("ole32", "CoTaskMemFree", None, POINTER, fails="never")
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
    """The start menu's folders that exist."""
    places = [folder for identifier in _START_MENUS if (folder := _folder(identifier)) is not None]
    return [place for place in places if place.is_dir()]


def _folder(identifier: uuid.UUID) -> Path | None:
    text = ctypes.c_void_p()
    try:
        _known_folder(identifier.bytes_le, 0, None, ctypes.byref(text))
        return Path(ctypes.wstring_at(text.value or 0))
    except win32.Win32Error:
        return None
    finally:
        _task_free(text)


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
