"""The same as ``test_troubles`` where the clipboard is a Wayland compositor's, with the window on it too."""

from __future__ import annotations

from pathlib import Path

from tests.screen import sway_session
from tests.ui.desktop.atspi import Client
from tests.ui.desktop.mishaps import owner_of_a_copy_stands_still
from tests.ui.desktop.pulse import Pulse
from tests.ui.desktop.session import Desktop
from tests.ui.desktop.tray import TrayClient
from tests.ui.desktop.troubles import Running


def test_it_answers_while_a_copying_program_stands_still(
    desktop: Desktop, panel: TrayClient, tmp_path: Path
) -> None:
    with sway_session() as socket, Client(desktop) as assistive:
        env = {"WAYLAND_DISPLAY": str(socket), "QT_QPA_PLATFORM": "wayland", "XDG_SESSION_TYPE": "wayland"}
        running = Running(desktop, assistive, panel, home=tmp_path, env=env)
        try:
            with Pulse(desktop, panel, running.process.pid) as pulse:
                owner_of_a_copy_stands_still(running, pulse.beats)
        finally:
            running.close()
