"""Opens machines' screens with the viewer that the person chose; one window per machine. Knows no Qt."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from libneuron.guest.errors import GuestError
from libneuron.guest.hypervisor.domains import Domain
from neuron_guest_bridge.viewers import PROGRAMS, Viewer, choose, command

if TYPE_CHECKING:  # a tray whose machines are only watched starts nothing
    from libneuron.system.runner import Process


class Screens:
    """``wanted`` is asked each time; it may read a file. Any thread."""

    def __init__(self, uri: str, wanted: Callable[[], Viewer]) -> None:
        self._uri = uri
        self._wanted = wanted
        self._lock = threading.Lock()
        self._open: dict[str, Process] = {}

    def viewer(self, domain: Domain) -> Viewer:
        """What would show it; NONE where nothing is installed, or wanted."""
        import shutil

        return choose(
            self._wanted(),
            looking_glass=domain.ivshmem is not None,
            installed=lambda program: shutil.which(program) is not None,
        )

    def show(self, domain: Domain) -> bool:
        """Open its screen, unless the one we opened is there still; whether there is one now.

        Raises: GuestError no-viewer where the program that the person chose is not installed,
        SystemAccessError.
        """
        from libneuron.system.runner import launch

        viewer = self.viewer(domain)
        if viewer is Viewer.NONE:
            wanted = self._wanted()
            if wanted in PROGRAMS:
                raise GuestError("guest.no-viewer", program=PROGRAMS[wanted])
            return False
        with self._lock:
            known = self._open.get(domain.uuid)
            if known is None or known.poll() is not None:
                self._open[domain.uuid] = launch(command(viewer, uri=self._uri, uuid=domain.uuid))
        return True
