"""Guest Bridge on a real X11 desktop: with a screen reader, by keyboard, with a tray and without one."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from libneuron.guest.clipboard.rivals import LOOKING_GLASS
from libneuron.guest.errors import GuestError
from libneuron.guest.hypervisor import opening
from libneuron.guest.hypervisor.connection import Hypervisor
from libneuron.system.clipboard.model import Clipboard
from libneuron.system.clipboard.x11 import X11Clipboard
from libneuron.system.clock import RealClock
from libneuron.system.paths import below, resources
from neuron_guest_bridge.activity import Line, Way, What
from neuron_guest_bridge.fleet import Fleet
from neuron_guest_bridge.machines import Listeners, Machine, Snapshot
from neuron_guest_bridge.settings import ENTRY, SettingsStore
from tests.system.resolution.screen import CLIENT
from tests.ui.desktop.atspi import Client, Node
from tests.ui.desktop.session import Desktop, wait_for
from tests.ui.desktop.tray import TrayClient

WINDOW = "Guest Bridge"
LIBVIRT = "--connect=test:///default"  # libvirt's own test driver: one domain, called "test"


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """A person who starts for the first time."""
    return {
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }


@contextmanager
def _bridge(desktop: Desktop, home: dict[str, str], *words: str) -> Iterator[subprocess.Popen[bytes]]:
    process = desktop.start_python("-m", "neuron_guest_bridge", LIBVIRT, *words, env=home)
    try:
        yield process
    finally:
        desktop.stop(process)


def _active(frame: Node) -> None:
    wait_for(lambda: "active" in frame.states, "the active window")


@contextmanager
def _panel(desktop: Desktop) -> Iterator[None]:
    panel = desktop.start_panel()
    try:
        yield
    finally:
        desktop.stop(panel)
        wait_for(lambda: not desktop.owns("org.kde.StatusNotifierWatcher"), "the end of the panel")


def test_an_assistive_client_tries_the_simulated_machine(
    desktop: Desktop, assistive: Client, home: dict[str, str]
) -> None:
    with _bridge(desktop, home):
        assistive.find("list item", "test, Running · Not set up")
        assistive.find("push button", "Try a simulated machine").press()
        assistive.find("list item", "Simulated machine, Simulated · Connected")
        assistive.find("label", "Simulated: its desktop exists only in memory.")
        assistive.find("list item", "Files (simulated)")
        search = assistive.find("text", "Search")
        search.write("pai")
        start = assistive.find("push button", "Start application")
        wait_for(lambda: "enabled" in start.states, "an application to start")
        start.press()
        assistive.find("page tab", "Activity").press()
        line = wait_for(
            lambda: next(
                (
                    node.name
                    for app in assistive.apps()
                    for node in app.walk()
                    if "Started Paint" in node.name
                ),
                "",
            ),
            "the activity",
            seen=assistive.tree,
        )
        assert line.endswith("Started Paint (simulated) in Simulated machine")


def test_an_assistive_client_forgets_a_machines_keys_and_pairs_it_anew(
    desktop: Desktop, assistive: Client, home: dict[str, str]
) -> None:
    with _bridge(desktop, home):
        assistive.find("push button", "Try a simulated machine").press()
        assistive.find("list item", "Simulated machine, Simulated · Connected")
        assistive.find("page tab", "Permissions").press()
        assistive.find("push button", "Forget its keys…").press()
        assistive.find("push button", "Forget the keys").press()
        assistive.find("list item", "Simulated machine, Simulated · Not paired")
        assistive.find("push button", "Pair…").press()
        pair = assistive.find("push button", "Pair")
        wait_for(lambda: "enabled" in pair.states, "a way to pair")
        pair.press()
        assistive.find("label", "Simulated machine answered")
        assistive.find("push button", "Finish").press()
        assistive.find("list item", "Simulated machine, Simulated · Connected")


def test_the_keyboard_alone_changes_the_resolution(
    desktop: Desktop, assistive: Client, home: dict[str, str]
) -> None:
    with _bridge(desktop, home):
        assistive.find("list item", "test, Running · Not set up")
        desktop.keys("alt+t")
        assistive.find("list item", "Simulated machine, Simulated · Connected")
        desktop.keys("alt+d")
        now = "\u20661280 × 800\u2069"
        assistive.find("label", f"Now {now}")
        desktop.keys("alt+l")
        desktop.keys("Up")
        desktop.keys("alt+c")
        assistive.find("label", "Now \u20661920 × 1080\u2069")


def test_without_a_tray_closing_the_window_ends_it_and_the_person_was_told_once(
    desktop: Desktop, assistive: Client, home: dict[str, str]
) -> None:
    notice = "There is no tray here: closing this window ends Guest Bridge."
    for first in (True, False):
        with _bridge(desktop, home) as process:
            assistive.find("list item", "test, Running · Not set up")
            if first:
                assistive.find("label", notice)
            frame = assistive.find("frame", WINDOW)
            _active(frame)
            told = [
                n for a in assistive.apps() for n in a.walk() if n.name == notice and "showing" in n.states
            ]
            assert bool(told) is first
            desktop.keys("ctrl+w")
            assert process.wait(20) == 0


def test_the_tray_keeps_it_running_and_a_second_start_brings_the_window_back(
    desktop: Desktop, assistive: Client, home: dict[str, str]
) -> None:
    with _panel(desktop), TrayClient(desktop) as tray, _bridge(desktop, home) as process:
        frame = assistive.find("frame", WINDOW)
        tray.item()
        _active(frame)
        desktop.keys("ctrl+w")
        wait_for(lambda: "showing" not in frame.states, "the hidden window")
        assert process.poll() is None
        second = desktop.start_python("-m", "neuron_guest_bridge", LIBVIRT, name="second", env=home)
        assert second.wait(20) == 0
        wait_for(lambda: "showing" in frame.states, "the window again")


def test_the_tray_menu_drives_a_machine_and_tells_its_state(
    desktop: Desktop, assistive: Client, home: dict[str, str]
) -> None:
    with _panel(desktop), TrayClient(desktop) as tray, _bridge(desktop, home) as process:
        assistive.find("push button", "Try a simulated machine").press()
        assistive.find("list item", "Files (simulated)")
        name = "Simulated machine (Simulated · Connected)"
        wait_for(lambda: any(entry.label == name for entry in tray.menu()), "the machine in the menu")
        assert tray.tip() == "Guest Bridge: needs attention: test"
        before = tray.number(name, "Applications", "Paint (simulated)")
        tray.click(name, "Clipboard", "Not shared")

        def unshared() -> bool:
            machine = next(entry for entry in tray.menu() if entry.label == name)
            clipboard = next(entry for entry in machine.below if entry.label == "Clipboard")
            return any(entry.label == "Not shared" and entry.checked for entry in clipboard.below)

        wait_for(unshared, "the new direction in the menu")
        # A panel sends a click by number: another one would mean that a click on an open menu had missed.
        assert tray.number(name, "Applications", "Paint (simulated)") == before
        tray.click(name, "Applications", "Paint (simulated)")
        assistive.find("page tab", "Activity").press()
        wait_for(
            lambda: any("Started Paint" in node.name for app in assistive.apps() for node in app.walk()),
            "the activity",
        )
        tray.click("Quit")
        assert process.wait(20) == 0


def test_a_machine_that_is_started_is_seen_in_the_persons_viewer(
    desktop: Desktop, assistive: Client, home: dict[str, str], tmp_path: Path
) -> None:
    viewer = tmp_path / "bin" / "virt-viewer"
    viewer.parent.mkdir()
    viewer.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > "{tmp_path}/words"\n')
    viewer.chmod(0o755)
    path = {"PATH": f"{viewer.parent}:{os.environ['PATH']}"}
    with _bridge(desktop, {**home, **path}):
        assistive.find("list item", "test, Running · Not set up")
        assistive.find("push button", "Shut down").press()
        assistive.find("list item", "test, Switched off")
        assert not (tmp_path / "words").exists()
        assistive.find("push button", "Start").press()
        assistive.find("list item", "test, Running · Not set up")
        wait_for((tmp_path / "words").exists, "the viewer")
        words = wait_for((tmp_path / "words").read_text().splitlines, "its words")
        assert words[:2] == ["--connect", "test:///default"]
        assert words[-1] == "6695eb01-f6a4-8304-79aa-97f2502e193f"  # the test driver's own


def test_commands_from_a_terminal_go_through_the_running_window(
    desktop: Desktop, assistive: Client, home: dict[str, str]
) -> None:
    with _bridge(desktop, home):
        assistive.find("push button", "Try a simulated machine").press()
        assistive.find("list item", "Simulated machine, Simulated · Connected")
        for words in (("ping", "simulated"), ("resolution", "simulated", "1920x1080")):
            command = desktop.start_python("-m", "neuron_guest_bridge", *words, name="terminal", env=home)
            assert command.wait(60) == 0, desktop.log("terminal")
        assert "answered in" in desktop.log("terminal")


def test_a_tray_that_starts_later_gets_the_icon(
    desktop: Desktop, assistive: Client, home: dict[str, str]
) -> None:
    with _bridge(desktop, home):
        assistive.find("label", "There is no tray here: closing this window ends Guest Bridge.")
        with _panel(desktop), TrayClient(desktop) as tray:
            tray.item()


def test_a_script_finds_the_paired_machine_on_the_bus_and_brings_the_window_back(
    desktop: Desktop, assistive: Client, home: dict[str, str]
) -> None:
    name = "org.neuronos.GuestBridge1"

    def call(method: str, *words: str) -> str:
        called = desktop.start(
            "gdbus", "call", "--session", f"--dest={name}", "--object-path=/org/neuronos/GuestBridge1",
            f"--method={name}.{method}", *words, name="gdbus",
        )  # fmt: skip
        assert called.wait(60) == 0, desktop.log("gdbus")
        return desktop.log("gdbus")

    with _panel(desktop), TrayClient(desktop) as tray, _bridge(desktop, home):
        assistive.find("push button", "Try a simulated machine").press()
        assistive.find("list item", "Files (simulated)")
        wait_for(lambda: desktop.owns(name), "the service")
        assert "Simulated machine" in call("ListMachines")
        tray.item()
        frame = assistive.find("frame", WINDOW)
        _active(frame)
        desktop.keys("ctrl+w")
        wait_for(lambda: "showing" not in frame.states, "the hidden window")
        call("ShowWindow", "simulated")
        wait_for(lambda: "showing" in frame.states, "the window again")


def test_a_script_that_calls_it_starts_it(desktop: Desktop) -> None:
    name = "org.neuronos.GuestBridge1"
    shipped = (resources() / "dbus" / "services" / f"{name}.service").read_text()
    folder = desktop.home / ".local" / "share" / "dbus-1" / "services"
    folder.mkdir(parents=True)
    ours = f"{sys.executable} -m neuron_guest_bridge {LIBVIRT}"
    (folder / f"{name}.service").write_text(shipped.replace("/usr/bin/neuron-guest-bridge", ours))
    bus = ("gdbus", "call", "--session", "--dest=org.freedesktop.DBus", "--object-path=/org/freedesktop/DBus")
    desktop.run(*bus, "--method=org.freedesktop.DBus.ReloadConfig")
    called = ("--object-path=/org/neuronos/GuestBridge1", f"--method={name}.ListMachines")
    said = desktop.run("gdbus", "call", "--session", f"--dest={name}", *called, seconds=60)
    assert said.startswith("([")
    answer = desktop.run(*bus, "--method=org.freedesktop.DBus.GetConnectionUnixProcessID", name)
    os.kill(int(answer.split()[1].rstrip(",)")), signal.SIGTERM)
    wait_for(lambda: not desktop.owns(name), "its end")
    (folder / f"{name}.service").unlink()


def test_the_check_up_is_read_and_a_picture_is_kept(
    desktop: Desktop, assistive: Client, home: dict[str, str]
) -> None:
    with _bridge(desktop, home):
        assistive.find("push button", "Try a simulated machine").press()
        assistive.find("list item", "Simulated machine, Simulated · Connected")
        assistive.find("page tab", "Health").press()
        assistive.find("label", "Keys: The machine is paired with this computer.")
        assistive.find("label", "Person: Somebody is signed in to the machine.")
        assistive.find("push button", "Take picture").press()
        assistive.find("push button", "Open folder")
        kept = wait_for(lambda: list(desktop.home.rglob("Guest Bridge/*.png")), "the picture")
        assert kept[0].read_bytes().startswith(b"\x89PNG")


def test_started_with_the_session_it_shows_only_in_the_tray(
    desktop: Desktop, assistive: Client, home: dict[str, str], tmp_path: Path
) -> None:
    SettingsStore(tmp_path, tmp_path).start_with_session(0)
    (line,) = [line for line in (tmp_path / ENTRY).read_text().splitlines() if line.startswith("Exec=")]
    words = shlex.split(line.removeprefix("Exec="))[1:]
    with _panel(desktop), TrayClient(desktop) as tray, _bridge(desktop, home, *words):
        tray.item()
        frames = [node for app in assistive.apps() for node in app.walk() if node.name == WINDOW]
        assert not [node for node in frames if node.role == "frame" and "showing" in node.states]
        wait_for(tray.menu, "the menu, which is filled after the icon is there")
        tray.click("Open Guest Bridge")
        assistive.find("frame", WINDOW)


def test_without_libvirt_it_says_so_and_offers_the_simulated_machine(
    desktop: Desktop, assistive: Client, home: dict[str, str]
) -> None:
    nowhere = "qemu+unix:///system?socket=/nonexistent"
    process = desktop.start_python("-m", "neuron_guest_bridge", f"--connect={nowhere}", env=home)
    try:
        said = f"The virtual machine manager (libvirt) cannot be reached at {nowhere}."
        assistive.find("label", said)
        assistive.find("push button", "Try a simulated machine")
    finally:
        desktop.stop(process)


class Heard:
    """Notes what a fleet tells."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.snapshot = Snapshot()

    def changed(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot


def _no_libvirt(_uri: str) -> Hypervisor:
    """libvirt's event loop must not run in a process that makes a QApplication later: Qt crashes it."""
    raise GuestError("guest.no-libvirt-library")


@pytest.fixture
def fleet(desktop: Desktop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Fleet, Heard]]:
    """A fleet with a connected simulated machine, on the desktop's real clipboard."""
    monkeypatch.setattr(opening, "hypervisor", _no_libvirt)
    monkeypatch.setenv("DISPLAY", desktop.environment["DISPLAY"])

    def clipboard() -> Clipboard:
        return X11Clipboard(spool=tmp_path / "spool", display=desktop.environment["DISPLAY"])

    made = Fleet(
        below(tmp_path),
        uri="test:///default",
        clock=RealClock(),
        host_clipboard=clipboard,
        simulated_name="Simulated",
    )
    heard = Heard()
    made.start(Listeners(heard.changed, heard.lines.append))
    made.simulate()
    wait_for(lambda: (found := heard.snapshot.find("simulated")) and found.sharing, "the connection")
    yield made, heard
    made.close()


