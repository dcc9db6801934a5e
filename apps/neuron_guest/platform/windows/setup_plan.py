"""Installing, renewing and removing as decisions: which folder, what is healthy, what goes. No I/O."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PureWindowsPath

from neuron_guest.platform.windows import quoting
from neuron_guest.platform.windows.status import Told

_VERSION = re.compile(r"\d+\.\d+\.\d+([a-z0-9.+-]{0,32})")


class BundleError(Exception):
    """The bundle is not whole, or not one of ours."""


@dataclass(frozen=True)
class Bundle:
    """What a bundle's manifest says: its version, and the SHA-256 of each file."""

    version: str
    files: Mapping[str, str]


def bundle(found: object) -> Bundle:
    """A manifest, checked. Raises: BundleError."""
    match found:
        case {"version": str(version), "files": dict(files)} if _VERSION.fullmatch(version):
            for name, digest in files.items():
                if not (
                    isinstance(digest, str) and re.fullmatch("[0-9a-f]{64}", digest) and _is_inside(name)
                ):
                    raise BundleError(f"the manifest names a file that cannot be: {name}")
            if "python.exe" not in files:
                raise BundleError("the manifest names no python.exe")
            return Bundle(version, files)
    raise BundleError("the manifest is not one of a NeuronGuest bundle")


def _is_inside(name: object) -> bool:
    return (
        isinstance(name, str)
        and bool(re.fullmatch(r"[^\\/:*?\"<>|]+(/[^\\/:*?\"<>|]+)*", name))
        and not any(part.strip(". ") == "" for part in name.split("/"))
    )


def folder_name(version: str, taken: Sequence[str]) -> str:
    """A folder name for this version that is not in use: a repair may run beside the old one."""
    name, number = version, 1
    while name in taken:
        number += 1
        name = f"{version}_{number}"
    return name


def command(folder: PureWindowsPath, extra: Sequence[str]) -> str:
    """The service's command line, its path quoted: an unquoted one is a way in (CWE-428)."""
    module = "neuron_guest.platform.windows.service_main"
    return quoting.command_line(str(folder / "python.exe"), ["-I", "-m", module, *extra])


def healthy(told: Told | None, *, version: str, process: int, port_was_open: bool) -> bool:
    """Whether the service that was just started does its work.

    It must have told its own version from the running process, and, if the port was open before, have it
    again: a new version that cannot open the port is worse than the old one.
    """
    if told is None or process == 0 or told.version != version or told.process != process:
        return False
    return told.port == "" if port_was_open else True


def leftovers(found: Sequence[str], keep: Sequence[str]) -> Sequence[str]:
    """Folders of other versions and of interrupted installations."""
    return [name for name in found if name not in keep]


_TRUSTED = ("S-1-5-18", "S-1-5-32-544")  # SYSTEM, Administrators (Microsoft, "Well-known SIDs")


def trusted(owner: str, *, installer: str, link: bool) -> bool:
    """Whether a folder found where the keys belong may be kept.

    ``installer`` is the administrator who runs the installer: what Windows writes as its group's, Wine writes
    as the person's own. ``link``: a link or mount point, which leads who knows where.
    """
    return not link and owner in (*_TRUSTED, installer)
