"""Visual Studio Code's settings: JSON with comments, of which only what Windows alone understands goes."""

from __future__ import annotations

import json
import re

from libneuron.migration.transforms import jsonc
from libneuron.migration.transforms.common import Context, NotUnderstood, Result, decode
from libneuron.migration.windowspath import is_windows

_WINDOWS_KEY = re.compile(r"^terminal\..*\.windows$|^terminal\.external\.windowsExec$|\.windows$")


def settings(data: bytes, context: Context) -> Result:
    """``settings.json``: keys for Windows' terminal and values with drive letters go, each one reported.

    Comments, order and white space of everything else stay. A value that is a path which came along is
    changed to its new place.
    """
    text = decode(data)
    try:
        listed = jsonc.members(text)
    except ValueError as error:
        raise NotUnderstood(str(error)) from error
    drop: list[jsonc.Member] = []
    change: list[tuple[jsonc.Member, str]] = []
    notes: list[tuple[str, dict[str, str]]] = []
    for member in listed:
        shown = text[member.start : member.end].strip()[:120]
        if not _WINDOWS_KEY.search(member.key) and not _holds_windows(member.value):
            continue
        moved = context.paths.translate(member.value) if isinstance(member.value, str) else None
        if moved is not None and not _WINDOWS_KEY.search(member.key):
            change.append((member, json.dumps(moved, ensure_ascii=False)))
            notes.append(("setting-changed", {"key": member.key, "value": moved}))
        else:
            drop.append(member)
            notes.append(("setting-dropped", {"key": member.key, "value": shown}))
    if not notes:
        return Result(data)
    return Result(jsonc.edited(text, listed, drop=drop, change=change).encode(), tuple(notes))


def _holds_windows(value: object) -> bool:
    if isinstance(value, str):
        return is_windows(value)
    if isinstance(value, list):
        return any(_holds_windows(one) for one in value)
    if isinstance(value, dict):
        return any(_holds_windows(one) or is_windows(str(key)) for key, one in value.items())
    return False
