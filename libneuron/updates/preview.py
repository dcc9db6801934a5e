"""What a roll back would change, told before anything is."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from libneuron.system import btrfs
from libneuron.system.files import Root
from libneuron.system.runner import Runner
from libneuron.updates.bootstage import BootChanges
from libneuron.updates.packagelist import difference, installed
from libneuron.updates.volume import Volume


@dataclass(frozen=True)
class Preview:
    """``packages``: name → (now, then). ``files``: paths that changed, came or went since;
    ``folders``: how many of them below each top folder; ``nested`` subvolumes stay as they are now;
    ``boot``: what a boot partition of its own would hold."""

    target: str
    update: str
    packages: dict[str, tuple[str, str]]
    files: tuple[str, ...]
    folders: dict[str, int]
    nested: tuple[str, ...]
    boot: BootChanges = field(default_factory=BootChanges)

    def as_json(self) -> dict[str, Any]:
        """For ``--json`` and the helper."""
        return {
            "target": self.target,
            "update": self.update,
            "packages": {name: list(pair) for name, pair in self.packages.items()},
            "files": list(self.files[:2000]),
            "files_total": len(self.files),
            "folders": self.folders,
            "nested": list(self.nested),
            "boot_back": list(self.boot.back),
            "boot_gone": list(self.boot.gone),
        }


def preview(
    root: Root, runner: Runner, volume: Volume, *, target: str, update: str, boot: BootChanges
) -> Preview:
    """Compare the running root with ``target``. Raises: OSError."""
    then = Root(volume.path(target))
    packages = difference(installed(root, runner) or {}, installed(then, runner) or {})
    volume.sync()  # the tree is searched on disk; what is not written yet would be missed
    current = volume.path(volume.layout.path)
    since = btrfs.info(volume.path(target)).generation
    files = btrfs.changed_files(current, volume.path(target), since)
    folders = Counter("/" + path.split("/", 1)[0] for path in files)
    return Preview(
        target,
        update,
        packages,
        tuple(f"/{path}" for path in files),
        dict(folders.most_common()),
        volume.nested(volume.layout.path),
        boot,
    )
