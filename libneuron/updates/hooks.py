"""Hooks that make the package managers call the Guardian: put in place, taken away, never over a
stranger's file.

All of them fail closed: where the snapshot fails the package manager stops. The templates in
resources/updates say how each one does that. libzypp ignores a plugin's failure, so zypper gets a wrapper.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from libneuron.system.files import Root, write_atomic
from libneuron.updates.errors import UpdateError

MARK = "neuron-update-guardian"
"""Every file we place names us, so that we can tell ours from others."""


@dataclass(frozen=True)
class HookFile:
    """A file to place: ``source`` below resources/updates/hooks, ``target`` on the machine."""

    source: str
    target: str
    mode: int


_UNITS, _DROP_IN = "/etc/systemd/system", "50-neuron-update-guardian.conf"

MANAGERS: Mapping[str, tuple[HookFile, ...]] = {
    "apt": (HookFile("apt.conf", "/etc/apt/apt.conf.d/05neuron-update-guardian", 0o644),),
    "pacman": (
        HookFile("pacman-begin.hook", "/etc/pacman.d/hooks/00-neuron-update-guardian.hook", 0o644),
        HookFile("pacman-end.hook", "/etc/pacman.d/hooks/zz-neuron-update-guardian.hook", 0o644),
    ),
    "dnf5": (
        HookFile("dnf5.actions", "/etc/dnf/libdnf5-plugins/actions.d/neuron-update-guardian.actions", 0o644),
    ),
    "packagekit": (
        HookFile("offline.conf", f"{_UNITS}/packagekit-offline-update.service.d/{_DROP_IN}", 0o644),
    ),
    "dnf": (HookFile("offline.conf", f"{_UNITS}/dnf-system-upgrade.service.d/{_DROP_IN}", 0o644),),
    "zypper": (
        HookFile("zypper", "/usr/local/bin/zypper", 0o755),
        HookFile("zypp-plugin", "/usr/lib/zypp/plugins/commit/neuron-update-guardian", 0o755),
    ),
}

_PROGRAMS = {
    "apt": "/usr/bin/apt-get",
    "pacman": "/usr/bin/pacman",
    "dnf5": "/usr/bin/dnf5",
    "packagekit": "/usr/lib/systemd/system/packagekit-offline-update.service",
    "dnf": "/usr/lib/systemd/system/dnf-system-upgrade.service",
    "zypper": "/usr/bin/zypper",
}


def present(root: Root) -> tuple[str, ...]:
    """The package managers that a machine has."""
    return tuple(name for name, program in _PROGRAMS.items() if root.exists(program))


def installed_hooks(root: Root) -> tuple[str, ...]:
    """The package managers whose hooks are all in place."""
    return tuple(name for name, files in MANAGERS.items() if all(_ours(root, item.target) for item in files))


def _ours(root: Root, target: str) -> bool:
    return MARK in (root.text(target) or "")


def install(root: Root, resources: Path, names: tuple[str, ...], *, program: str) -> tuple[str, ...]:
    """Place the hooks of the named managers (all that are present where none is named); the files placed.

    ``program`` is the command the hooks call. Raises: UpdateError no-manager, hook-foreign; OSError.
    """
    chosen = names or present(root)
    if not chosen or any(name not in MANAGERS for name in chosen):
        raise UpdateError("updates.no-manager")
    files = [item for name in chosen for item in MANAGERS[name]]
    for item in files:
        if root.path(item.target).exists() and not _ours(root, item.target):
            raise UpdateError("updates.hook-foreign", path=item.target)
    for item in files:
        text = (resources / "updates/hooks" / item.source).read_text("utf-8").replace("@PROGRAM@", program)
        place = root.path(item.target)
        place.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        write_atomic(place, text.encode(), mode=item.mode)
    return tuple(item.target for item in files)


def remove(root: Root, names: tuple[str, ...]) -> tuple[str, ...]:
    """Take the hooks of the named managers (all where none is named) away; the files removed. Raises:
    OSError.
    """
    gone = []
    for name in names or tuple(MANAGERS):
        for item in MANAGERS.get(name, ()):
            if _ours(root, item.target):
                root.path(item.target).unlink()
                gone.append(item.target)
    return tuple(gone)


def parse_apt(text: str) -> dict[str, str]:
    """Name → version to be installed, from what apt hands to a Pre-Install-Pkgs hook of version 2 or 3.

    apt.conf(5): after an empty line one line per package; version 3 has name, old version, architecture,
    multi-arch, comparison, new version, architecture, multi-arch, file; version 2 leaves four of them out.
    """
    _, _, body = text.partition("\n\n")
    found = {}
    for line in body.splitlines():
        words = line.split(" ")
        if len(words) == 5:
            name, version, file = words[0], words[3], words[4]
        elif len(words) == 9:
            name, version, file = words[0], words[5], words[8]
        else:
            continue
        if version != "-" and file != "**REMOVE**":
            found[name] = version
    return found
