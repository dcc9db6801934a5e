"""A disk image that BitLocker has locked, brought over by a real assistive client and the keyboard alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.system.migration import bitlocker, ntfs
from tests.ui.desktop.atspi import Client, Node
from tests.ui.desktop.session import Desktop, wait_for

UBUNTU = "AppData/Local/Packages/CanonicalGroupLimited.Ubuntu_79rhkp1fndgsc/LocalState"


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """One partition with a letter and a Linux system of WSL, locked."""
    plain = tmp_path / "plain.raw"
    ntfs.make(plain, 24 << 20)
    with ntfs.mounted(plain, tmp_path / "filling") as drive:
        profile = drive / "Users/Anna"
        (profile / "Documents").mkdir(parents=True)
        (profile / "Documents/letter.txt").write_text("Dear")
        (profile / UBUNTU).mkdir(parents=True)
        (profile / UBUNTU / "ext4.vhdx").write_text("a disk")
    path = tmp_path / "windows.raw"
    path.write_bytes(bitlocker.lock(plain.read_bytes()))
    return path


def focused(node: Node) -> bool:
    return "focused" in node.states


def test_a_locked_image_is_chosen_unlocked_and_brought_over(
    desktop: Desktop, assistive: Client, image: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    process = desktop.start_python("-m", "neuron_migration_assistant", env={"HOME": str(home)})
    assistive.find("push button", "Next")
    desktop.keys("Return")
    # The image, in Qt's own dialog: opened by its button, answered by keyboard.
    assistive.find("push button", "Choose a disk image…").press()
    name = assistive.find("text", "File name:")
    name.write(str(image))
    name.focus()
    wait_for(lambda: focused(name), "the focus on the file's name")
    desktop.keys("Return")
    folder = assistive.find("text", "Folder")
    wait_for(lambda: folder.text == str(image), "the image on the page")
    assistive.find("push button", "Next").press()
    # Locked: the keyboard is at the key. A wrong one is told, the right one opens.
    key = assistive.find("text", "Recovery key")
    wait_for(lambda: focused(key), "the focus on the recovery key")
    key.write(bitlocker.WRONG_KEY)
    desktop.keys("Return")
    assistive.find("label", "The recovery key does not open this drive.")
    desktop.keys("Escape")
    wait_for(lambda: focused(key), "the focus back on the recovery key")
    key.write(bitlocker.RECOVERY_KEY)
    desktop.keys("Return")
    assistive.find("tree item", "Anna")
    desktop.keys("Return")
    assistive.find("tree item", "Linux systems of WSL")
    assistive.find("push button", "Next").press()
    known = assistive.find("text", "What to know")
    assert f"Users/Anna/{UBUNTU}/ext4.vhdx" in known.text
    over = assistive.find("push button", "Bring it over")
    wait_for(lambda: focused(over), "the focus on the agreement")
    desktop.keys("Return")
    report = assistive.find("push button", "Open the report")
    wait_for(lambda: focused(report), "the focus on the report")
    assert (home / "Documents/letter.txt").read_text() == "Dear"
    assistive.find("push button", "Finish").press()
    assert process.wait(30) == 0
    assert "neuron-image" not in Path("/proc/self/mounts").read_text()
