"""The simulated guest: the real agent in its own process, on a real unix socket, with a desktop in memory.

Used by the demo and by the window's labelled trial, and by nothing else.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import libneuron
from libneuron.guest.client import VmKeys
from libneuron.guest.errors import GuestError
from libneuron.guest.keys import KeyStore
from libneuron.guest.transport import UnixSocketEndpoint
from libneuron.guest.wire.content import ENROLMENT_FILE
from libneuron.system.runner import PIPE, Process, ends_within, spawn
from neuron_guest_bridge.machines import SIMULATED

VM = SIMULATED


class Simulation:
    """A running simulated guest; a context manager. Everything it makes lies in one temporary folder."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="neuron-demo-"))
        self.socket = self.folder / "channel"
        self.store = KeyStore(self.folder / "host")
        self._process: Process | None = None

    def hand_over(self) -> None:
        """Pair by the file a person copies: write the enrolment into the guest's folder."""
        folder = self.folder / "guest"
        folder.mkdir(mode=0o700, exist_ok=True)
        (folder / ENROLMENT_FILE).write_text(self.store.begin_enrolment(VM, "Simulated guest"))

    def start(self) -> None:
        """Start the agent. Raises: GuestError if it does not come up."""
        code = Path(libneuron.__file__).resolve().parents[1]
        self._process = spawn(
            [
                sys.executable, "-m", "neuron_guest", "simulate",
                "--socket", self.socket, "--keys", self.folder / "guest",
            ],
            env={"PYTHONPATH": f"{code}:{code / 'apps'}"},
            stdout=PIPE,
        )  # fmt: skip
        assert self._process.stdout is not None
        if not self._process.stdout.readline():
            raise GuestError("guest.agent-silent", vm="Simulated guest")

    @property
    def pid(self) -> int:
        """The agent's process."""
        assert self._process is not None
        return self._process.pid

    def endpoint(self) -> UnixSocketEndpoint:
        """The way to it."""
        return UnixSocketEndpoint(self.socket, "Simulated guest")

    def keys(self) -> VmKeys:
        """The host's keys for it."""
        return VmKeys(self.store, VM)

    def ended(self, timeout: float) -> bool:
        """Whether the agent's process ends within ``timeout`` seconds."""
        assert self._process is not None
        return ends_within(self._process, timeout)

    def kill(self) -> None:
        """End the agent at once, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            if self._process.stdout is not None:
                self._process.stdout.close()
            self._process = None

    def close(self) -> None:
        """End the agent and remove every trace."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Simulation:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
