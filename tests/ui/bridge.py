"""Guest Bridge's window over recorded machines, for the tests to use."""

from __future__ import annotations

from pytestqt.qtbot import QtBot

from neuron_guest_bridge.machines import Machine, Snapshot
from neuron_guest_bridge.model import Model
from neuron_guest_bridge.window_main import MainWindow
from tests.ui.scenes.guest_bridge import LINES, MACHINES, SETTINGS, Recorded, settle


class Shown:
    """A window over recorded machines."""

    def __init__(self, qtbot: QtBot, *machines: Machine) -> None:
        self.qtbot = qtbot
        self.recorded = Recorded(Snapshot(machines or MACHINES, looked=True), LINES)
        self.model = Model(self.recorded)
        self.window = MainWindow(self.model, SETTINGS)
        self.window.show()
        settle()

    def asked(self, *what: object) -> None:
        self.qtbot.waitUntil(lambda: what in self.recorded.asked)
