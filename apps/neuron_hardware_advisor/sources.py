"""Where the window's reports come from: this PC, or a saved one. Without Qt; runs on a worker thread."""

from __future__ import annotations

from pathlib import Path

from libneuron.hardware import bundle, names
from libneuron.hardware.capture import capture
from libneuron.hardware.report import Report, judge
from libneuron.system.files import Root


def this_pc() -> Report:
    """Read and judge the machine that runs this."""
    return judge(capture(Root(), names.of_this_machine()))


def from_bundle(path: Path) -> Report:
    """Read and judge a saved machine. Raises: HardwareError bundle-unreadable."""
    return judge(bundle.machine(bundle.open_file(path), names.from_file()))


def save_this_pc(path: Path) -> None:
    """Write what is read of this machine to a file. Raises: HardwareError bundle-unwritable."""
    bundle.save(bundle.record(Root(), names.Numbers()), path)
