"""What goes wrong around Guest Bridge, each from its beginning until everything is well again.

``beat`` is called again and again while the trouble lasts; each ends with what the person is told, and with
proof that it has healed.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.system.lab.libvirtd import Libvirtd
from tests.ui.desktop.session import wait_for
from tests.ui.desktop.tray import Entry
from tests.ui.desktop.troubles import PNG, TEXT, Running, remounted, stopped

MACHINE = "Simulated machine (Simulated · Connected)"
Beat = Callable[[], None]


@dataclass(frozen=True)
class Around:
    """What the program runs in."""

    running: Running
    libvirt: Libvirtd
    disk: Path


def owner_stands_still(around: Around, beat: Beat) -> None:
    """The program that holds the clipboard is stopped while somebody in the machine pastes."""
    owner_of_a_copy_stands_still(around.running, beat)


def owner_of_a_copy_stands_still(running: Running, beat: Beat) -> None:
    """The same of any desktop."""
    with running.copied(b"stopped", TEXT) as owner:
        running.offered("Text")
        with stopped(owner):
            paste = running.guest_pastes(TEXT)
            while paste.poll() is None:
                beat()
            assert paste.returncode != 0
            wait_for(lambda: running.says("the program that holds it does not answer"), "the reason")
        assert running.guest_pastes(TEXT).wait(60) == 0


def owner_stands_still_and_the_person_pastes_here(around: Around, beat: Beat) -> None:
    """The same while the person opens a field's menu in the window, and pastes."""
    running = around.running
    running.assistive.find("page tab", "Applications").press()
    search = running.assistive.find("text", "Search")
    window = running.assistive.find("frame", "Guest Bridge")
    with running.copied(b"stopped", TEXT) as owner:
        running.offered("Text")
        wait_for(lambda: "active" in window.states, "the active window")
        search.focus()
        wait_for(lambda: "focused" in search.states, "the field to have the keyboard")
        with stopped(owner):
            running.desktop.keys("Menu")
            beat()
            running.desktop.keys("Escape")
            running.desktop.keys("ctrl+v")
            beat()
            running.assistive.find("label", "Nothing was pasted")
            running.assistive.find("push button", "Close").press()
            assert search.text == ""
    with running.copied(b"pasted", TEXT):
        wait_for(lambda: running.desktop.paste() == "pasted", "the other program's copy")
        wait_for(lambda: "active" in window.states, "the active window again")
        search.focus()
        wait_for(lambda: "focused" in search.states, "the field to have the keyboard again")
        running.desktop.keys("ctrl+v")
        wait_for(lambda: search.text == "pasted", "the text", seen=running.assistive.tree)
    search.write("")


def machine_stands_still(around: Around, beat: Beat) -> None:
    """The machine is paused, and the person goes on clicking."""
    running = around.running
    with stopped(running.agent):
        ping = running.command("ping", "simulated", "--timeout", "3")
        running.tray.click(MACHINE, "Clipboard", "Not shared")
        running.tray.click(MACHINE, "Applications", "Paint (simulated)")
        while ping.poll() is None:
            beat()
        assert ping.returncode != 0
        assert "did not answer" in running.desktop.log("terminal")
    wait_for(lambda: running.command("ping", "simulated").wait(60) == 0, "an answer")
    done, refused = "Started Paint (simulated)", "Simulated machine did not do it"
    wait_for(lambda: running.says(done) or running.says(refused), "what became of the click")
    running.tray.click(MACHINE, "Clipboard", "Both ways")


def libvirt_stands_still(around: Around, beat: Beat) -> None:
    """libvirtd is stopped while a machine is suspended."""
    running = around.running
    around.libvirt.signal(signal.SIGSTOP)
    try:
        running.tray.click("test (Running · Not set up)", "Suspend")
        beat()
        beat()
        assert not running.says("test, Suspended")
    finally:
        around.libvirt.signal(signal.SIGCONT)
    wait_for(lambda: running.says("test, Suspended"), "the machine's new state")


def libvirt_is_killed(around: Around, beat: Beat) -> None:
    """libvirtd ends; later there is one again."""
    running = around.running
    around.libvirt.stop()
    wait_for(lambda: "cannot be reached" in running.tray.tip(), "the trouble to be told")
    beat()
    around.libvirt.start()
    wait_for(lambda: "cannot be reached" not in running.tray.tip(), "the end of the trouble")


def disk_is_full(around: Around, beat: Beat) -> None:
    """There is no room for a large picture that somebody in the machine pastes."""
    running = around.running
    with running.copied(PNG, "image/png"):
        running.offered("Picture")
        paste = running.guest_pastes("image/png")
        while paste.poll() is None:
            beat()
        assert paste.returncode != 0
        wait_for(lambda: running.says("there is not enough free space here"), "the reason")
        with remounted(around.disk, "200m"):
            assert running.guest_pastes("image/png").wait(60) == 0


def machine_sends_rubbish(around: Around, beat: Beat) -> None:
    """Thousands of applications with odd names, and news without end."""
    running = around.running
    with running.other_agent("tests.ui.desktop.rubbish"):
        wait_for(lambda: _more(running.tray.menu()), "its applications")
        beat()
        beat()
    wait_for(lambda: not _more(running.tray.menu()), "the right applications again")
    wait_for(lambda: running.command("ping", "simulated").wait(60) == 0, "an answer")


def _more(entries: tuple[Entry, ...]) -> bool:
    """Whether there are more applications than fit into the menu."""
    return any(entry.label.startswith("More in the window") or _more(entry.below) for entry in entries)


MISHAPS: tuple[Callable[[Around, Beat], None], ...] = (
    owner_stands_still,
    owner_stands_still_and_the_person_pastes_here,
    machine_stands_still,
    libvirt_stands_still,
    libvirt_is_killed,
    disk_is_full,
    machine_sends_rubbish,  # last: it takes the place of the agent that was there
)
