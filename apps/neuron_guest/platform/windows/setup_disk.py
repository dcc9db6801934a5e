"""The files, folders, rights and registry keys of an installation."""

from __future__ import annotations

import hashlib
import logging
import os
import secrets
import shutil
import stat
import time
from collections.abc import Sequence
from pathlib import Path, PureWindowsPath

from libneuron.guest.wire.content import ENROLMENT_FILE
from neuron_guest.platform.windows import (
    install_layout,
    quoting,
    registry,
    security,
    setup_plan,
    status,
    win32,
)
from neuron_guest.platform.windows.setup_plan import Bundle, BundleError
from neuron_guest.platform.windows.status import STATUS_FILE, Told
from neuron_guest.platform.windows.win32 import BOOL, DWORD, WSTR

_log = logging.getLogger("neuron_guest.setup")

MANIFEST = "manifest.json"
_PARTIAL = ".partial"
_DELAY_UNTIL_REBOOT = 4

_move_file = win32.function("kernel32", "MoveFileExW", BOOL, WSTR, WSTR, DWORD)


class WindowsDisk:
    """See :class:`neuron_guest.platform.windows.installer.Disk`. ``source`` is the bundle's folder."""

    def __init__(self, *, source: Path) -> None:
        self._programs = install_layout.program_folder()
        self._data = install_layout.data_folder()
        self._source = source

    @property
    def programs(self) -> PureWindowsPath:
        """See :class:`Disk`."""
        return PureWindowsPath(self._programs)

    def versions(self) -> Sequence[str]:
        """See :class:`Disk`."""
        return sorted(item.name for item in self._programs.iterdir()) if self._programs.is_dir() else []

    def copy(self, bundle: Bundle, name: str) -> None:
        """See :class:`Disk`. The folder gets its name once all of it is there."""
        partial = self._programs / f"{name}{_PARTIAL}"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        security.protect(PureWindowsPath(self._programs), security.EVERYONE_READS)
        for file, digest in bundle.files.items():
            target = partial / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self._source / file, target)
            if hashlib.sha256(target.read_bytes()).hexdigest() != digest:
                raise BundleError(f"{file} is damaged")
        shutil.copyfile(self._source / MANIFEST, partial / MANIFEST)
        partial.rename(self._programs / name)

    def remove(self, name: str) -> None:
        """See :class:`Disk`."""
        for folder in (self._programs / name, self._programs / f"{name}{_PARTIAL}"):
            _remove_tree(folder)

    def protect(self) -> None:
        """See :class:`Disk`."""
        make_private(self._data)
        (self._data / "keys").mkdir(exist_ok=True)

    def told(self) -> Told | None:
        """See :class:`Disk`."""
        return status.read(self._data / STATUS_FILE)

    def forget(self) -> None:
        """See :class:`Disk`."""
        (self._data / STATUS_FILE).unlink(missing_ok=True)

    def import_enrolment(self, folders: Sequence[Path]) -> None:
        """Take the first hand-over that lies in one of ``folders``, for the service to use once."""
        for found in (folder / ENROLMENT_FILE for folder in folders):
            if found.is_file():
                fresh = self._data / "keys" / f"{ENROLMENT_FILE}.new"
                shutil.copyfile(found, fresh)
                fresh.replace(self._data / "keys" / ENROLMENT_FILE)
                return

    def register(self, version: str, folder: PureWindowsPath) -> None:
        """See :class:`Disk`."""
        words = ["-I", "-m", "neuron_guest.platform.windows.setup", "uninstall"]
        registry.write(
            install_layout.UNINSTALL_KEY,
            {
                "DisplayName": install_layout.DISPLAY_NAME,
                "DisplayVersion": version,
                "Publisher": "NeuronOS",
                "InstallLocation": str(folder.parent),
                "UninstallString": quoting.command_line(str(folder / "python.exe"), words),
                "NoModify": 1,
                "NoRepair": 1,
            },
        )

    def remove_everything(self) -> None:
        """See :class:`Disk`."""
        registry.remove(install_layout.UNINSTALL_KEY)
        for folder in (self._data, self._programs):
            _remove_tree(folder)

    def holds(self, file: Path) -> bool:
        """Whether ``file`` is part of the installation."""
        return self._programs in file.parents

    def copy_self(self, source: Path, target: Path) -> None:
        """Copy a whole bundle."""
        shutil.copytree(source, target, dirs_exist_ok=True)

    def remove_at_restart(self, folder: Path) -> None:
        """Have Windows remove a folder in use, contents first, when it starts next."""
        _delete_at_restart(folder)


def make_private(folder: Path) -> None:
    """A folder that SYSTEM and administrators alone can look into.

    Everybody may make folders in ProgramData. One that waited for us there is set aside: its maker could have
    files in it open, or have pointed it elsewhere, whatever rights it gets now. Raises: Win32Error, OSError.
    """
    place = PureWindowsPath(folder)
    if os.path.lexists(folder):
        attributes = getattr(folder.lstat(), "st_file_attributes", 0)
        link = bool(attributes & stat.FILE_ATTRIBUTE_REPARSE_POINT)
        with security.process_token(security.TOKEN_QUERY) as token:
            installer = security.user_sid(token)
        if setup_plan.trusted(security.owner(place), installer=installer, link=link):
            security.protect(place, security.ADMINISTRATORS_ONLY)
            return
        aside = folder.with_name(f"{folder.name}.foreign-{secrets.token_hex(4)}")
        folder.rename(aside)
        _log.warning("%s was made by somebody else; it is now %s", folder, aside)
    security.make_folder(place, security.ADMINISTRATORS_ONLY)


def _delete_at_restart(folder: Path) -> None:
    for place, folders, files in os.walk(folder, topdown=False):
        for name in (*files, *folders):
            _move_file(str(Path(place) / name), None, _DELAY_UNTIL_REBOOT)
    _move_file(str(folder), None, _DELAY_UNTIL_REBOOT)


def _remove_tree(folder: Path) -> None:
    """Remove what can be removed; the rest at the next restart (a helper may still be ending)."""
    for _ in range(20):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.25)
    _delete_at_restart(folder)
    _log.warning("%s is in use and goes at the next restart of Windows", folder)
