"""Guest Bridge's window and tray over real machines: paired anew, suspended, libvirt hung or gone."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import libvirt
import pytest

from tests.system.conftest import NAME, PATIENCE
from tests.system.guest.bridge import Bridge
from tests.system.lab.domain import Domain
from tests.system.lab.libvirtd import Libvirtd
from tests.ui.desktop.atspi import Client
from tests.ui.desktop.session import Desktop, wait_for
from tests.ui.desktop.tray import TrayClient

_EMPTY = """\
<domain type='qemu'>
  <name>Bench</name><memory unit='MiB'>32</memory><os><type arch='x86_64'>hvm</type></os>
</domain>
"""


@dataclass(frozen=True)
class Face:
    """The running window and tray, as a screen reader and a panel see them."""

    desktop: Desktop
    reader: Client
    tray: TrayClient

    def find(self, role: str, name: str) -> None:
        self.reader.find(role, name, seconds=PATIENCE)

    def press(self, role: str, name: str) -> None:
        self.reader.find(role, name, seconds=PATIENCE).press()

    def answers(self) -> None:
        """It does what it is told and tells its menu, within the five seconds that a call may take."""
        for tab in ("Activity", "Applications"):
            self.press("page tab", tab)
        assert self.tray.menu()


@contextmanager
def _shown(uri: str, env: dict[str, str]) -> Iterator[Face]:
    with Desktop() as desktop, Client(desktop) as reader:
        desktop.start_panel()
        with TrayClient(desktop) as tray:
            app = desktop.start_python("-m", "neuron_guest_bridge", f"--connect={uri}", env=env)
            try:
                yield Face(desktop, reader, tray)
            except AssertionError as error:
                error.add_note(desktop.log())
                raise
            finally:
                desktop.stop(app)


@pytest.fixture
def window(paired: Bridge, libvirtd: Libvirtd) -> Iterator[Face]:
    """The window of the person who paired the shared guest; it is paired again afterwards, whatever came."""
    env = {
        "XDG_DATA_HOME": str(paired.home / "data"),
        "XDG_CONFIG_HOME": str(paired.home / "config"),
        "XDG_STATE_HOME": str(paired.home / "state"),
    }
    with _shown(libvirtd.uri, env) as face:
        yield face
    (row,) = [row for row in paired.run("list")["machines"] if row["name"] == NAME]
    if row["pairing"] != "paired":
        paired.run("pair", NAME, "--method", "agent")


@pytest.mark.vm
def test_a_machine_is_forgotten_paired_by_keyboard_and_suspended_from_the_window(
    guest: Domain, window: Face
) -> None:
    window.find("list item", f"{NAME}, Running · Connected")
    window.press("page tab", "Permissions")
    window.press("push button", "Forget its keys…")
    window.press("push button", "Forget the keys")
    window.find("list item", f"{NAME}, Running · Not paired")

    window.press("push button", "Pair…")
    itself = window.reader.find("radio button", "By itself", seconds=PATIENCE)
    wait_for(lambda: {"checked", "focused"} <= itself.states, "the way that asks least")
    window.desktop.keys("Return")
    window.find("label", f"{NAME} answered")
    window.desktop.keys("Return")
    window.find("list item", f"{NAME}, Running · Connected")

    guest.handle.suspend()
    try:
        window.find("list item", f"{NAME}, Suspended")
        window.answers()
        labels = [entry.label for entry in window.tray.menu()[0].below]
        assert labels[0] == "Start"
    finally:
        guest.handle.resume()
    window.find("list item", f"{NAME}, Running · Connected")


def test_libvirt_that_hangs_or_is_killed_while_the_menu_is_open_freezes_nothing_and_comes_back() -> None:
    with Libvirtd() as daemon:
        connection = libvirt.open(daemon.uri)
        connection.defineXML(_EMPTY)
        connection.close()
        with _shown(daemon.uri, {}) as face:
            face.find("list item", "Bench, Switched off")
            face.answers()

            def tells(said: str) -> bool:
                return said in face.tray.tip()

            hangs = f"The virtual machine manager at {daemon.uri} does not answer."
            gone = f"The virtual machine manager (libvirt) cannot be reached at {daemon.uri}."
            face.tray.open()
            daemon.signal(signal.SIGSTOP)
            face.press("push button", "Look again")
            face.answers()
            wait_for(lambda: tells(hangs), "the tray to tell", seconds=PATIENCE)
            face.answers()
            daemon.signal(signal.SIGCONT)
            wait_for(lambda: not tells(hangs), "libvirt to go on", seconds=PATIENCE)
            face.tray.open()
            daemon.stop()
            wait_for(lambda: tells(gone), "the tray to tell", seconds=PATIENCE)
            face.answers()
            daemon.start()
            wait_for(lambda: not tells(gone), "libvirt again", seconds=PATIENCE)
            face.find("list item", "Bench, Switched off")
