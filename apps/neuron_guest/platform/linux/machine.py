"""What a Linux guest provides to the agent."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from libneuron.guest.wire.content import ENROLMENT_FILE
from neuron_guest.agent import Agent
from neuron_guest.backend import Backend
from neuron_guest.iso9660 import find
from neuron_guest.platform.linux import link
from neuron_guest.platform.linux.headless import HeadlessBackend
from neuron_guest.platform.linux.helper import serve_session
from neuron_guest.platform.linux.routed import RoutedBackend
from neuron_guest.platform.linux.virtio import VirtioPort
from neuron_guest.port import Port

PORT = Path("/dev/virtio-ports/org.neuronos.guest.0")
KEYS = Path("/var/lib/neuron-guest")
_DISCS = Path("/sys/block")
_LIMIT = 64 * 1024
_RECONNECT = 3.0  # seconds between a session's attempts to reach the service


class LinuxMachine:
    """See :class:`neuron_guest.machine.Machine`."""

    keys_folder = KEYS

    def port(self, path: Path | None) -> Port:
        """See :meth:`Machine.port`."""
        return VirtioPort(path or PORT)

    def discs(self) -> Iterator[bytes]:
        """See :meth:`Machine.discs`: read without mounting; root alone may."""
        for name in sorted(os.listdir(_DISCS)) if _DISCS.is_dir() else ():
            if name.startswith("sr") or _is_write_protected_stick(name):
                text = _hand_over(Path("/dev") / name)
                if text is not None:
                    yield text

    def run_service(self, agent: Agent) -> int:
        """See :meth:`Machine.run_service`."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: agent.stop())
        agent.run()
        return 0

    def service_backend(self) -> Backend:
        """See :meth:`Machine.service_backend`."""
        try:
            return RoutedBackend()
        except OSError:
            return HeadlessBackend()  # not root: a trial without sessions

    def session_backend(self) -> Backend:
        """See :meth:`Machine.session_backend`."""
        if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
            from neuron_guest.platform.linux.session import SessionBackend  # the service starts without it

            return SessionBackend(os.environ)
        return HeadlessBackend()

    def run_session(self, socket: Path | None) -> int:
        """See :meth:`Machine.run_session`."""
        backend = self.session_backend()
        # The service may be restarted, or another person be at the screen: then we try again.
        while not serve_session(backend, socket or link.SOCKET):
            time.sleep(_RECONNECT)
        return 0


def _is_write_protected_stick(name: str) -> bool:
    """libvirt before usb-bot shows a USB CD-ROM drive as a write-protected disk (merge request 19)."""
    try:
        return name.startswith("sd") and (_DISCS / name / "ro").read_text().strip() == "1"
    except OSError:
        return False  # just unplugged


def _hand_over(device: Path) -> bytes | None:
    try:
        with device.open("rb", buffering=0) as disc:

            def read(offset: int, size: int) -> bytes:
                return os.pread(disc.fileno(), size, offset)

            return find(read, ENROLMENT_FILE, limit=_LIMIT)
    except OSError:
        return None  # an empty drive


MACHINE = LinuxMachine()
