"""WSL: each Linux system is one disk image, whose files are none of Windows: the person is told of them.

Source: Microsoft, "How to manage WSL disk space" (ext4.vhdx below the package's LocalState; since WSL 2.4
below ``AppData/Local/wsl``); the registry names each system's folder as ``BasePath`` below ``Lxss``.
"""

from __future__ import annotations

from libneuron.migration import hives
from libneuron.migration.errors import MigrationError
from libneuron.migration.layouts.common import Layout, Setting, claim, join
from libneuron.migration.model import Note
from libneuron.migration.rules import Rule

_LXSS = "\\Software\\Microsoft\\Windows\\CurrentVersion\\Lxss"
_DISK = "ext4.vhdx"


def _named(setting: Setting) -> list[str]:
    """Folders that the registry names."""
    path = setting.locate("NTUSER.DAT")
    data = setting.source.read(path, limit=hives.LIMIT) if path else None
    if not path or not data:
        return []
    try:
        found = hives.below(data, _LXSS, name=path)
    except MigrationError:
        return []  # told with the person's folders
    bases = (values.get("BasePath", "").removeprefix("\\\\?\\") for values in found.values())
    places = (setting.profile.locate(setting.source, base) for base in bases if base)
    return [place for place in places if place]


def wsl(rule: Rule, setting: Setting) -> Layout | None:
    """Every disk that the registry names or that lies in a usual place."""
    folders = _named(setting)
    for place in rule.places:
        top = setting.locate(place.path)
        inner = place.to
        for name in setting.source.names(top) if top else ():
            folders.append(join(str(top), name, inner))
    claims, notes = [], []
    for path in dict.fromkeys(join(folder, _DISK) for folder in folders):
        parent, _, name = path.rpartition("/")
        if name not in setting.source.names(parent):
            continue
        claims.append(claim(rule, rule.places[0], path, rule.targets[0].path, base="@disk"))
        notes.append(Note(rule.id, "wsl-disk", {"path": path}))
    return Layout(tuple(claims), rule.targets[0].path, {}, tuple(notes)) if claims else None
