r"""Chromium's settings: JSON, edited as values.

What was seen with Chromium 156: an extension whose ``path`` has "\" becomes a ghost; foreign HMACs in
``Secure Preferences`` are not enforced on Linux; a profile missing from ``info_cache`` does not appear;
``os_crypt`` holds a key that only Windows can unlock.
"""

from __future__ import annotations

import json
import re
from typing import Any

from libneuron.migration.transforms.common import Context, NotUnderstood, Result
from libneuron.migration.windowspath import is_windows

_DRIVE = re.compile(r"^(?:[A-Za-z]:[\\/]|\\\\)")
_FOLDERS = ("savefile", "selectfile")


def _object(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:  # nested thousands deep
        raise NotUnderstood(str(error)) from error
    if not isinstance(value, dict):
        raise NotUnderstood("not an object")
    return value


def _bytes(value: dict[str, Any]) -> bytes:
    # As Chromium writes it: compact; its lone surrogates survive as escapes.
    try:
        return json.dumps(value, separators=(",", ":")).encode()
    except RecursionError as error:
        raise NotUnderstood(str(error)) from error


def _dictionary(value: dict[str, Any], *keys: str) -> dict[str, Any]:
    for key in keys:
        inner = value.get(key)
        if not isinstance(inner, dict):
            return {}
        value = inner
    return value


def _fix_extensions(value: dict[str, Any]) -> tuple[bool, list[tuple[str, dict[str, str]]]]:
    settings = _dictionary(value, "extensions", "settings")
    notes: list[tuple[str, dict[str, str]]] = []
    changed = False
    for name in list(settings):
        path = settings[name].get("path") if isinstance(settings[name], dict) else None
        if not isinstance(path, str) or not path:
            continue
        if _DRIVE.match(path):
            # Component extensions of the Windows program are brought by the Linux one; others were
            # "loaded unpacked" from a folder that is not part of the profile.
            if not re.search(r"\\(?:Application|resources)\\", path):
                notes.append(("extension-dropped", {"id": name, "path": path}))
            del settings[name]
            macs = _dictionary(value, "protection", "macs", "extensions", "settings")
            macs.pop(name, None)
            changed = True
        elif "\\" in path:
            settings[name]["path"] = path.replace("\\", "/")
            changed = True
    return changed, notes


def preferences(data: bytes, _context: Context) -> Result:
    """``Preferences``: folders of dialogs dropped, extension paths turned."""
    value = _object(data)
    changed, notes = _fix_extensions(value)
    for key in _FOLDERS:
        inner = _dictionary(value, key)
        for name, folder in list(inner.items()):
            if isinstance(folder, str) and _DRIVE.match(folder):
                del inner[name]
                changed = True
    download = _dictionary(value, "download")
    for key in ("default_directory", "last_used_directory"):
        if isinstance(download.get(key), str) and is_windows(download[key]):
            del download[key]
            changed = True
    return Result(_bytes(value) if changed else data, tuple(notes))


def secure_preferences(data: bytes, _context: Context) -> Result:
    """``Secure Preferences``: the list of extensions, its paths turned."""
    value = _object(data)
    changed, notes = _fix_extensions(value)
    return Result(_bytes(value) if changed else data, tuple(notes))


def local_state(data: bytes, context: Context) -> Result:
    """``Local State`` made anew: the profiles of the source, added to what is there.

    Everything else in the file belongs to one installation (variations, os_crypt, hardware).
    """
    source = _dictionary(_object(data), "profile", "info_cache")
    value = _object(context.existing) if context.existing is not None else {}
    profile = value.setdefault("profile", {})
    if not isinstance(profile, dict):
        raise NotUnderstood("profile is not an object")
    cache = profile.setdefault("info_cache", {})
    order = profile.get("profiles_order")
    for name, to in context.mapping("profiles").items():
        info = source.get(name)
        cache[to] = info if isinstance(info, dict) else {"name": name, "is_using_default_name": False}
        if isinstance(order, list) and to not in order:
            order.append(to)
    if context.existing is None:
        mapping = context.mapping("profiles")
        last = _dictionary(_object(data), "profile").get("last_used")
        if isinstance(last, str) and last in mapping:
            profile["last_used"] = mapping[last]
        profile["profiles_created"] = len(cache)
    return Result(_bytes(value))
