"""Applications from desktop files (freedesktop.org Desktop Entry Specification 1.5)."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

from neuron_guest.backend import App

_ESCAPES = {"s": " ", "n": "\n", "t": "\t", "r": "\r", "\\": "\\"}
_MAX_ICON = 256 * 1024
_SIZES = ("64x64", "48x48", "128x128", "32x32", "256x256")


def entry(text: str) -> dict[str, str]:
    """The ``[Desktop Entry]`` group, untranslated keys only."""
    found: dict[str, str] = {}
    inside = False
    for line in text.splitlines():
        line = line.strip()
        if line.startswith("["):
            inside = line == "[Desktop Entry]"
        elif inside and "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            if "[" not in key:
                found[key.strip()] = _unescape(value.strip())
    return found


def _unescape(value: str) -> str:
    out, chars = [], iter(value)
    for char in chars:
        out.append(char if char != "\\" else _ESCAPES.get(next(chars, ""), "\\"))
    return "".join(out)


def command(text: str) -> tuple[str, ...]:
    """``Exec`` as arguments: field codes (%f, %U, …) are left out, %% is a percent sign. Never a shell."""
    try:
        words = shlex.split(text)
    except ValueError:
        return ()
    made: list[str] = []
    for word in words:
        if len(word) == 2 and word[0] == "%" and word != "%%":
            continue
        made.append(word.replace("%%", "%"))
    return tuple(made)


def app(identity: str, fields: Mapping[str, str]) -> App | None:
    """The application a desktop file describes, None for what a person does not start."""
    words = command(fields.get("Exec", ""))
    hidden = "true" in (fields.get("NoDisplay", ""), fields.get("Hidden", ""), fields.get("Terminal", ""))
    if fields.get("Type") != "Application" or hidden or not words or not fields.get("Name"):
        return None
    return App(identity, fields["Name"], words[0], words[1:])


def data_folders(environment: Mapping[str, str]) -> list[Path]:
    """Where applications and icons lie, the person's own first."""
    home = environment.get("XDG_DATA_HOME") or f"{environment.get('HOME', '')}/.local/share"
    system = environment.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share"
    return [Path(home), *(Path(part) for part in system.split(":") if part.startswith("/"))]


def _files(folders: list[Path]) -> Iterator[tuple[str, Path]]:
    seen: set[str] = set()
    for folder in folders:
        top = folder / "applications"
        for path in sorted(top.rglob("*.desktop")) if top.is_dir() else ():
            identity = str(path.relative_to(top)).replace("/", "-").removesuffix(".desktop")
            if identity not in seen:
                seen.add(identity)
                yield identity, path


def applications(environment: Mapping[str, str], *, icons: bool) -> list[App]:
    """Every application of this person, by name."""
    folders = data_folders(environment)
    found: list[App] = []
    for identity, path in _files(folders):
        try:
            fields = entry(path.read_text("utf-8", "replace"))
        except OSError:
            continue  # a link to something that was uninstalled
        made = app(identity, fields)
        if made is not None:
            icon = _icon(folders, fields.get("Icon", "")) if icons else b""
            found.append(App(made.id, made.name, made.path, made.args, icon))
    return sorted(found, key=lambda each: each.name.casefold())


def _icon(folders: list[Path], name: str) -> bytes:
    """The PNG of an icon's name; empty where there is only another format."""
    if not name or ("/" in name and not name.endswith(".png")):
        return b""
    places = [Path(name)] if name.startswith("/") else []
    if "/" not in name:
        places += [
            top / "icons/hicolor" / size / "apps" / f"{name}.png" for top in folders for size in _SIZES
        ]
        places += [top / "pixmaps" / f"{name}.png" for top in folders]
    for place in places:
        try:
            if place.stat().st_size <= _MAX_ICON:
                return place.read_bytes()
        except OSError:
            continue
    return b""


def find_program(name: str, environment: Mapping[str, str]) -> tuple[str, ...]:
    """What to start for a path, a program's name or an application's id; empty where there is nothing."""
    if "/" in name:
        return (name,) if os.access(name, os.X_OK) and Path(name).is_file() else ()
    for identity, path in _files(data_folders(environment)):
        if identity == name:
            return command(entry(path.read_text("utf-8", "replace")).get("Exec", ""))
    for folder in environment.get("PATH", "/usr/bin:/bin").split(":"):
        if folder.startswith("/") and os.access(f"{folder}/{name}", os.X_OK):
            return (f"{folder}/{name}",)
    return ()
