"""The library's dialogs, driven by a real assistive client and by the keyboard on a real X11 desktop."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.ui.desktop.atspi import Client
from tests.ui.desktop.session import Desktop, wait_for


@contextmanager
def _sample(desktop: Desktop, scene: str) -> Iterator[None]:
    process = desktop.start_python("-m", "tests.ui.desktop.sample", scene)
    try:
        yield
    finally:
        desktop.stop(process)


def test_an_assistive_client_reads_an_error_and_opens_its_details(
    desktop: Desktop, assistive: Client
) -> None:
    with _sample(desktop, "library-error"):
        dialog = assistive.find("dialog", "The virtual machine did not start — Sample")
        assert any(node.name == "The program “virsh” failed (status 1)." for node in dialog.walk())
        close = assistive.find("push button", "Close")
        wait_for(lambda: "focused" in close.states, "the focus on Close")
        more = assistive.find("check box", "Show details")
        assert more.description == "Show or hide what the program reported"
        more.press()
        assert "no such domain" in assistive.find("text", "Technical details").text


def test_escape_closes_a_dialog_and_the_program_ends(desktop: Desktop, assistive: Client) -> None:
    process = desktop.start_python("-m", "tests.ui.desktop.sample", "library-confirm")
    cancel = assistive.find("push button", "Cancel")
    wait_for(lambda: "focused" in cancel.states, "the focus on Cancel")
    desktop.keys("Escape")
    assert process.wait(10) == 0
