"""Installed packages and their versions, read from the databases, and how two lists differ."""

from __future__ import annotations

from collections.abc import Mapping

from libneuron.system.errors import SystemAccessError
from libneuron.system.files import Root
from libneuron.system.runner import Runner
from libneuron.updates.kinds.packages import DPKG_STATUS, PACMAN_LOCAL


def parse_dpkg(text: str) -> dict[str, str]:
    """Name (with architecture where it is foreign to the first) → version of what dpkg calls installed."""
    found: dict[str, str] = {}
    name = version = architecture = status = ""
    for line in (*text.splitlines(), ""):
        if not line:
            if name and status.endswith(" installed"):
                found[f"{name}:{architecture}" if name in found else name] = version
            name = version = architecture = status = ""
        elif line.startswith("Package: "):
            name = line[9:].strip()
        elif line.startswith("Version: "):
            version = line[9:].strip()
        elif line.startswith("Architecture: "):
            architecture = line[14:].strip()
        elif line.startswith("Status: "):
            status = line[8:].strip()
    return found


def parse_pacman(names: tuple[str, ...]) -> dict[str, str]:
    """Name → version from the directory names of pacman's local database ("name-version-release")."""
    found = {}
    for name in names:
        parts = name.rsplit("-", 2)
        if len(parts) == 3:
            found[parts[0]] = f"{parts[1]}-{parts[2]}"
    return found


def installed(root: Root, runner: Runner) -> dict[str, str] | None:
    """Name → version of everything installed below ``root``; None where no database was found."""
    status = root.text(DPKG_STATUS, limit=64 << 20)
    if status is not None:
        return parse_dpkg(status)
    names = root.names(PACMAN_LOCAL)
    if names:
        return parse_pacman(names)
    if root.exists("/var/lib/rpm") or root.exists("/usr/lib/sysimage/rpm"):
        words = ("rpm", "--root", root.prefix, "-qa", "--queryformat", "%{NAME}.%{ARCH} %{EVR}\\n")
        try:
            done = runner.run(words, timeout=60)
        except SystemAccessError:
            return None
        return dict(line.split(" ", 1) for line in done.text.splitlines() if " " in line)
    return None


def difference(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Name → (version before, version after) for everything that differs; "" means absent. Sorted by name."""
    return {
        name: (before.get(name, ""), after.get(name, ""))
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    }
