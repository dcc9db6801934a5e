r"""Windows paths as values: "C:\Users\anna\Documents" compared without case, mapped into a home. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

_DRIVE = re.compile(r"^(?:\\\\\?\\)?([A-Za-z]):[\\/]")
_INSIDE = re.compile(r"(?:^|[\s\"'=;,(@])(?:file:/{2,3})?[A-Za-z]:(?:\\|/(?!/))|^\\\\[^\\]|%[A-Za-z_]+%[\\/]")


def is_windows(text: str) -> bool:
    r"""Whether ``text`` holds a path only Windows understands: a drive letter, ``\\server`` or %VAR%\…"""
    return _INSIDE.search(text) is not None


@dataclass(frozen=True)
class WindowsPath:
    """An absolute path: the drive's letter in upper case, and the parts after it."""

    drive: str
    parts: tuple[str, ...]

    @property
    def slashed(self) -> str:
        """The parts joined by "/", as the source tree has them."""
        return "/".join(self.parts)

    def __str__(self) -> str:
        return f"{self.drive}:\\" + "\\".join(self.parts)


def parse(text: str, variables: dict[str, str]) -> WindowsPath | None:
    r"""An absolute path; ``variables`` (lower-case names) fill %NAME%. None for anything else."""
    filled = re.sub(
        r"%([^%]+)%", lambda found: variables.get(found.group(1).lower(), found.group(0)), text.strip()
    )
    found = _DRIVE.match(filled)
    if found is None or "%" in filled:
        return None
    parts = tuple(part for part in re.split(r"[\\/]+", filled[found.end() :]) if part not in ("", "."))
    return None if ".." in parts else WindowsPath(found.group(1).upper(), parts)


@dataclass(frozen=True)
class PathMap:
    """Where Windows folders have gone: pairs of (Windows path, absolute path or "" for nowhere).

    The longest that fits decides.
    """

    pairs: tuple[tuple[str, str], ...]

    def translate(self, text: str) -> str | None:
        """The path's place in the home, or None where it did not come along."""
        path = parse(text, {})
        if path is None:
            return None
        wanted = str(path).casefold()
        best: tuple[int, str] | None = None
        for windows, home in self.pairs:
            base = windows.rstrip("\\").casefold()
            if (wanted == base or wanted.startswith(base + "\\")) and (best is None or len(base) > best[0]):
                rest = str(path)[len(base) :].replace("\\", "/")
                best = (len(base), home + rest if home else "")
        return best[1] if best and best[1].startswith("/") else None
