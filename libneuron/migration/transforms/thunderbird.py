"""Thunderbird's preferences: folders of servers and address books become relative to the profile.

Each ``….directory`` has a neighbour ``….directory-rel`` ("[ProfD]Mail/Local Folders"), which Thunderbird uses
where the absolute one is missing. Source: mailnews/base/src/nsMsgUtils.cpp (NS_GetPersistentFile);
MozillaZine, "Moving your profile folder - Thunderbird".
"""

from __future__ import annotations

import json
import re

from libneuron.migration.transforms.common import Context, NotUnderstood, Result, decode, unix_lines
from libneuron.migration.windowspath import is_windows

_PREF = re.compile(r'^user_pref\(("(?:[^"\\]|\\.)*"),\s*(.*)\);\s*$')
_PROFILE = re.compile(r"^.*\\Thunderbird\\Profiles\\[^\\]+\\", re.IGNORECASE)


def prefs(data: bytes, _context: Context) -> Result:
    """``prefs.js`` without Windows paths: relative ones are kept or made, the others dropped and told."""
    lines = unix_lines(decode(data)).splitlines()
    found = {index: _read(line) for index, line in enumerate(lines)}
    keys = {one[0] for one in found.values() if one is not None}
    if not keys:
        raise NotUnderstood("no preferences")
    out = []
    notes = []
    for index, line in enumerate(lines):
        one = found[index]
        if one is None or not is_windows(one[1]):
            out.append(line)
            continue
        key, value = one
        if f"{key}-rel" in keys:
            continue
        inside = _PROFILE.match(value)
        if inside is not None and key.endswith((".directory", ".file")):
            relative = "[ProfD]" + value[inside.end() :].replace("\\", "/")
            out.append(f"user_pref({json.dumps(key + '-rel')}, {json.dumps(relative, ensure_ascii=False)});")
        else:
            notes.append(("setting-dropped", {"key": key, "value": value}))
    return Result(unix_lines("\n".join(out)).encode(), tuple(notes))


def _read(line: str) -> tuple[str, str] | None:
    """Key and text value of a preference; None for other lines and for numbers and booleans."""
    match = _PREF.match(line)
    if match is None:
        return None
    try:
        key, value = json.loads(match.group(1)), json.loads(match.group(2))
    except ValueError:
        return None
    return (key, value) if isinstance(value, str) else (key, "")
