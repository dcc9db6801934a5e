"""Visual Studio Code's settings: JSON with comments, of which only what Windows alone understands goes."""

from __future__ import annotations

import json
import re

from libneuron.migration.transforms import jsonc, merging
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
    if notes:
        text = jsonc.edited(text, listed, drop=drop, change=change)
    if context.existing is not None:
        merged, more = _merged(context.existing, text)
        return Result(merged, (*notes, *more))
    return Result(text.encode() if notes else data, tuple(notes))


def _merged(existing: bytes, text: str) -> tuple[bytes, list[merging.Note]]:
    """The person's own settings, and behind them those of Windows that they do not have."""
    own = decode(existing)
    try:
        there = {member.key: member.value for member in jsonc.members(own)}
        listed = jsonc.members(text)
    except ValueError as error:
        raise NotUnderstood(str(error)) from error
    notes, added = [], []
    for member in listed:
        value = text[member.value_start : member.end]
        if member.key not in there:
            added.append(f"{json.dumps(member.key, ensure_ascii=False)}: {value}")
        elif there[member.key] != member.value:
            notes.append(merging.kept(member.key, value[:120]))
    return jsonc.extended(own, added).encode() if added else existing, notes


def _holds_windows(value: object) -> bool:
    if isinstance(value, str):
        return is_windows(value)
    if isinstance(value, list):
        return any(_holds_windows(one) for one in value)
    if isinstance(value, dict):
        return any(_holds_windows(one) or is_windows(str(key)) for key, one in value.items())
    return False
