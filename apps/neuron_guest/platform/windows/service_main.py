"""Entry point of the Windows service: ``python.exe -I -m neuron_guest.platform.windows.service_main``.

It is not ``neuron-guest serve`` with a guess: whether a process was started by the service manager cannot be
asked without waiting for it.
"""

from __future__ import annotations

import argparse
import logging
import logging.handlers
import sys
from collections.abc import Sequence
from pathlib import Path

from neuron_guest.agent import Agent
from neuron_guest.keys import GuestKeys
from neuron_guest.platform.windows import install_layout, service, windows_sessions
from neuron_guest.platform.windows.machine import MACHINE

_LOG_SIZE = 512 * 1024


def _log_to(folder: Path) -> None:
    """A service has no standard error. The log lies beside the keys, readable by administrators alone."""
    folder.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        handlers=[
            logging.handlers.RotatingFileHandler(
                folder / "service.log", maxBytes=_LOG_SIZE, backupCount=1, encoding="utf-8", delay=True
            )
        ],
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run until the service manager stops us. Raises: Win32Error 1063 if it did not start us."""
    parser = argparse.ArgumentParser(prog="neuron-guest-service")
    parser.add_argument("--port", type=Path, help="the port's device, if not the usual one")
    options = parser.parse_args(argv)
    _log_to(install_layout.data_folder())

    def body(controls: service.Controls) -> None:
        keys = GuestKeys(MACHINE.keys_folder, MACHINE.discs)
        agent = Agent(MACHINE.port(options.port), MACHINE.service_backend(), keys)
        MACHINE.run_body(agent, controls, windows_sessions.WindowsSessions)

    try:
        service.serve(install_layout.SERVICE, body)
    except Exception:
        logging.getLogger("neuron_guest").exception("the service ended with an error")
        raise
    return 0


if __name__ == "__main__":
    sys.exit(main())
