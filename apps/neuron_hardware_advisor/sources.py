"""Where the window's reports come from: this PC, or a saved one. Without Qt; runs on a worker thread."""

from __future__ import annotations

import functools
from pathlib import Path

from libneuron.hardware import bundle, names
from libneuron.hardware.capture import capture
from libneuron.hardware.report import Report, judge
from libneuron.system.bus import LoopThread
from libneuron.system.files import Root
from neuron_hardware_advisor.boot_source import BootSource, HelperBoot


def this_pc() -> Report:
    """Read and judge the machine that runs this."""
    return judge(capture(Root(), names.of_this_machine()))


@functools.cache
def this_boot() -> BootSource:
    """How this PC starts, changed through the helper: a window does nothing as root itself."""
    return HelperBoot(LoopThread("neuron-helper-client"), near=Root())


def from_bundle(path: Path) -> Report:
    """Read and judge a saved machine. Raises: HardwareError bundle-unreadable."""
    return judge(bundle.machine(bundle.open_file(path), names.from_file()))


def save_this_pc(path: Path) -> None:
    """Write what is read of this machine to a file. Raises: HardwareError bundle-unwritable."""
    bundle.save(bundle.record(Root(), names.Numbers()), path)
