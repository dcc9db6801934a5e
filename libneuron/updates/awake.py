"""Holds shutdown and sleep back while a package manager works, which outlives the hook that asks for it.

A transient service keeps logind's inhibitor as long as the package manager runs, and is stopped at the end of
the update: some of them (packagekitd) stay for a while with nothing to do.
"""

from __future__ import annotations

import contextlib

from libneuron.system.errors import SystemAccessError
from libneuron.updates.machine import Machine

_PATIENCE = 10.0  # seconds


def _unit(update: str) -> str:
    return f"neuron-update-awake-{update}.service"


def hold(machine: Machine, update: str, pid: int) -> None:
    """Until :func:`release` or the end of process ``pid``. Where there is no systemd nothing is held."""
    if pid <= 1 or not machine.root.live or not machine.root.exists("/run/systemd/system"):
        return
    words = (
        "systemd-run", "--quiet", "--collect", f"--unit={_unit(update)}",
        "systemd-inhibit", "--what=shutdown:sleep", "--mode=block", "--who=Update Guardian",
        "--why=The system is being updated", "tail", f"--pid={pid}", "-f", "/dev/null",
    )  # fmt: skip
    with contextlib.suppress(SystemAccessError):
        machine.runner.run(words, timeout=_PATIENCE, check=False, changes=True)


def release(machine: Machine, update: str) -> None:
    """Let the machine be switched off again."""
    if machine.root.live and machine.root.exists("/run/systemd/system"):
        with contextlib.suppress(SystemAccessError):
            words = ("systemctl", "stop", "--quiet", _unit(update))
            machine.runner.run(words, timeout=_PATIENCE, check=False, changes=True)
