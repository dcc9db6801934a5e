"""Calamares job: writes what the person chose in ``neuron-hardware-advisor --installer`` to the new system.

An installation is not given up for a start option: what cannot be done is logged, and the Hardware Advisor
on the new system offers it again.
"""

from __future__ import annotations

from pathlib import Path

import libcalamares

from libneuron.errors import NeuronError
from libneuron.hardware import installer
from libneuron.system.files import Root
from libneuron.system.runner import RealRunner


def pretty_name() -> str:
    """What Calamares shows while the job runs."""
    return "Preparing the start options for virtual machines."


def run() -> tuple[str, str] | None:
    """Carry the choice out in the target. None tells Calamares to go on; a pair of texts stops it."""
    target = libcalamares.globalstorage.value("rootMountPoint")
    if not target or not Path(target).is_dir():
        return "No target", "The new system is not mounted: this job comes after “mount” and “bootloader”."
    named = (libcalamares.job.configuration or {}).get("choice")
    path = Path(named) if named else installer.find(Root().path(installer.SESSIONS))
    if path is None or not path.exists():
        libcalamares.utils.debug("neuronhardware: nobody made a choice")
        return None
    try:
        done = installer.carry_out(Path(target), installer.load(path), RealRunner())
    except (NeuronError, OSError) as error:
        libcalamares.utils.warning(f"neuronhardware: not done: {error}")
        return None
    words = " ".join(done.wish.set + done.wish.unset) if done is not None else "nothing to do"
    libcalamares.utils.debug(f"neuronhardware: {words}")
    return None
