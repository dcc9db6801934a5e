"""npm's settings: tokens and registries stay, places on the Windows disk go.

Source: npm, npmrc(5) and config(7).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from libneuron.migration.transforms import merging
from libneuron.migration.transforms.common import Context, Result, decode, unix_lines
from libneuron.migration.windowspath import is_windows

_DROP = frozenset({"prefix", "cache", "script-shell", "shell", "globalconfig", "init-module", "tmp"})
_SECRET = ("_authtoken", "_auth", "_password")


def config(data: bytes, context: Context) -> Result:
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
    if context.existing is None:
        return Result("\n".join(out).encode(), tuple(notes), mode=0o600)
    added, more = _missing(out, context.existing)
    return Result(merging.in_front(context.existing, added), (*notes, *more), mode=0o600)


def _missing(lines: list[str], existing: bytes) -> tuple[str, list[merging.Note]]:
    """The settings that the person's file does not have; in front, because npm takes a key's last value."""
    there = dict(_settings(merging.text_of(existing).splitlines()))
    added, notes = "", []
    for key, value in _settings(lines):
        if key not in there:
            added += f"{key}={value}\n"
        elif there[key] != value:
            notes.append(merging.kept(key, "…" if key.lower().endswith(_SECRET) else value))
    return added, notes


def _settings(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        key, equals, value = line.partition("=")
        if key.strip() and not key.lstrip().startswith((";", "#", "[")):
            yield key.strip(), value.strip() if equals else "true"
