"""Browsers of the Chromium family: profiles are folders beside the file "Local State", which lists them.

Source: Chromium, docs/user_data_dir.md; a profile that "Local State" does not list is not shown (seen).
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Collection
from contextlib import closing
from pathlib import Path

from libneuron.migration.layouts.common import Layout, Setting, claim, join
from libneuron.migration.model import Note
from libneuron.migration.rules import Rule

_SIGNS = frozenset({"Preferences", "Bookmarks", "History"})
"""Files of which every profile has at least one."""
_NOT_A_PERSON = ("System Profile", "Guest Profile")


def free_names(wanted: Collection[str], taken: Collection[str]) -> dict[str, str]:
    """A folder for each profile: its own where the name is free, else the next "Profile N"."""
    used = {name.casefold() for name in taken}
    chosen: dict[str, str] = {}
    for name in sorted(wanted, key=lambda one: (one.casefold() in used, one)):
        place, number = name, 0
        while place.casefold() in used:
            number += 1
            place = f"Profile {number}"
        used.add(place.casefold())
        chosen[name] = place
    return chosen


def chromium(rule: Rule, setting: Setting) -> Layout | None:
    """Each profile below the browser's folder, under a free name where the browser was used here before."""
    place = rule.places[0]
    top = setting.locate(place.path)
    if top is None:
        return None
    target = setting.home.choose(rule.targets)
    names = [
        name
        for name in setting.source.names(top)
        if name not in _NOT_A_PERSON and _SIGNS & set(setting.source.names(f"{top}/{name}"))
    ]
    there = setting.home.names(target.path)
    in_use = "Local State" in there
    mapping = free_names(names, there if in_use else ())
    claims = [claim(rule, place, top, target.path, base="@data")]
    notes = []
    for name, to in mapping.items():
        claims.append(claim(rule, place, f"{top}/{name}", join(target.path, to), base="@profile"))
        if name != to:
            notes.append(Note(rule.id, "profile-in-use", {"name": to}))
    count = sum(_logins(setting, f"{top}/{name}/Login Data") for name in names)
    if count:
        notes.append(Note(rule.id, "logins-locked", {"count": str(count)}))
    return Layout(tuple(claims), target.path, {"profiles": mapping}, tuple(notes))


def _logins(setting: Setting, path: str) -> int:
    """Saved passwords in a database of the source, counted in a copy: opening one may write beside it."""
    with tempfile.TemporaryDirectory(prefix="neuron-logins-") as folder:
        for ending in ("", "-wal", "-journal"):
            data = setting.source.read(path + ending, limit=64 << 20)
            if data is not None:
                (Path(folder) / f"logins{ending}").write_bytes(data)
            elif not ending:
                return 0
        try:
            with closing(sqlite3.connect(Path(folder) / "logins")) as database:
                (count,) = database.execute(
                    "SELECT count(*) FROM logins WHERE blacklisted_by_user = 0"
                ).fetchone()
                return int(count)
        except sqlite3.Error:
            return 0
