"""How a machine chooses its root subvolume, decided from what it says of itself. Pure.

Two ways exist: a name (``subvol=`` on the kernel's command line or in fstab), or the file system's default
subvolume. Rolling back changes what the name means, or the default; doing the wrong one of the two has
no effect at all (snapper#365, #1011).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from libneuron.system.btrfs import TOP
from libneuron.system.mounts import Mount
from libneuron.updates.errors import UpdateError
from libneuron.updates.kinds.storage import parse_fstab
from libneuron.updates.loader import MARK


class Switch(Enum):
    """What makes another subvolume the root."""

    EXCHANGE = "exchange"
    DEFAULT = "default"


@dataclass(frozen=True)
class Layout:
    """Where the root subvolume lies. ``path`` is relative to the top level, without a leading slash;
    ``settled`` is False where the next start will use another default subvolume than the one that runs."""

    device: str
    path: str
    switch: Switch
    settled: bool = True


@dataclass(frozen=True)
class RootFacts:
    """What the machine says. ``root_id`` and ``default_id`` are subvolume ids."""

    mount: Mount
    command_line: str
    fstab: str
    root_id: int
    default_id: int


def _flag(command_line: str, key: str) -> str | None:
    for word in command_line.split():
        if word.startswith("rootflags="):
            for part in word.removeprefix("rootflags=").split(","):
                if part.startswith(f"{key}="):
                    return part[len(key) + 1 :]
    return None


def detect(facts: RootFacts) -> Layout:
    """The layout of a machine whose root lies on btrfs.

    Raises: UpdateError not-btrfs, top-level-root, subvolid, foreign-root.
    """
    mount = facts.mount
    if mount.kind != "btrfs":
        raise UpdateError("updates.not-btrfs", kind=mount.kind)
    running = mount.root.strip("/")
    if facts.root_id == TOP or not running:
        raise UpdateError("updates.top-level-root")
    lines, _ = parse_fstab(facts.fstab)
    root_line = next((line for line in lines if line.point == "/"), None)
    named = _flag(facts.command_line, "subvol")
    number = _flag(facts.command_line, "subvolid")
    if MARK in facts.command_line:  # started by a roll back's own entry: what fstab names counts
        number = None
    if named is None and number is not None:
        raise UpdateError("updates.subvolid", number=number, name=running)
    if named is None and facts.root_id == facts.default_id:
        return Layout(mount.source, running, Switch.DEFAULT)
    if named is None and root_line is not None:
        named = root_line.option("subvol")
    if named is None:
        return Layout(mount.source, running, Switch.DEFAULT, settled=False)
    expected = named.strip("/")
    if expected != running:
        raise UpdateError("updates.foreign-root", running=running, expected=expected)
    return Layout(mount.source, running, Switch.EXCHANGE)


def fitted_fstab(text: str, *, root: str) -> str:
    """The fstab for a new root: ``subvolid=`` of the root line is taken out where ``subvol=`` names it too.

    The number of the old root would make the kernel refuse the mount ("subvol does not match subvolid").
    """
    out = []
    for line in text.splitlines(keepends=True):
        words = line.split()
        if len(words) > 3 and not words[0].startswith("#") and words[1] == "/" and words[2] == "btrfs":
            options = words[3].split(",")
            names = [item for item in options if item.startswith("subvol=")]
            if names and names[0].removeprefix("subvol=").strip("/") == root:
                kept = ",".join(item for item in options if not item.startswith("subvolid="))
                line = line.replace(words[3], kept or "defaults", 1)
        out.append(line)
    return "".join(out)
