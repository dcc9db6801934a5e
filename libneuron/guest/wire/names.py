"""Which names a file may have that crosses between host and guest: the one place for the rule. No I/O.

Both ends ask here, the one that sends and the one that creates. A name must mean the same file on Linux and
on Windows; it is refused rather than changed, so that nobody finds a file under a name that nobody gave.

Sources: Microsoft, "Naming Files, Paths, and Namespaces" (reserved characters and devices, also with an
extension and with superscript digits; trailing spaces and dots); CVE-2021-42072 and FreeRDP's 2026 series of
pasted ``..`` and broken UTF-16.
"""

from __future__ import annotations

_FORBIDDEN = frozenset('<>:"/\\|?*')
_DIGITS = "123456789\N{SUPERSCRIPT ONE}\N{SUPERSCRIPT TWO}\N{SUPERSCRIPT THREE}"
_DEVICES = frozenset(
    {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "CLOCK$"}
    | {f"{port}{digit}" for port in ("COM", "LPT") for digit in "0" + _DIGITS}
)
_OVERRIDES = frozenset(
    "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)  # show "exe.txt" as "txt.exe"
LONGEST = 255
"""UTF-16 units of a name on Windows, bytes of UTF-8 on Linux."""
DEEPEST = 32
"""Folders in one another."""


class UnsafeNameError(Exception):
    """A name that may not cross. ``name`` is fit to be shown; ``problem`` says why, in English."""

    def __init__(self, name: str, problem: str) -> None:
        self.name = "".join(
            char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in name[:200]
        )
        self.problem = problem
        super().__init__(f"“{self.name}” {problem}")


def check_name(name: str) -> None:
    """One component of a path. Raises: UnsafeNameError."""
    problem = _problem(name)
    if problem:
        raise UnsafeNameError(name, problem)


def components(path: str) -> tuple[str, ...]:
    """A relative path (``/`` between its parts) as checked components. Raises: UnsafeNameError."""
    parts = tuple(path.split("/"))
    if len(parts) > DEEPEST:
        raise UnsafeNameError(path, "lies too deep")
    for part in parts:
        check_name(part)
    return parts


def _problem(name: str) -> str:
    if name in ("", ".", ".."):
        return "is no name"
    if any(ord(char) < 32 or 127 <= ord(char) < 160 for char in name):
        return "has control characters"
    if not _FORBIDDEN.isdisjoint(name):
        return "has a character that Windows forbids"
    if not _OVERRIDES.isdisjoint(name):
        return "changes its reading direction, which hides what it is"
    if name[-1] in " .":
        return "ends in a space or a dot"
    if name.split(".")[0].rstrip(" ").upper() in _DEVICES:
        return "is the name of a device on Windows"
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        return "is not valid Unicode"
    if max(size, len(name.encode("utf-16-le")) // 2) > LONGEST:
        return "is too long"
    return ""
