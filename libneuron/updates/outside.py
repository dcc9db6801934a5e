"""Swaps two subvolumes as a program of its own, for a caller that cannot.

systemd moves a hardened service's view of the system over its own root. So the root subvolume is a mount
point there, and rename(2) refuses it with EBUSY; in the first process's view it is none. The caller holds the
lock.

``python -m libneuron.updates.outside DEVICE ONE OTHER``
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from libneuron.system import btrfs, mounts
from libneuron.system.runner import Runner
from libneuron.updates.layout import Layout, Switch
from libneuron.updates.volume import Volume

_LIMIT = 120.0  # seconds: it ends with everything on the disk


def exchange(outside: Runner, volume: Volume, one: str, other: str) -> None:
    """What :meth:`Volume.exchange` does, by a program that ``outside`` starts. Raises: SystemAccessError."""
    words = (sys.executable, "-m", __name__, volume.layout.device, one, other)
    path = os.environ.get("PYTHONPATH")  # set where we run from a checkout
    outside.run(words, timeout=_LIMIT, env={"PYTHONPATH": path} if path else None, changes=True)


def main(words: Sequence[str]) -> None:
    """Swap. Raises: OSError, UpdateError changed-meanwhile."""
    device, one, other = words
    with mounts.open_detached(device, "btrfs", options={"subvolid": str(btrfs.TOP)}) as top:
        Volume(top, Layout(device, one, Switch.EXCHANGE)).exchange(one, other)


if __name__ == "__main__":
    main(sys.argv[1:])
