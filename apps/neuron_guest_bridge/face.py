"""Owns what lives as long as the program: the fleet, the tray, and the window once it is wanted."""

from __future__ import annotations

import argparse
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QApplication, QSystemTrayIcon

from libneuron.errors import NeuronError
from libneuron.system.clock import RealClock
from libneuron.system.paths import user_paths
from libneuron.ui.app import application, prepare
from libneuron.ui.text import translate
from libneuron.ui.trayhost import TrayHost
from neuron_guest_bridge import words
from neuron_guest_bridge.activity import Line
from neuron_guest_bridge.bus_later import BusLater
from neuron_guest_bridge.fleet import Fleet
from neuron_guest_bridge.model import Model
from neuron_guest_bridge.settings import Settings, SettingsStore
from neuron_guest_bridge.telling import Calm, Troubles, is_news
from neuron_guest_bridge.tray import Tray

if TYPE_CHECKING:
    from libneuron.system.clipboard.model import Clipboard
    from neuron_guest_bridge.window_main import MainWindow

_log = logging.getLogger(__name__)


def host_clipboard(spool: Path) -> Clipboard:
    """This desktop's clipboard; waits for the desktop, so not for Qt's thread."""
    from libneuron.system.clipboard.ladder import open_clipboard

    return open_clipboard(os.environ, spool=spool).clipboard


class Face:
    """Made when everything is loaded; ``icon`` is in the tray already, where there is one."""

    def __init__(
        self, qt: QApplication, options: argparse.Namespace, *, icon: QSystemTrayIcon | None
    ) -> None:
        logging.basicConfig(
            level=logging.DEBUG if options.debug else logging.WARNING,
            format="%(levelname)s %(name)s: %(message)s",
        )
        self._app_id = qt.desktopFileName()
        application(app_id=self._app_id, name=translate("Main", "Guest Bridge"), windows_later=True)
        qt.setApplicationDisplayName(translate("Main", "Guest Bridge"))  # now that there are translations
        self._leave = prepare(qt)
        self._qt = qt
        where = user_paths()
        self.settings = SettingsStore(where.config, where.config.parent / "autostart")
        self._told = where.state / "guest-bridge-no-tray"
        """Remembers that the person was told about the missing tray."""
        self._fleet = Fleet(
            where,
            uri=options.connect,
            clock=RealClock(),
            host_clipboard=lambda: host_clipboard(where.cache / "clipboard"),
            simulated_name=translate("Main", "Simulated machine"),
            viewer=lambda: self._settings().viewer,
        )
        self.model = Model(self._fleet)
        self.model.wanted.connect(self.show)
        self._bus = BusLater(
            self._fleet,
            app_id=self._app_id,
            name=translate("Main", "Guest Bridge"),
            show=self.model.want,
        )
        if options.serve:
            self._bus.join()
        self._troubles = Troubles()
        self._calm = Calm(RealClock().monotonic)
        self.model.changed.connect(self._machines_changed)
        self.model.happened.connect(self._happened)
        self._window: MainWindow | None = None
        self.tray: Tray | None = None
        if icon is not None:
            self._make_tray(icon)
        self._host = TrayHost()
        self._host.changed.connect(self._tray_changed)

    def _machines_changed(self) -> None:
        self._bus.machines_changed(self.model.snapshot)
        for machine in self._troubles.new(self.model.snapshot):
            title = translate("Main", "{name} needs you").format(name=machine.name)
            self._notify(title, words.connection(machine).hint or words.connection(machine).text, machine.id)

    def _happened(self, line: Line) -> None:
        self._bus.happened(line)
        if is_news(line):
            named = (item.id for item in self.model.snapshot.machines if item.name == line.machine)
            self._notify(translate("Main", "Clipboard"), words.activity(line), next(named, ""))

    def _notify(self, title: str, body: str, machine: str) -> None:
        if self._settings().notify and self._calm.may(title, machine):
            self._bus.notify(title, body, show=translate("Main", "Show"), machine=machine)

    def _settings(self) -> Settings:
        try:
            return self.settings.get()
        except NeuronError as error:  # the settings' page tells; this is not the moment
            _log.info("the settings cannot be read: %s", error.details or error)
            return Settings()

    @property
    def window(self) -> MainWindow:
        """The window; made when it is wanted first."""
        if self._window is None:
            from neuron_guest_bridge.window_main import MainWindow

            self._window = MainWindow(self.model, self.settings)
            self._window.closed.connect(self._qt.quit)
            self._tell_window()
        return self._window

    @property
    def starts_hidden(self) -> bool:
        """Whether the person wants no window at the start."""
        return self._settings().hidden

    def show(self, machine: str = "") -> None:
        """Bring the window to the front, with ``machine`` chosen if named."""
        if machine:
            self.window.show_machine(machine)
        self.window.raise_()

    def _make_tray(self, icon: QSystemTrayIcon | None) -> None:
        self.tray = Tray(self.model, self._app_id, open_window=self.show, leave=self._qt.quit, icon=icon)
        self.tray.icon.show()

    def _tray_changed(self) -> None:
        available = self._host.available
        if available and self.tray is None:
            self._make_tray(None)
        elif not available and self.tray is not None:
            self.tray.close()
            self.tray.deleteLater()
            self.tray = None
        if not available and (self._window is None or not self._window.isVisible()):
            self.show()  # nothing else would be left of the program
        if self._window is not None:
            self._tell_window()

    def _tell_window(self) -> None:
        """Whether closing hides, and, once in the life of an installation, that there is no tray."""
        window = self._window
        assert window is not None
        window.stays = self.tray is not None
        if self.tray is not None:
            window.no_tray.hide()
        elif self._host.asked and not self._told.exists():
            window.no_tray.show()
            self._told.parent.mkdir(parents=True, exist_ok=True)
            self._told.touch()

    def close(self) -> None:
        """End everything."""
        if self.tray is not None:
            self.tray.close()
        self._bus.close()
        self._fleet.close()
        self._leave()
