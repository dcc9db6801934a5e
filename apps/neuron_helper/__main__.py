"""Starts the helper; systemd does so when the bus asks for its name."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from libneuron.errors import NeuronError
from libneuron.hardware.boot import change, requests
from libneuron.system.bus import Bus, LoopThread
from libneuron.system.calls import BlockingBus
from libneuron.system.clock import RealClock
from libneuron.system.elsewhere import ChrootRunner, ServiceRunner
from libneuron.system.files import Root
from libneuron.system.paths import resources
from libneuron.system.runner import RealRunner
from libneuron.updates.guardian import Machine
from libneuron.updates.settings import load_settings
from neuron_helper.guardian_verbs import guardian_verbs
from neuron_helper.hardware_verbs import hardware_verbs
from neuron_helper.point_verbs import point_verbs
from neuron_helper.service import Service


async def _serve(options: argparse.Namespace) -> None:
    root = Root(options.root)
    checks_bus = BlockingBus(LoopThread("neuron-checks"), address=options.bus) if root.live else None

    def machine() -> Machine:
        shipped = resources() / "updates/checks.toml"
        return Machine(
            root,
            RealRunner(),
            RealClock(),
            checks_bus,
            shipped,
            load_settings(root),
            confined=True,
            outside=beyond if root.live else None,
        )

    # An initramfs is built outside of the helper's walls, and never with this machine's tools for another.
    beyond = ServiceRunner(RealRunner())
    boot = change.Machine(
        root, beyond if root.live else ChrootRunner(RealRunner(), root.prefix), root.path(requests.RECORDS)
    )

    bus = await Bus.open(system=True, address=options.bus)
    try:
        verbs = guardian_verbs(machine) + point_verbs(machine) + hardware_verbs(lambda: boot)
        await Service(bus, verbs, RealClock(), idle=options.idle, patience=options.patience).serve()
    finally:
        await bus.close()


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until idle; returns the exit status. The options are for tests and are not set by the bus."""
    parser = argparse.ArgumentParser(
        prog="neuron-helper", description="Does what needs root, if polkit agrees."
    )
    parser.add_argument("--bus", metavar="ADDRESS", help="another bus than the system's")
    parser.add_argument(
        "--root", type=Path, default=Path("/"), metavar="DIR", help="another machine than this"
    )
    parser.add_argument("--idle", type=float, default=60.0, metavar="SECONDS")
    parser.add_argument("--patience", type=float, default=120.0, metavar="SECONDS")
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        asyncio.run(_serve(options))
    except NeuronError as error:
        sys.stderr.write(f"{error.sentence()}\n")
        return int(error.exit)
    return 0


if __name__ == "__main__":
    sys.exit(main())
