"""The Update Guardian's window on a real desktop: heard by an assistive client, driven by keyboard alone."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager

from libneuron.system.errors import SystemAccessError
from tests.ui.desktop.atspi import Client
from tests.ui.desktop.session import Desktop, wait_for


@contextmanager
def running(desktop: Desktop, *words: str) -> Iterator[None]:
    process = desktop.start_python(*words)
    try:
        yield
    finally:
        desktop.stop(process)


def there(client: Client, state: str, *words: str) -> bool:
    """Whether something in ``state`` has all ``words`` in its name; what goes meanwhile is passed over."""
    for app in client.apps():
        for node in app.walk():
            with contextlib.suppress(SystemAccessError):
                if state in node.states and all(word in node.name for word in words):
                    return True
    return False


def heard(client: Client, *words: str) -> bool:
    return there(client, "showing", *words)


def focus_on(client: Client, *words: str) -> bool:
    return there(client, "focused", *words)


def until_heard(client: Client, *words: str) -> None:
    wait_for(lambda: heard(client, *words), " ".join(words), seen=client.tree)


def until_focus(client: Client, *words: str) -> None:
    wait_for(lambda: focus_on(client, *words), f"the focus on {words}", seen=client.tree)


def test_a_bad_update_is_heard_looked_at_and_rolled_back_with_the_keyboard(
    desktop: Desktop, assistive: Client
) -> None:
    with running(desktop, "-m", "tests.ui.desktop.sample", "guardian-bad"):
        until_heard(assistive, "Something stopped working after the last update")
        until_focus(assistive, "Update with pacman", "Something got worse")
        desktop.keys("Down")
        until_focus(assistive, "Update with pacman", "All is well")
        until_heard(assistive, "linux 6.7.5-1 → 6.7.6-1")
        desktop.keys("Up")
        until_heard(assistive, "sddm.service (failed)")
        desktop.keys("alt+r")
        until_heard(assistive, "Roll back to the state before?")
        until_focus(assistive, "Cancel")
        until_heard(assistive, "sddm 0.21.0-1 becomes 0.20.0-2")
        desktop.keys("Escape")
        wait_for(lambda: not heard(assistive, "Roll back to the state before?"), "the end of the question")
        desktop.keys("alt+r")
        until_focus(assistive, "Cancel")
        desktop.keys("alt+r")
        wait_for(lambda: not heard(assistive, "Roll back to the state before?"), "the roll back")


def test_one_file_is_found_and_brought_back_with_the_keyboard(desktop: Desktop, assistive: Client) -> None:
    with running(desktop, "-m", "tests.ui.desktop.sample", "guardian-bad"):
        until_focus(assistive, "Update with pacman", "Something got worse")
        desktop.keys("alt+f")
        until_focus(assistive, "Part of the name")
        desktop.keys("s", "d", "d", "m", "period")
        until_heard(assistive, "2 of 3 files")
        desktop.keys("Return")
        until_heard(assistive, "/etc/sddm.conf is back", "/etc/sddm.conf.before-restore")


def test_settings_are_heard_changed_saved_and_found_again(desktop: Desktop, assistive: Client) -> None:
    """Qt does not tell AT-SPI of an open menu, so the way into the dialog is the menu's own keys."""
    number, by_itself = "How many to keep", "Roll back by itself after failed starts"
    with running(desktop, "-m", "tests.ui.desktop.sample", "guardian-bad"):
        until_focus(assistive, "Update with pacman", "Something got worse")
        desktop.keys("alt+m", "s")
        until_focus(assistive, number)
        before = int(assistive.find("spin box", number).text)
        desktop.keys("Up")
        choice = assistive.find("check box", by_itself)
        assert "checked" not in choice.states
        choice.press()
        wait_for(lambda: "checked" in choice.states, "the mark", seen=assistive.tree)
        desktop.keys("alt+s")
        until_heard(assistive, "The settings are saved.")
        desktop.keys("alt+m", "s")
        until_focus(assistive, number)
        assert int(assistive.find("spin box", number).text) == before + 1
        assert "checked" in assistive.find("check box", by_itself).states


def test_a_second_start_raises_the_first_window_and_brings_its_wish(
    desktop: Desktop, assistive: Client
) -> None:
    """The app itself, with nothing recorded on this machine."""
    with running(desktop, "-m", "neuron_update_guardian"):
        until_heard(assistive, "No updates yet")
        second = desktop.start_python("-m", "neuron_update_guardian", "--show", "3", name="second")
        assert second.wait(60) == 0
        assert len(assistive.apps()) >= 1
