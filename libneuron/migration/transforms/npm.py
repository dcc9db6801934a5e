"""npm's settings: tokens and registries stay, places on the Windows disk go.

Source: npm, npmrc(5) and config(7).
"""

from __future__ import annotations

from libneuron.migration.transforms.common import Context, Result, decode, unix_lines
from libneuron.migration.windowspath import is_windows

_DROP = frozenset({"prefix", "cache", "script-shell", "shell", "globalconfig", "init-module", "tmp"})
_SECRET = ("_authtoken", "_auth", "_password")


def config(data: bytes, _context: Context) -> Result:
    """``.npmrc``, 0600 because it holds tokens."""
    out: list[str] = []
    notes: list[tuple[str, dict[str, str]]] = []
    for line in unix_lines(decode(data)).split("\n"):
        key, equals, value = line.partition("=")
        name = key.strip().lower()
        windows = is_windows(value.strip().strip("\"'").replace("\\\\", "\\"))
        if equals and not name.startswith((";", "#")) and (name in _DROP or windows):
            shown = "…" if name.endswith(_SECRET) else value.strip()
            notes.append(("setting-dropped", {"key": key.strip(), "value": shown}))
        else:
            out.append(line)
    return Result("\n".join(out).encode(), tuple(notes), mode=0o600)
