"""systemd-boot's settings: what names the entry that starts, and an entry for a prepared root. Pure.

loader.conf(5): ``default`` is a glob over entry ids; older releases leave ``.conf`` off the id. What
``bootctl set-default`` stores in the firmware overrules it.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping
from dataclasses import dataclass

from libneuron.updates.kinds.boot_entries import parse_bls

MARK = "neuron.rollback="
"""On the command line of a prepared root's entry: its ``subvolid=`` is ours."""

_PREFIX = "neuron-rollback-"


@dataclass(frozen=True)
class Loader:
    """Where systemd-boot keeps its things: ``place`` is the mount point of the partition with entries and
    kernels, ``conf`` the path of loader.conf, both as the running system sees them."""

    place: str
    conf: str


@dataclass(frozen=True)
class BootPlace:
    """Where a system's kernels lie: ``point`` is the mount point outside the root subvolume, "" inside it;
    ``conf`` is the loader.conf that names what starts, "" where something else does."""

    point: str = ""
    conf: str = ""


@dataclass(frozen=True)
class StageSeen:
    """What lies on the boot partition. ``reachable``: it is mounted; ``switched``: the next start uses what
    was staged; ``ready``: that is complete and has its hashes; ``there``: something of it lies there;
    ``settled``: all boot files of the restore point lie under their own names, and only they."""

    reachable: bool
    switched: bool = False
    ready: bool = False
    there: bool = False
    settled: bool = False


def entry_name(identity: str) -> str:
    """The file name of the entry that starts what roll back ``identity`` prepared."""
    return f"{_PREFIX}{identity}.conf"


def is_staged(name: str) -> bool:
    """Whether an entry file is one of ours."""
    return name.startswith(_PREFIX)


def default_of(text: str) -> str | None:
    """The glob that loader.conf names as default."""
    found = None
    for line in text.splitlines():
        key, _, value = line.strip().partition(" ")
        if key == "default":
            found = value.strip()
    return found


def with_default(text: str, glob: str) -> str:
    """loader.conf with another default; every other line is kept."""
    lines = [line for line in text.splitlines() if line.strip().partition(" ")[0] != "default"]
    return "\n".join([f"default {glob}", *lines]) + "\n"


def switched_to(text: str, identity: str) -> bool:
    """Whether loader.conf starts what roll back ``identity`` prepared."""
    return default_of(text) == f"{_PREFIX}{identity}*"


def switch_to(text: str, identity: str) -> str:
    """loader.conf that starts what roll back ``identity`` prepared."""
    return with_default(text, f"{_PREFIX}{identity}*")


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(part or 0), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", name)]


def choose(entries: Mapping[str, str], default: str | None) -> str | None:
    """Which of ``entries`` (file name → text) starts by itself: the default, else the newest by name."""
    linux = sorted((name for name, text in entries.items() if parse_bls(text, source=name)), key=_natural)
    for name in reversed(linux):
        identities = (name.lower(), name.lower().removesuffix(".conf"))
        if default and any(fnmatch.fnmatchcase(item, default.lower()) for item in identities):
            return name
    return linux[-1] if linux else None


def staged_entry(text: str, *, identity: str, subvolume: int, places: Mapping[str, str]) -> str:
    """The entry ``text`` for a prepared root: its boot files lie at ``places`` (old → new, as the loader
    sees them), and its root is named by number, which an exchange of names does not change.
    """
    out = []
    for line in text.splitlines():
        key, _, value = line.strip().partition(" ")
        value = value.strip()
        if key in ("linux", "initrd"):
            out.append(f"{key} {places.get(value, value)}")
        elif key == "title":
            out.append(f"title {value} (Update Guardian, roll back {identity})")
        elif key == "options":
            words = [word for word in value.split() if not word.startswith("rootflags=")]
            out += [" ".join(("options", *words))] if words else []
        elif key not in ("version", "sort-key", "machine-id"):
            out.append(line)
    own = f"options rootflags=subvolid={subvolume}{_flags(text)} {MARK}{identity}"
    return "\n".join([*out, own]) + "\n"


def _flags(text: str) -> str:
    """The other root flags of an entry, each with a comma before it."""
    found = []
    for line in text.splitlines():
        if line.strip().startswith("options"):
            for word in line.split():
                if word.startswith("rootflags="):
                    flags = word.removeprefix("rootflags=").split(",")
                    found += [
                        flag for flag in flags if flag and not flag.startswith(("subvol=", "subvolid="))
                    ]
    return "".join(f",{flag}" for flag in found)
