"""The whole agent inside Wine, as the host sees it: service program, helper, serial port, unix socket."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from libneuron.guest.client import VmKeys
from libneuron.guest.keys import KeyStore
from libneuron.guest.transport import UnixSocketEndpoint
from libneuron.guest.wire.content import ENROLMENT_FILE
from tests.system.wine.bridge import PortBridge
from tests.system.wine.lab import WineLab, windows_path

VM = "wine"
_COM = 5


class WineAgent:
    """``neuron_guest serve`` on COM5, bridged to a unix socket; paired by the file a person copies."""

    def __init__(self, lab: WineLab) -> None:
        self._lab = lab
        self._folder = tempfile.TemporaryDirectory(prefix="neuron-wine-agent-")
        top = Path(self._folder.name)
        self.store = KeyStore(top / "host")
        self.guest_keys = top / "guest"
        self.bridge = PortBridge(top / "port")
        self._port = lab.link_port(_COM, self.bridge.pty)
        self._process: subprocess.Popen[bytes] | None = None

    def hand_over(self) -> None:
        """Pair: write the enrolment into the guest's folder."""
        self.guest_keys.mkdir(mode=0o700, exist_ok=True)
        (self.guest_keys / ENROLMENT_FILE).write_text(self.store.begin_enrolment(VM, "Wine"))

    def start(self) -> None:
        """Start the service's program."""
        self._process = self._lab.start(
            "-m",
            "neuron_guest",
            "--debug",
            "serve",
            "--port",
            self._port,
            "--keys",
            windows_path(self.guest_keys),
        )

    def kill(self) -> None:
        """End it at once, as a crash would. Its helper follows by itself."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def endpoint(self) -> UnixSocketEndpoint:
        """The way to it."""
        return UnixSocketEndpoint(self.bridge.path, "Wine")

    def keys(self) -> VmKeys:
        """The host's keys for it."""
        return VmKeys(self.store, VM)

    def __enter__(self) -> WineAgent:
        return self

    def __exit__(self, *_: object) -> None:
        """End it and remove its files."""
        self.kill()
        self.bridge.close()
        self._folder.cleanup()
