"""The wizard from start to end on a real desktop, driven by a real assistive client and the keyboard."""

from __future__ import annotations

from pathlib import Path

from tests.ui.desktop.atspi import Client
from tests.ui.desktop.session import Desktop, wait_for
from tests.unit.migration.maker import Lab, tree


def test_the_wizard_brings_files_over_and_takes_them_back(
    desktop: Desktop, assistive: Client, tmp_path: Path
) -> None:
    lab = Lab(tmp_path).make({"Documents/letter.txt": "Dear", "Pictures/p.jpg": "p", "AppData/": ""})
    before = tree(lab.home, times=True)
    process = desktop.start_python("-m", "neuron_migration_assistant", env={"HOME": str(lab.home)})
    assistive.find("push button", "Next").press()
    folder = assistive.find("text", "Folder")
    wait_for(lambda: "focused" in folder.states, "the focus on the folder")
    folder.write(str(lab.source))
    desktop.keys("Return")  # to the person
    assistive.find("tree item", "Anna")
    desktop.keys("Return")  # to the choice, once somebody is chosen
    assistive.find("tree item", "Documents")
    assistive.find("push button", "Next").press()
    over = assistive.find("push button", "Bring it over")
    wait_for(lambda: "focused" in over.states, "the focus on the agreement")
    assert tree(lab.home, times=True) == before
    over.press()
    assistive.find("push button", "Open the report")
    assert (lab.home / "Documents/letter.txt").read_text() == "Dear"
    assistive.find("push button", "Take it back…").press()
    assistive.find("push button", "Take it back").press()
    wait_for(lambda: not (lab.home / ".local").exists(), "the end of taking it back")
    assert tree(lab.home, times=True) == before
    assistive.find("push button", "Finish").press()
    assert process.wait(30) == 0
