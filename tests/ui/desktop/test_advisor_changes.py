"""A person without a mouse changes how the PC starts: shown, confirmed by typing, made, taken back.

The window and the helper are real, in processes of their own, between them a bus with the shipped policy.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.conftest import ROOT
from tests.ui.desktop.atspi import Client
from tests.ui.desktop.session import Desktop, wait_for
from tests.unit.neuron_helper.lab import lab

ENTRY = "boot/loader/entries/arch.conf"
WORD = "pcie_acs_override=downstream"


def machine(top: Path) -> Path:
    """A tree that the helper changes; its loader needs no program to be told."""
    shutil.copytree(ROOT / "tests/fixtures/boot/arch-systemd-boot/before", top)
    for name, text in {"proc/cmdline": "quiet", "proc/sys/kernel/random/boot_id": "first"}.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(text)
    return top


class Person:
    """Uses the keyboard, and hears what an assistive client reads."""

    def __init__(self, desktop: Desktop, client: Client) -> None:
        self._desktop = desktop
        self._client = client

    def focused(self) -> list[str]:
        """Names of all that has the focus."""
        nodes = (node for app in self._client.apps() for node in app.walk())
        return [f"{node.role} {node.name}" for node in nodes if "focused" in node.states]

    def tab_to(self, role: str, name: str) -> None:
        """Press Tab until ``name`` has the focus; it must be on the way."""
        self._client.find(role, name)
        for _ in range(30):
            if f"{role} {name}" in self.focused():
                return
            before = self.focused()
            self._desktop.keys("Tab")
            wait_for(lambda before=before: self.focused() != before, "the focus to move")  # type: ignore[misc]
        raise AssertionError(f"Tab does not lead to {name}\n{self._client.tree()}")

    def press(self, role: str, name: str) -> None:
        """Go there and press the space bar."""
        self.tab_to(role, name)
        self._desktop.keys("space")

    def hears(self, text: str) -> None:
        """Wait until ``text`` stands somewhere."""
        wait_for(
            lambda: any(text in node.name for app in self._client.apps() for node in app.walk()),
            f"“{text}”",
            seen=self._client.tree,
        )


def test_a_change_is_shown_confirmed_made_and_taken_back_with_the_keyboard(
    desktop: Desktop, assistive: Client, tmp_path: Path
) -> None:
    top = machine(tmp_path / "machine")
    entry = top / ENTRY
    before = entry.read_bytes()
    (tmp_path / "bus").mkdir()
    with lab(tmp_path / "bus") as here, here.helper(top, idle=120):
        window = desktop.start_python("-m", "tests.ui.desktop.changing", here.address)
        person = Person(desktop, assistive)
        person.tab_to("page tab", "Answer")
        desktop.keys("Right", "Right")
        person.press("push button", "Show the change")
        diff = assistive.find("text", "What would be different")
        wait_for(lambda: WORD in diff.text, "the diff", seen=assistive.tree)
        assert f"/{ENTRY}" in diff.text
        assert entry.read_bytes() == before, "nothing is done unseen"
        make = assistive.find("push button", "Make this change")
        assert "enabled" not in make.states, "not before the words are typed"
        person.tab_to("text", f"To go on, type exactly: {WORD}")
        desktop.run("xdotool", "type", "--delay", "5", WORD)
        wait_for(lambda: "enabled" in make.states, "the button", seen=assistive.tree)
        person.press("push button", "Make this change")
        person.hears("Change 1 is made.")
        assert WORD in entry.read_text()
        person.press("push button", "Take it back…")
        take = assistive.find("push button", "Take it back")
        assert "focused" not in take.states, "Cancel has the focus"
        desktop.keys("alt+t")
        person.hears("Change 1 is taken back.")
        assert entry.read_bytes() == before
        actions = [action for _, action, _ in here.authority.asked]
        assert actions.count("org.neuronos.hardware.change") == 2, "the authority was asked for each change"
        desktop.stop(window)
