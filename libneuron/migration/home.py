"""The home that things come into: its XDG folders, and which form of an app is used here."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from libneuron.migration import programs
from libneuron.system.files import Root

_LINE = re.compile(r'^XDG_([A-Z]+)_DIR="\$HOME/([^"]*)"', re.MULTILINE)
_VERSION = re.compile(r"^Version=([0-9.]+)", re.MULTILINE)
_KEYS = {
    "desktop": "DESKTOP",
    "documents": "DOCUMENTS",
    "downloads": "DOWNLOAD",
    "music": "MUSIC",
    "pictures": "PICTURES",
    "videos": "VIDEOS",
}


def xdg_folders(user_dirs: str) -> dict[str, str]:
    """Known-folder ids to folders below the home, from the text of ``user-dirs.dirs``.

    A folder that is switched off there (set to the home itself) or missing gets its English name.
    Source: xdg-user-dirs, ``user-dirs.dirs(5)``.
    """
    told = {key: value.strip("/") for key, value in _LINE.findall(user_dirs)}
    usual = {name: name.capitalize() for name in _KEYS}
    return {
        name: value if (value := told.get(key, "")) and ".." not in value.split("/") else usual[name]
        for name, key in _KEYS.items()
    }


@dataclass(frozen=True)
class Target:
    """One form of an app: "native", "flatpak" or "snap". ``path`` is below the home; ``programs`` show it."""

    form: str
    path: str
    programs: tuple[str, ...] = ()
    flatpak: str = ""
    versions: tuple[str, ...] = ()
    """Where a Mozilla program says its version (application.ini)."""


class Home:
    """A home folder, looked at but never written to here."""

    def __init__(self, path: Path, root: Root) -> None:
        self.path = path
        self._root = root

    def names(self, path: str) -> tuple[str, ...]:
        """Sorted names in a folder of the home; empty where it is absent."""
        try:
            return tuple(sorted(os.listdir(self.path / path)))
        except OSError:
            return ()

    def read(self, path: str, *, limit: int = 16 << 20) -> bytes | None:
        """A file of the home, or None where it is absent or longer than ``limit`` bytes."""
        try:
            with (self.path / path).open("rb") as file:
                data = file.read(limit + 1)
        except OSError:
            return None
        return data if len(data) <= limit else None

    def exists(self, path: str) -> bool:
        """Whether there is something at ``path``, be it a dangling link."""
        return os.path.lexists(self.path / path)

    def folders(self) -> dict[str, str]:
        """Known-folder ids to folders below the home."""
        return xdg_folders((self.read(".config/user-dirs.dirs") or b"").decode("utf-8", "replace"))

    def installed(self, target: Target) -> bool:
        """Whether this form of the app is on the machine."""
        if any(self._root.exists(program) for program in target.programs):
            return True
        return bool(target.flatpak) and (
            self._root.exists(f"/var/lib/flatpak/app/{target.flatpak}")
            or self.exists(f".local/share/flatpak/app/{target.flatpak}")
        )

    def choose(self, targets: tuple[Target, ...]) -> Target:
        """The form to bring settings to: one used here before, else one installed, else the first."""
        for target in targets:
            if self.exists(target.path):
                return target
        return next((target for target in targets if self.installed(target)), targets[0])

    def version(self, target: Target) -> str:
        """The version of the installed Mozilla program, "" where it is not known."""
        for path in target.versions:
            found = _VERSION.search(self._root.text(path) or "")
            if found:
                return found.group(1)
        return ""

    def family(self) -> str:
        """The family of the machine's distribution: "debian", "arch", "fedora" or ""."""
        return programs.family(self._root.text("/etc/os-release") or "")

    def runs(self, process: int) -> bool:
        """Whether a process of this number runs on the machine."""
        return self._root.exists(f"/proc/{process}")
