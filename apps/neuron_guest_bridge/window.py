"""The graphical face: one instance, a window, and a tray where the desktop has one."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from libneuron.system.clipboard.errors import ClipboardError
from libneuron.system.clipboard.model import Clipboard
from libneuron.system.clock import RealClock
from libneuron.system.paths import user_paths
from libneuron.ui.app import application, run
from libneuron.ui.single import SingleInstance
from libneuron.ui.text import translate
from libneuron.ui.trayhost import TrayHost
from neuron_guest_bridge.fleet import Fleet
from neuron_guest_bridge.model import Model
from neuron_guest_bridge.tray import Tray
from neuron_guest_bridge.window_main import MainWindow

APP_ID = "org.neuronos.GuestBridge"


def host_clipboard(platform: str, spool: Path) -> Clipboard:
    """This desktop's clipboard. Raises: ClipboardError where programs cannot share it."""
    if platform != "xcb":
        raise ClipboardError("clipboard.unavailable", details=f"not X11 but {platform}")
    from libneuron.system.clipboard.x11 import X11Clipboard

    return X11Clipboard(spool=spool)


class App:
    """Owns what lives as long as the program: the fleet, the window, the tray."""

    def __init__(self, qt: QApplication, fleet: Fleet, *, told: Path) -> None:
        """``told`` is the file that remembers that the person was told about the missing tray."""
        self._qt = qt
        self._fleet = fleet
        self._told = told
        self.model = Model(fleet)
        self.window = MainWindow(self.model)
        self.tray: Tray | None = None
        self._host = TrayHost(fleet.io)
        self._host.changed.connect(self._tray_changed)
        qt.setQuitOnLastWindowClosed(False)
        self.window.closed.connect(self._closed)

    def show(self, machine: str = "") -> None:
        """Bring the window to the front, with ``machine`` chosen if named."""
        if machine:
            self.window.show_machine(machine)
        self.window.raise_()

    def _tray_changed(self) -> None:
        available = self._host.available
        if available and self.tray is None:
            self.tray = Tray(self.model, APP_ID, open_window=self.show, leave=self._qt.quit)
            self.tray.icon.show()
        elif not available and self.tray is not None:
            self.tray.close()
            self.tray.deleteLater()
            self.tray = None
        self.window.stays = available
        if available:
            self.window.no_tray.hide()
        elif not self._told.exists():
            self.window.no_tray.show()
            self._told.parent.mkdir(parents=True, exist_ok=True)
            self._told.touch()
        if not available and not self.window.isVisible():
            self.show()  # nothing else would be left of the program

    def _closed(self) -> None:
        self._qt.quit()

    def close(self) -> None:
        """End everything."""
        if self.tray is not None:
            self.tray.close()
        self._host.close()
        self._fleet.close()


def main(argv: Sequence[str]) -> int:
    """Run the window and the tray; returns the exit status."""
    parser = argparse.ArgumentParser(prog="neuron-guest-bridge")
    parser.add_argument("--background", action="store_true", help="start in the tray, without the window")
    parser.add_argument("--connect", metavar="URI", default="qemu:///system", help="libvirt's address")
    parser.add_argument("--debug", action="store_true", help="log what is done to standard error")
    options = parser.parse_args(argv)
    logging.basicConfig(
        level=logging.DEBUG if options.debug else logging.WARNING,
        format="%(levelname)s %(name)s: %(message)s",
    )
    where = user_paths()
    qt = application(app_id=APP_ID, name=translate("Main", "Guest Bridge"))
    qt.setApplicationDisplayName(translate("Main", "Guest Bridge"))
    made: list[App] = []
    instance = SingleInstance(where.runtime, "guest-bridge", lambda: made[0].show() if made else None)
    if not instance.first:
        return 0 if instance.ask_first() else 1
    fleet = Fleet(
        where,
        uri=options.connect,
        clock=RealClock(),
        host_clipboard=lambda: host_clipboard(QGuiApplication.platformName(), where.cache / "clipboard"),
        simulated_name=translate("Main", "Simulated machine"),
    )
    made.append(App(qt, fleet, told=where.state / "guest-bridge-no-tray"))
    try:
        return run(qt, lambda: None if options.background else made[0].window)
    finally:
        made[0].close()
        instance.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
