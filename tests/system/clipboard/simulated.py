"""A guest whose desktop lies in memory, behind a real agent and a real channel."""

from __future__ import annotations

import threading
from pathlib import Path

from libneuron.guest.client import VmKeys
from libneuron.guest.clipboard.rules import Rules
from libneuron.guest.keys import KeyStore
from libneuron.guest.transport import UnixSocketEndpoint
from libneuron.guest.wire.content import ENROLMENT_FILE
from libneuron.system.clipboard.model import Clipboard
from neuron_guest.agent import Agent
from neuron_guest.keys import GuestKeys
from neuron_guest.platform.posix import UnixListenPort
from neuron_guest.simulated import SimulatedBackend
from tests.system.clipboard.coupling import Coupling


class SimulatedGuest:
    """The agent on a thread; :meth:`couple` it with a host's clipboard, then :meth:`close`."""

    def __init__(self, folder: Path, backend: SimulatedBackend | None = None) -> None:
        self._folder = folder
        self._store = KeyStore(folder / "host")
        (folder / "guest").mkdir(mode=0o700)
        (folder / "guest" / ENROLMENT_FILE).write_text(self._store.begin_enrolment("vm", "VM"))
        self.backend = backend or SimulatedBackend()
        self._port = UnixListenPort(folder / "socket")
        self._agent = Agent(self._port, self.backend, GuestKeys(folder / "guest"))
        self._thread = threading.Thread(target=self._agent.run)
        self._thread.start()

    def couple(self, host: Clipboard, *, rules: Rules | None = None, folder: Path | None = None) -> Coupling:
        """Connect. ``folder``: where the host keeps what arrives."""
        endpoint = UnixSocketEndpoint(self._folder / "socket", "VM")
        return Coupling(endpoint, self.keys(), host, folder or self._folder, rules=rules)

    def keys(self) -> VmKeys:
        """The host's keys for it."""
        return VmKeys(self._store, "vm")

    def close(self) -> None:
        self._agent.stop()
        self._thread.join(20)
        self._port._listener.close()  # elsewhere the agent's process ends with its port
