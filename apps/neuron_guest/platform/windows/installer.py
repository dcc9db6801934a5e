"""Installing, renewing with a way back, and removing: the steps, on a Windows that is an argument."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PureWindowsPath
from typing import Protocol

from neuron_guest.platform.windows import setup_plan, win32
from neuron_guest.platform.windows.service_control import Running
from neuron_guest.platform.windows.setup_plan import Bundle
from neuron_guest.platform.windows.status import Told

_log = logging.getLogger("neuron_guest.setup")

_STOP_TIME = 30.0
_HEALTH_TIME = 120.0


class InstallError(Exception):
    """It did not work; what was there before works again, or the text says that it does not."""


class Service(Protocol):
    """:class:`neuron_guest.platform.windows.service_control.ServiceControl`, as far as it is used here."""

    def command(self) -> str | None: ...
    def create(self, command: str, *, shown: str, description: str) -> None: ...
    def set_command(self, command: str) -> None: ...
    def start(self) -> None: ...
    def stop(self, timeout: float) -> bool: ...
    def query(self) -> Running: ...
    def delete(self) -> None: ...


class Disk(Protocol):
    """The folders of the programs and of the data."""

    @property
    def programs(self) -> PureWindowsPath:
        """Where versions lie side by side."""

    def versions(self) -> Sequence[str]:
        """Names of what lies there."""

    def copy(self, bundle: Bundle, name: str) -> None:
        """Copy the bundle into folder ``name`` and check every file there. Raises: OSError, BundleError."""

    def remove(self, name: str) -> None:
        """Remove a version's folder; what is still in use stays for the next time."""

    def protect(self) -> None:
        """Set the access rights of both folders, the data's being created."""

    def told(self) -> Told | None:
        """What the service told last."""

    def forget(self) -> None:
        """Remove what the service told last."""

    def register(self, version: str, folder: PureWindowsPath) -> None:
        """Appear in Windows' list of installed apps."""

    def remove_everything(self) -> None:
        """Programs, data, the entry in Windows' list."""


@dataclass(frozen=True)
class Texts:
    """How the service is called."""

    shown: str
    description: str


class Installer:
    """``until`` polls a condition for some seconds and says whether it came true."""

    def __init__(
        self, service: Service, disk: Disk, texts: Texts, until: Callable[[Callable[[], bool], float], bool]
    ) -> None:
        self._service = service
        self._disk = disk
        self._texts = texts
        self._until = until

    def install(self, bundle: Bundle, extra: Sequence[str]) -> None:
        """Install ``bundle``, or renew what is there. ``extra`` are options for the service.

        The old version stays until the new one has answered. Raises: InstallError.
        """
        before = self._service.command()
        told = self._disk.told()
        port_was_open = before is not None and told is not None and told.port == ""
        name = setup_plan.folder_name(bundle.version, self._disk.versions())
        try:
            self._disk.copy(bundle, name)
        except (OSError, setup_plan.BundleError) as error:
            self._disk.remove(name)
            raise InstallError(f"the files could not be copied: {error}") from error
        self._disk.protect()
        command = setup_plan.command(self._disk.programs / name, extra)
        if self._switch(before, command, bundle.version, port_was_open=port_was_open):
            self._disk.register(bundle.version, self._disk.programs / name)
            for other in setup_plan.leftovers(self._disk.versions(), [name]):
                self._disk.remove(other)
            return
        try:
            self._go_back(before)
        except win32.Win32Error as error:
            raise InstallError(
                f"the new version did not answer, and the old one not either: {error}"
            ) from error
        self._disk.remove(name)
        if before is None:
            raise InstallError("the service did not start; nothing was installed")
        raise InstallError("the new version did not answer; the old one runs again")

    def _switch(self, before: str | None, command: str, version: str, *, port_was_open: bool) -> bool:
        """Run ``command`` as the service; whether it is well."""
        try:
            if before is None:
                self._service.create(command, shown=self._texts.shown, description=self._texts.description)
            else:
                if not self._service.stop(_STOP_TIME):
                    _log.error("the running service does not stop")
                    return False
                self._service.set_command(command)
            self._disk.forget()
            self._service.start()
        except (win32.Win32Error, OSError) as error:
            _log.error("the service could not be started: %s", error)
            return False

        def well() -> bool:
            return setup_plan.healthy(
                self._disk.told(),
                version=version,
                process=self._service.query().process,
                port_was_open=port_was_open,
            )

        return self._until(well, _HEALTH_TIME)

    def _go_back(self, before: str | None) -> None:
        if self._service.command() is None:
            return
        self._service.stop(_STOP_TIME)
        if before is None:
            self._service.delete()
        else:
            self._service.set_command(before)
            self._service.start()

    def uninstall(self) -> None:
        """Remove everything. Raises: InstallError if the service does not stop."""
        if self._service.command() is not None:
            if not self._service.stop(_STOP_TIME):
                raise InstallError("the service does not stop; nothing was removed")
            self._service.delete()
        self._disk.remove_everything()
