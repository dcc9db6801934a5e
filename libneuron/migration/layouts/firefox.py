"""Firefox: profile folders named by profiles.ini, and one default per installation.

Adoption was tried with Firefox ESR 153: see ``transforms/firefox.py``.
"""

from __future__ import annotations

import re

from libneuron.migration.layouts.common import Layout, Setting, claim, join
from libneuron.migration.model import Note
from libneuron.migration.rules import Rule

_INSTALL = re.compile(r"^\[(?:Install)?([0-9A-F]{16})\]\s*$", re.MULTILINE)
_VERSION = re.compile(r"^LastVersion=([0-9.]+)", re.MULTILINE)


def firefox(rule: Rule, setting: Setting) -> Layout | None:
    """Each profile beside those that are there, and the list of profiles merged."""
    top = setting.locate(rule.places[0].path)
    if top is None:
        return None
    target = setting.home.choose(rule.targets)
    profiles = setting.source.find(f"{top}/Profiles") or f"{top}/Profiles"
    there = set(setting.home.names(target.path))
    mapping = {}
    claims = [claim(rule, rule.places[0], top, target.path, base="@data")]
    for place in rule.places[1:]:
        path = setting.locate(place.path)
        if path is not None:
            claims.append(claim(rule, place, path, target.path, base="@data"))
    notes = []
    for name in setting.source.names(profiles):
        if not setting.source.names(f"{profiles}/{name}"):
            continue
        to = name
        while to in there:
            to = f"{to}-windows"
        there.add(to)
        mapping[f"Profiles/{name}"] = to
        claims.append(
            claim(rule, rule.places[0], f"{profiles}/{name}", join(target.path, to), base="@profile")
        )
        version = _VERSION.search(
            _text(setting.source.read(f"{profiles}/{name}/compatibility.ini", limit=4096))
        )
        if version:
            notes += _compare(rule, version.group(1), setting.home.version(target))
    known = _text(setting.home.read(f"{target.path}/installs.ini"))
    known += _text(setting.home.read(f"{target.path}/profiles.ini"))
    installs = sorted(set(_INSTALL.findall(known)))
    if installs:
        notes.append(Note(rule.id, "firefox-default", {"app": rule.label}))
    params: dict[str, object] = {
        "profiles": mapping,
        "installs": installs,
        "folder": str(setting.home.path / target.path),
    }
    return Layout(tuple(claims), target.path, params, tuple(notes))


def _compare(rule: Rule, profile: str, installed: str) -> list[Note]:
    """Firefox and Thunderbird refuse a profile that a newer version has used (nsAppRunner.cpp, downgrade)."""
    if not installed:
        return [Note(rule.id, "firefox-newer", {"app": rule.label, "version": profile})]
    if _numbers(profile) <= _numbers(installed):
        return []
    params = {"app": rule.label, "version": profile, "installed": installed}
    return [Note(rule.id, "firefox-too-old", params)]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part or 0) for part in version.rstrip(".").split("."))


def _text(data: bytes | None) -> str:
    return (data or b"").decode("utf-8", "replace")
