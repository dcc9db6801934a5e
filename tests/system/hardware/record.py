"""Boots every topology and writes what its kernel shows to tests/fixtures/machines.

``./dev exec python -m tests.system.hardware.record [NAME…]``
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from libneuron.hardware import bundle
from tests.system.hardware.pci_lab import ROOT, recorded
from tests.system.hardware.topologies import ALL

FOLDER = ROOT / "tests/fixtures/machines"


def main(wanted: list[str]) -> None:
    """Record the named topologies, or all."""
    for topology in ALL:
        if wanted and topology.name not in wanted:
            continue
        with tempfile.TemporaryDirectory() as scratch:
            recording = recorded(topology, Path(scratch))
        bundle.save(recording, FOLDER / f"qemu-{topology.name}.bundle")
        print(topology.name, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
