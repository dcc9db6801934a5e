"""The installer's promise: whatever fails, what was there before runs again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import PureWindowsPath

import pytest

from neuron_guest.platform.windows.installer import Installer, InstallError, Texts
from neuron_guest.platform.windows.service_control import Running
from neuron_guest.platform.windows.setup_plan import Bundle
from neuron_guest.platform.windows.status import Told
from neuron_guest.platform.windows.win32 import Win32Error

PROGRAMS = PureWindowsPath(r"C:\P")


def folder_of(line: str) -> str:
    """Which of our folders a service's command line runs from."""
    path = PureWindowsPath(line.split('"')[1])
    assert path.parent.parent == PROGRAMS
    return path.parent.name


@dataclass
class FakeWindows:
    """Service manager and disk in one. ``sick`` versions start and never tell; ``fails`` names steps that
    raise."""

    sick: frozenset[str] = frozenset()
    fails: frozenset[str] = frozenset()
    line: str | None = None
    running: str | None = None
    folders: list[str] = field(default_factory=list)
    status: Told | None = None
    registered: str | None = None

    @property
    def programs(self) -> PureWindowsPath:
        return PROGRAMS

    def _maybe(self, step: str) -> None:
        if step in self.fails:
            raise Win32Error(step, 5)

    def command(self) -> str | None:
        return self.line

    def create(self, command: str, *, shown: str, description: str) -> None:
        self._maybe("create")
        self.line = command

    def set_command(self, command: str) -> None:
        self._maybe("set_command")
        self.line = command

    def start(self) -> None:
        self._maybe("start")
        assert self.line is not None
        self.running = folder_of(self.line)
        assert self.running in self.folders, "the service runs from a folder that is not there"
        version = self.running.partition("_")[0]
        if version not in self.sick:
            self.status = Told(version, 7, "")

    def stop(self, timeout: float) -> bool:
        self._maybe("stop")
        self.running = None
        return True

    def query(self) -> Running:
        return Running(4 if self.running else 1, 7 if self.running else 0)

    def delete(self) -> None:
        self.line = None

    def versions(self) -> Sequence[str]:
        return list(self.folders)

    def copy(self, bundle: Bundle, name: str) -> None:
        if "copy" in self.fails:
            raise OSError("disk full")
        self.folders.append(name)

    def remove(self, name: str) -> None:
        if name in self.folders:
            assert name != self.running, "the running version was removed"
            self.folders.remove(name)

    def protect(self) -> None:
        return

    def told(self) -> Told | None:
        return self.status

    def forget(self) -> None:
        self.status = None

    def register(self, version: str, folder: PureWindowsPath) -> None:
        self.registered = version

    def remove_everything(self) -> None:
        self.folders.clear()
        self.registered = None


def at_once(condition: Callable[[], bool], _seconds: float) -> bool:
    return condition()


def install(windows: FakeWindows, version: str) -> None:
    installer = Installer(windows, windows, Texts("x", "y"), at_once)
    installer.install(Bundle(version, {"python.exe": "0" * 64}), [])


def installed(version: str, **more: frozenset[str]) -> FakeWindows:
    windows = FakeWindows()
    install(windows, version)
    windows.sick = more.get("sick", frozenset())
    windows.fails = more.get("fails", frozenset())
    return windows


def test_the_first_version_runs_and_is_registered() -> None:
    windows = installed("1.0.0")
    assert (windows.running, windows.registered, windows.folders) == ("1.0.0", "1.0.0", ["1.0.0"])


def test_a_new_version_replaces_the_old_one() -> None:
    windows = installed("1.0.0")
    install(windows, "1.1.0")
    assert (windows.running, windows.registered, windows.folders) == ("1.1.0", "1.1.0", ["1.1.0"])


def test_the_same_version_is_a_repair() -> None:
    windows = installed("1.0.0")
    install(windows, "1.0.0")
    assert (windows.running, windows.folders) == ("1.0.0_2", ["1.0.0_2"])


def test_a_first_version_that_does_not_answer_leaves_nothing() -> None:
    windows = FakeWindows(sick=frozenset({"1.0.0"}))
    with pytest.raises(InstallError, match="nothing was installed"):
        install(windows, "1.0.0")
    assert (windows.line, windows.folders, windows.registered) == (None, [], None)


def test_a_new_version_that_does_not_answer_is_taken_back() -> None:
    windows = installed("1.0.0", sick=frozenset({"1.1.0"}))
    with pytest.raises(InstallError, match="old one runs again"):
        install(windows, "1.1.0")
    assert (windows.running, windows.registered, windows.folders) == ("1.0.0", "1.0.0", ["1.0.0"])


@pytest.mark.expect_log("neuron_guest.setup")
@pytest.mark.parametrize("step", ["copy", "stop", "set_command", "start"])
def test_whatever_step_fails_the_old_version_is_the_services(step: str) -> None:
    windows = installed("1.0.0", fails=frozenset({step}))
    try:
        install(windows, "1.1.0")
    except (InstallError, Win32Error):
        windows.fails = frozenset()
        assert windows.line is not None
        assert folder_of(windows.line) == "1.0.0"
        assert "1.0.0" in windows.folders
    else:
        raise AssertionError("a failure went unnoticed")


def test_uninstalling_removes_all() -> None:
    windows = installed("1.0.0")
    Installer(windows, windows, Texts("x", "y"), at_once).uninstall()
    assert (windows.line, windows.folders, windows.registered) == (None, [], None)
