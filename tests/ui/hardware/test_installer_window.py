"""The installer's one window: says the answer, saves a choice, changes nothing, needs no bus."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from libneuron.hardware import installer
from libneuron.hardware.boot.cmdline import Wish
from libneuron.hardware.report import judge
from libneuron.ui.dialogs import ErrorDialog
from neuron_hardware_advisor import sources
from neuron_hardware_advisor.installer_window import InstallerWindow
from tests.conftest import ROOT
from tests.unit.hardware import typical


@pytest.fixture
def window(qtbot: QtBot, tmp_path: Path) -> InstallerWindow:
    made = InstallerWindow(tmp_path / "neuron/choice.json")
    qtbot.addWidget(made)
    made.show()
    return made


def test_what_would_help_is_offered_and_saved(window: InstallerWindow) -> None:
    window.show_report(judge(typical.switched_off()))
    assert window.wanted.isVisible()
    assert "intel_iommu=on" in window.options.text()
    window.save.click()
    assert installer.load(window.path).wish == Wish(set=("intel_iommu=on",))
    assert not window.isVisible()


def test_who_does_not_want_it_gets_nothing(window: InstallerWindow) -> None:
    window.show_report(judge(typical.switched_off()))
    window.wanted.click()
    window.save.click()
    assert installer.load(window.path).wish == Wish()


def test_a_pc_that_needs_nothing_is_offered_nothing(window: InstallerWindow) -> None:
    window.show_report(judge(typical.good()))
    assert not window.wanted.isVisible()
    window.save.click()
    assert installer.load(window.path).wish == Wish()


def test_the_override_is_never_part_of_a_choice(window: InstallerWindow) -> None:
    window.show_report(judge(typical.shared("6.12.1-zen1-1-zen")))
    assert window.choice().wish == Wish()


def test_cancel_saves_nothing(window: InstallerWindow) -> None:
    window.show_report(judge(typical.switched_off()))
    window.leave.click()
    assert not window.path.exists()


def test_a_choice_that_cannot_be_saved_keeps_the_window(window: InstallerWindow) -> None:
    window.path.parent.parent.joinpath("neuron").write_text("a file in the way")
    window.show_report(judge(typical.switched_off()))
    window.save.click()
    assert window.findChildren(ErrorDialog)
    assert window.isVisible()


def test_this_very_pc_is_read_off_the_windows_thread(qtbot: QtBot, window: InstallerWindow) -> None:
    window.look(sources.this_pc)
    assert not window.save.isEnabled()
    qtbot.waitUntil(window.save.isEnabled)


def test_it_starts_without_any_bus(tmp_path: Path) -> None:
    script = (
        "import sys\nfrom neuron_hardware_advisor import installer_window\n"
        "from neuron_hardware_advisor.__main__ import main\n"
        "real = installer_window.InstallerWindow.show_report\n"
        "def shown(self, report):\n    real(self, report)\n    self.save.click()\n"
        "installer_window.InstallerWindow.show_report = shown\n"
        f"sys.exit(main(['--installer', '--choice', {str(tmp_path / 'c/choice.json')!r}]))\n"
    )
    nowhere = "unix:path=/nonexistent"
    env = {
        **os.environ,
        "QT_QPA_PLATFORM": "offscreen",
        "DBUS_SYSTEM_BUS_ADDRESS": nowhere,
        "DBUS_SESSION_BUS_ADDRESS": nowhere,
        "PYTHONPATH": f"{ROOT}:{ROOT}/apps",
    }
    done = subprocess.run(
        [sys.executable, "-c", script], env=env, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    installer.load(tmp_path / "c/choice.json")
