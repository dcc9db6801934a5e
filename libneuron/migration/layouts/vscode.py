"""Visual Studio Code: settings come over, extensions are listed for installing again."""

from __future__ import annotations

import json

from libneuron.migration.layouts.common import Layout, Setting, plain
from libneuron.migration.model import Note
from libneuron.migration.rules import Rule


def extension_ids(data: bytes) -> tuple[str, ...]:
    """The ids in ``extensions.json``, sorted; empty for anything else."""
    try:
        listed = json.loads(data)
    except (ValueError, RecursionError):
        return ()
    found = set()
    for one in listed if isinstance(listed, list) else ():
        inner = one.get("identifier") if isinstance(one, dict) else None
        name = inner.get("id") if isinstance(inner, dict) else None
        if isinstance(name, str):
            found.add(name)
    return tuple(sorted(found))


def vscode(rule: Rule, setting: Setting) -> Layout | None:
    """The plain layout, and a note that names the extensions."""
    layout = plain(rule, setting)
    if layout is None:
        return None
    path = setting.locate(".vscode/extensions/extensions.json")
    ids = extension_ids(setting.source.read(path, limit=16 << 20) or b"") if path else ()
    notes = (Note(rule.id, "install-extensions", {"list": ", ".join(ids)}),) if ids else ()
    return Layout(layout.claims, layout.to, {"extensions": list(ids)}, notes)
