"""Which kind of machine the agent runs on, and what that kind provides. The only place that chooses."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from neuron_guest.agent import Agent
from neuron_guest.backend import Backend
from neuron_guest.port import Port


class Machine(Protocol):
    """What each system's module ``neuron_guest.platform.<system>.machine`` provides as ``MACHINE``."""

    @property
    def keys_folder(self) -> Path:
        """Where the keys are kept: readable by the administrator alone."""

    def port(self, path: Path | None) -> Port:
        """The VM's channel; ``path`` instead of the usual device."""

    def discs(self) -> Iterable[bytes]:
        """The text of every hand-over on a disc in a drive."""

    def service_backend(self) -> Backend:
        """What the service uses: it passes on to the helper in the person's session."""

    def run_service(self, agent: Agent) -> int:
        """Run ``agent`` as this system's service until it is told to stop; returns the exit status."""

    def session_backend(self) -> Backend:
        """The desktop of the session this process runs in."""

    def run_session(self, socket: Path | None) -> int:
        """Serve this session's desktop to the service until it goes away; returns the exit status."""


def this_machine() -> Machine:
    """The machine we run on; only its module is imported."""
    if sys.platform == "win32":
        from neuron_guest.platform.windows.machine import MACHINE as WINDOWS

        return WINDOWS
    from neuron_guest.platform.linux.machine import MACHINE

    return MACHINE
