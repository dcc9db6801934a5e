"""What an installer's maker is given: the names in it are those that the programs go by."""

from __future__ import annotations

import subprocess

from tests.conftest import ROOT

FOLDER = ROOT / "packaging/calamares"


def test_the_entry_for_the_live_session_is_valid_and_starts_the_choice() -> None:
    entry = FOLDER / "org.neuronos.HardwareAdvisor.Installer.desktop"
    subprocess.run(["desktop-file-validate", entry], check=True)
    assert "Exec=neuron-hardware-advisor --installer\n" in entry.read_text()


def test_the_job_goes_by_one_name_everywhere() -> None:
    assert (FOLDER / "neuronhardware/module.desc").read_text().count('"neuronhardware"') == 1
    told = (FOLDER / "README.md").read_text()
    order = [line.strip() for line in told.splitlines() if line.strip().startswith("- ")]
    assert order.index("- bootloader") < order.index("- neuronhardware") < order.index("- umount")
