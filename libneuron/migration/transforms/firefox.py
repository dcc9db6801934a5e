"""Firefox's own list of profiles, and the two files that tie a profile to a place.

What was seen with ESR 153: never run here → one profile section with ``Default=1`` and no ``[Install…]``
sections is adopted, compatibility.ini kept without ``LastPlatformDir``; run before → ``[Install<hash>]
Default=`` decides, compatibility.ini must go. Source: toolkit/profile/nsToolkitProfileService.cpp.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from libneuron.migration.transforms.common import Context, NotUnderstood, Result, decode

_CONFIGDIR = re.compile(r"(configdir=')[^']*(')")


@dataclass
class _Section:
    name: str
    values: dict[str, str] = field(default_factory=dict)

    def text(self) -> str:
        return f"[{self.name}]\n" + "".join(f"{key}={value}\n" for key, value in self.values.items())


def _sections(text: str) -> list[_Section]:
    found: list[_Section] = []
    for line in text.splitlines():
        line = line.strip()
        if line.startswith("[") and line.endswith("]"):
            found.append(_Section(line[1:-1]))
        elif "=" in line and found:
            key, _, value = line.partition("=")
            found[-1].values[key.strip()] = value.strip()
        elif line and not line.startswith((";", "#")) and not found:
            raise NotUnderstood("not an ini file")
    return found


def _is_profile(section: _Section) -> bool:
    return section.name.startswith("Profile") and section.name[7:].isdigit()


def _main(sections: list[_Section]) -> str:
    """The Path of the profile Windows' Firefox started with."""
    for section in sections:
        if section.name.startswith("Install") and section.values.get("Default"):
            return section.values["Default"].replace("\\", "/")
    profiles = [section for section in sections if _is_profile(section)]
    for section in profiles:
        if section.values.get("Default") == "1":
            return section.values.get("Path", "").replace("\\", "/")
    return profiles[0].values.get("Path", "") if profiles else ""


def profiles(data: bytes, context: Context) -> Result:
    """``profiles.ini``: the source's profiles under their new folders, added to what is there."""
    source = _sections(decode(data))
    mapping = context.mapping("profiles")
    installs = context.names("installs")
    there = _sections(decode(context.existing)) if context.existing is not None else []
    default = mapping.get(_main(source), next(iter(mapping.values()), ""))
    numbers = [int(section.name[7:]) for section in there if _is_profile(section)]
    number = max(numbers, default=-1) + 1
    names = {section.values.get("Name", "") for section in there if _is_profile(section)}
    added = []
    for old, to in mapping.items():
        told = next(
            (one for one in source if one.values.get("Path", "").replace("\\", "/") == old), _Section("")
        )
        name = told.values.get("Name") or to.partition(".")[2] or to
        while name in names:
            name += "-windows"
        names.add(name)
        section = _Section(f"Profile{number}", {"Name": name, "IsRelative": "1", "Path": to})
        if to == default:
            section.values["Default"] = "1"
        added.append(section)
        number += 1
    for section in there:
        if _is_profile(section):
            section.values.pop("Default", None)
        if section.name.startswith("Install"):
            section.values.update({"Default": default, "Locked": "1"})
    listed = {section.name for section in there}
    for install in installs:
        if f"Install{install}" not in listed:
            there.append(_Section(f"Install{install}", {"Default": default, "Locked": "1"}))
    if "General" not in listed:
        there.append(_Section("General", {"StartWithLastProfile": "1", "Version": "2"}))
    return Result("\n".join(section.text() for section in [*there, *added]).encode())


def compatibility(data: bytes, context: Context) -> Result:
    """``compatibility.ini``: without the Windows program's folder, or gone where Firefox was used here."""
    if context.names("installs"):
        return Result(None, reason="machine-bound")
    kept = [
        line for line in decode(data).splitlines() if not line.startswith(("LastPlatformDir=", "LastAppDir="))
    ]
    return Result(("\n".join(kept) + "\n").encode())


def pkcs11(data: bytes, context: Context) -> Result:
    """``pkcs11.txt``: the certificate database's folder is the profile's."""
    folder = context.destination.rpartition("/")[0]
    text = _CONFIGDIR.sub(lambda found: f"{found.group(1)}sql:{folder}{found.group(2)}", decode(data))
    return Result(text.replace("\r\n", "\n").encode())
