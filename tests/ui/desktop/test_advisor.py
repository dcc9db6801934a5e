"""The Hardware Advisor on a real desktop: by an assistive client, and by the keyboard alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.ui.desktop.atspi import Client
from tests.ui.desktop.session import ROOT, Desktop, wait_for


@contextmanager
def _running(desktop: Desktop, *words: str) -> Iterator[None]:
    process = desktop.start_python(*words)
    try:
        yield
    finally:
        desktop.stop(process)


def _texts(client: Client) -> list[str]:
    return [node.name for app in client.apps() for node in app.walk()]


def _focus_on(client: Client, *words: str) -> bool:
    """Whether something with all ``words`` in its name has the focus; a tree and its item both have it."""
    return any(
        "focused" in node.states and all(word in node.name for word in words)
        for app in client.apps()
        for node in app.walk()
    )


def test_the_app_itself_answers_for_this_machine(desktop: Desktop, assistive: Client) -> None:
    with _running(desktop, "-m", "neuron_hardware_advisor"):
        wait_for(
            lambda: any(text.startswith("This PC can") for text in _texts(assistive)),
            "the verdict",
            seconds=30,
        )
        why = assistive.find("check box", "Show me why")
        assert why.description
        why.press()
        assistive.find("check box", "Hide the reason")


def test_the_wiring_is_walked_with_the_keyboard_and_heard(desktop: Desktop, assistive: Client) -> None:
    with _running(desktop, "-m", "tests.ui.desktop.sample", "advisor-wiring"):
        slider = assistive.find("slider", "Before and after an ACS override")
        wait_for(lambda: "focused" in slider.states, "the focus on the slider")
        assert slider.description == "Groups as they are now"
        desktop.keys("Tab", "Tab", "Home", "Down")
        port = ("Intel 6th-10th Gen Core Processor PCIe Controller", "does not keep devices apart")
        wait_for(lambda: _focus_on(assistive, *port), "the port that is to blame", seen=assistive.tree)
        desktop.keys("Down")
        wait_for(lambda: _focus_on(assistive, "RTX 3080"), "the card below it", seen=assistive.tree)
        desktop.keys("shift+Tab", "shift+Tab", "Right")
        wait_for(lambda: "downstream" in slider.description, "the prediction with the override")


def test_a_saved_pc_is_compared_with_the_keyboard_and_heard(desktop: Desktop, assistive: Client) -> None:
    """Qt does not tell AT-SPI of an open menu, so the way to the file is the menu's own keys."""
    saved = ROOT / "tests/fixtures/machines/qemu-no-iommu.bundle"
    with _running(desktop, "-m", "tests.ui.desktop.sample", "advisor-can"):
        wait_for(lambda: _focus_on(assistive, "Answer"), "the first page", seen=assistive.tree)
        desktop.keys("alt+f", "c")
        wait_for(lambda: _focus_on(assistive, "File name:"), "the file's name", seen=assistive.tree)
        desktop.run("xdotool", "type", "--delay", "5", str(saved))
        desktop.keys("Return")
        wait_for(lambda: _focus_on(assistive, "Compared"), "the comparison", seen=assistive.tree)
        texts = _texts(assistive)
        assert any(text.startswith(f"Before: {saved.name}. After: ") for text in texts), texts
        assert any(text.endswith("differ") for text in texts), texts