def test_a_copy_on_the_desktop_reaches_the_machine(desktop: Desktop, fleet: tuple[Fleet, Heard]) -> None:
    machines, heard = fleet
    text = "from the desktop: שלום 🙂\nsecond line"
    with desktop.copied(text):
        wait_for(
            lambda: machines.ask("simulated", lambda api: api.clipboard_text()) == text,
            "the copy in the guest",
        )
        crossed = wait_for(
            lambda: next((line for line in heard.lines if line.what is What.COPY_CROSSED), None),
            "the activity",
        )
    assert (crossed.way, crossed.size) == (Way.TO_GUEST, len(text.encode()))
    assert text not in repr(heard.lines)


def test_a_copy_in_the_machine_is_pasted_on_the_desktop(desktop: Desktop, fleet: tuple[Fleet, Heard]) -> None:
    machines, heard = fleet
    machines.launch("simulated", "notes", "Notes")
    wait_for(lambda: any(line.what is What.COPY_OFFERED for line in heard.lines), "the offer")
    pasted = wait_for(desktop.paste, "something to paste")
    assert pasted == "Copied in the simulated machine’s Notes"
    assert any(line.what is What.COPY_CROSSED and line.way is Way.TO_HOST for line in heard.lines)
    assert "simulated machine’s" not in repr(heard.lines)


def test_the_display_follows_looking_glass_and_the_clipboard_stands_back(
    desktop: Desktop, fleet: tuple[Fleet, Heard]
) -> None:
    machines, heard = fleet

    def machine() -> Machine:
        found = heard.snapshot.find("simulated")
        assert found is not None
        return found

    def width() -> int:
        return machines.modes("simulated")[1].width

    wait_for(lambda: machine().can_follow, "windows that can be seen")
    before = width()
    machines.follow("simulated", on=True)
    window = desktop.start(sys.executable, "-c", CLIENT, LOOKING_GLASS, "1100", "790", name="looking-glass")
    wait_for(lambda: width() == 1024, "the display to follow")
    wait_for(lambda: machine().standing_back, "the clipboard to stand back")
    machines.own_clipboard("simulated", own=True)
    wait_for(lambda: not machine().standing_back, "the clipboard to be ours again")
    desktop.stop(window)
    wait_for(lambda: width() == before, "the display to go back")
    wait_for(lambda: not machine().rivals, "no rival")
    assert machine().follows
