"""Debian's real Calamares runs our job on a system on a loop device."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from libneuron.hardware import installer
from libneuron.hardware.boot import change
from libneuron.hardware.boot.cmdline import Wish
from libneuron.hardware.installer import Choice
from libneuron.system.files import Root
from libneuron.system.runner import RealRunner
from tests.conftest import ROOT
from tests.system.lab.image import mounted
from tests.system.lab.shell import until

_SETTINGS = """---
modules-search: [ {modules} ]
sequence:
- exec:
  - labtarget
  - neuronhardware
  - labdone
branding: lab
prompt-install: false
dont-chroot: false
oem-setup: false
disable-cancel: false
disable-cancel-during-exec: false
hide-back-and-next-during-exec: false
quit-at-end: false
"""
_BRANDING = """---
componentName: lab
strings:
    productName: Lab
    shortProductName: Lab
    version: 1
    shortVersion: 1
    versionedName: Lab 1
    shortVersionedName: Lab 1
    bootloaderEntryName: Lab
images:
    productIcon: "squid.png"
    productLogo: "squid.png"
    productWelcome: "squid.png"
style:
    sidebarBackground: "#292F34"
    sidebarText: "#FFFFFF"
    sidebarTextSelect: "#292F34"
slideshow: ["squid.png"]
slideshowAPI: 1
"""
_JOB = '---\ntype: "job"\nname: "{name}"\ninterface: "python"\nscript: "main.py"\n'
_MAIN = (
    "import libcalamares\n\ndef pretty_name():\n    return 'lab'\n\ndef run():\n    {body}\n    return None\n"
)


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Path]:
    """A Debian on a loop device that boots with systemd-boot.

    Not GRUB: its probe cannot say what a file system on a bare loop device is called by the firmware. GRUB's
    menu made in another tree is test_boot_change's.
    """
    disk = tmp_path / "target.raw"
    with disk.open("wb") as file:
        file.truncate(64 << 20)
    subprocess.run(["mkfs.ext4", "-q", disk], check=True)
    with mounted(disk) as top:
        shutil.copytree(ROOT / "tests/fixtures/boot/debian-systemd-boot/before", top, dirs_exist_ok=True)
        yield top


def calamares(work: Path, target: Path, choice: Path) -> str:
    """Run Calamares on ``target`` until all jobs are through; its log."""
    config, modules = work / "config", work / "config/modules"
    shutil.copytree(ROOT / "packaging/calamares/neuronhardware", modules / "neuronhardware")
    conf = modules / "neuronhardware/neuronhardware.conf"
    conf.write_text(f"---\nchoice: {choice}\n")
    shutil.copy(conf, modules)
    done = work / "done"
    bodies = {
        "labtarget": f"libcalamares.globalstorage.insert('rootMountPoint', {str(target)!r})",
        "labdone": f"open({str(done)!r}, 'w').close()",
    }
    for name, body in bodies.items():
        (modules / name).mkdir()
        (modules / name / "module.desc").write_text(_JOB.format(name=name))
        (modules / name / "main.py").write_text(_MAIN.format(body=body))
    (config / "settings.conf").write_text(_SETTINGS.format(modules=modules))
    (config / "qml").symlink_to("/usr/share/calamares/qml")
    branding = config / "branding/lab"
    branding.mkdir(parents=True)
    (branding / "branding.desc").write_text(_BRANDING)
    shutil.copy("/usr/share/calamares/branding/default/squid.png", branding)
    home = work / "home"
    env = {
        **os.environ,
        "QT_QPA_PLATFORM": "offscreen",
        "HOME": str(home),
        "XDG_RUNTIME_DIR": str(home),
        "PYTHONPATH": str(ROOT),
        "LC_ALL": "C.UTF-8",
    }
    home.mkdir(mode=0o700)
    log = work / "calamares.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            ["calamares", "-D", "8", "-c", config], env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out
        )
    try:
        until(lambda: done.exists() or process.poll() is not None, timeout=240, what="Calamares' last job")
    finally:
        process.terminate()
        process.wait(30)
    said = log.read_text("utf-8", "replace")
    assert done.exists(), said[-3000:]
    return said


def files(target: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(target)): path.read_bytes()
        for path in target.rglob("*")
        if path.is_file() and "var/lib/neuron" not in str(path)
    }


def test_what_was_chosen_stands_in_the_new_systems_boot_entries_and_can_be_taken_back(
    tmp_path: Path, target: Path
) -> None:
    before = files(target)
    choice = tmp_path / "choice.json"
    installer.save(choice, Choice(Wish(set=("intel_iommu=on",))))
    said = calamares(tmp_path, target, choice)
    assert "neuronhardware: intel_iommu=on" in said
    after = ROOT / "tests/fixtures/boot/debian-systemd-boot/after"
    assert files(target) == before | files(after) != before
    machine = change.Machine(Root(target), RealRunner(), target / "var/lib/neuron/hardware/changes")
    (made,) = change.history(machine)
    assert made.state is change.State.APPLIED
    change.undo(machine, made)
    assert files(target) == before


@pytest.mark.parametrize("text", ["{", '{"format": 1, "add": ["init=/bin/sh"], "remove": []}'])
def test_a_damaged_or_hostile_choice_changes_nothing_and_the_installation_goes_on(
    tmp_path: Path, target: Path, text: str
) -> None:
    before = files(target)
    choice = tmp_path / "choice.json"
    choice.write_text(text)
    said = calamares(tmp_path, target, choice)
    assert "not done" in said
    assert files(target) == before
    assert not (target / "var/lib/neuron").exists()
