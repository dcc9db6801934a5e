"""What Windows provides to the agent (:class:`neuron_guest.machine.Machine`)."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from libneuron.guest.wire.content import ENROLMENT_FILE
from neuron_guest.agent import Agent
from neuron_guest.backend import Backend
from neuron_guest.platform.windows import (
    install_layout,
    service,
    session_main,
    win32,
    windows_sessions,
)
from neuron_guest.platform.windows.backend import WindowsBackend
from neuron_guest.platform.windows.port import PORT_NAME, WindowsPort
from neuron_guest.platform.windows.session_backend import SessionBackend
from neuron_guest.platform.windows.status import STATUS_FILE, Status
from neuron_guest.platform.windows.supervisor import Supervisor, World
from neuron_guest.platform.windows.win32 import DWORD, UINT, WSTR

_DRIVE_CDROM = 5
_MAXIMUM_ENROLMENT = 64 * 1024
_SEM_FAILCRITICALERRORS = 1

_logical_drives = win32.function("kernel32", "GetLogicalDrives", DWORD, fails="never")
_drive_type = win32.function("kernel32", "GetDriveTypeW", UINT, WSTR, fails="never")
_error_mode = win32.function("kernel32", "SetThreadErrorMode", ctypes.c_int, DWORD, win32.POINTER)


def discs() -> Iterable[bytes]:
    """The hand-over on each CD that is in a drive."""
    mask = _logical_drives()
    # No "insert a disc" message from Windows for empty drives (Microsoft, SetThreadErrorMode).
    _error_mode(_SEM_FAILCRITICALERRORS, None)
    for number in range(26):
        root = f"{chr(ord('A') + number)}:\\"
        if mask & 1 << number and _drive_type(root) == _DRIVE_CDROM:
            try:
                with (Path(root) / ENROLMENT_FILE).open("rb") as file:
                    yield file.read(_MAXIMUM_ENROLMENT)
            except OSError:
                continue  # another disc, or none


class WindowsMachine:
    """The one instance is :data:`MACHINE`."""

    def __init__(self) -> None:
        self._backend = SessionBackend()
        self._status = Status(lambda: install_layout.data_folder() / STATUS_FILE)

    @property
    def keys_folder(self) -> Path:
        """See :class:`neuron_guest.machine.Machine`."""
        return install_layout.data_folder() / "keys"

    def port(self, path: Path | None) -> WindowsPort:
        r"""See :class:`neuron_guest.machine.Machine`; pathlib adds a backslash to ``\\.\COM5``."""
        name = PORT_NAME if path is None else str(path).rstrip("\\")
        return WindowsPort(name, opened=self._status.port)

    def discs(self) -> Iterable[bytes]:
        """See :class:`neuron_guest.machine.Machine`."""
        return discs()

    def service_backend(self) -> SessionBackend:
        """See :class:`neuron_guest.machine.Machine`."""
        return self._backend

    def run_service(self, agent: Agent) -> int:
        """Run as a plain program, for the session it was started in: looking for a fault, or trying it.

        The service itself is :mod:`neuron_guest.platform.windows.service_main`.
        """
        self.run_body(agent, service.Controls(), windows_sessions.OwnSession)
        return 0

    def run_body(
        self, agent: Agent, controls: service.Controls, world: Callable[[Sequence[str]], World]
    ) -> None:
        """Serve the port and keep a helper in the session until ``controls`` say stop.

        Raises: what the agent raised, so that the service manager starts the service again.
        """
        self._status.begin()
        supervisor = Supervisor(world(windows_sessions.helper_command()), self._backend, controls.events)
        helpers = threading.Thread(target=supervisor.run, name="supervisor")
        helpers.start()
        failed: list[BaseException] = []

        def serve() -> None:
            try:
                agent.run()
            except BaseException as error:  # noqa: BLE001 — raised again on the service's own thread
                failed.append(error)
            finally:
                controls.stop()

        serving = threading.Thread(target=serve, name="agent")
        serving.start()
        controls.stopping.wait()
        agent.stop()
        serving.join()
        helpers.join()
        if failed:
            raise failed[0]

    def session_backend(self) -> Backend:
        """See :class:`neuron_guest.machine.Machine`."""
        return WindowsBackend()

    def run_session(self, socket: Path | None) -> int:
        """Serve this session's desktop on the service's pipe, whose name is ``socket``."""
        if socket is None:
            raise SystemExit("session: --socket is needed on Windows: the service names the pipe")
        return session_main.main(["--socket", str(socket)])


MACHINE = WindowsMachine()
