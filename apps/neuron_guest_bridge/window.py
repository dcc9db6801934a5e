"""The start of the graphical face: the tray's icon first, everything else while it is already there.

Until the icon is shown nothing is imported but Qt and what this file names; the rest is loaded by a thread
while Qt answers the desktop.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import sys
import threading
import time
from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication, QMenu, QSystemTrayIcon

from libneuron.system.places import resources, runtime_path
from libneuron.ui.single import SingleInstance
from libneuron.ui.trayhost import tray_host_now

if TYPE_CHECKING:
    from neuron_guest_bridge.face import Face

APP_ID = "org.neuronos.GuestBridge"
_REST = "neuron_guest_bridge.face"


class Start(QObject):
    """From the first icon to the whole face; belongs to Qt's thread."""

    _loaded = Signal(object)

    def __init__(self, qt: QApplication, options: argparse.Namespace) -> None:
        super().__init__()
        self._qt = qt
        self._options = options
        self._asked = False
        self._face: Face | None = None
        self._icon: QSystemTrayIcon | None = None
        self._menu = QMenu()
        # Queued by itself, as it comes from another thread. Naming that wish would import Qt's enums: 20 ms.
        self._loaded.connect(self._build)
        self._thread = threading.Thread(target=self._load, name="start", daemon=True)

    def begin(self) -> None:
        """Show the icon, and begin to load the rest."""
        if tray_host_now():
            shipped = resources() / "icons" / "hicolor" / "scalable" / "apps" / f"{APP_ID}.svg"
            self._icon = QSystemTrayIcon(QIcon.fromTheme(APP_ID, QIcon(str(shipped))))
            self._icon.setContextMenu(self._menu)  # filled later, but the tray asks for it now
            self._icon.show()
        self._thread.start()

    def _load(self) -> None:
        try:
            self._loaded.emit(importlib.import_module(_REST))
        except ImportError as error:
            self._loaded.emit(error)

    @Slot(object)
    def _build(self, rest: ModuleType | ImportError) -> None:
        if isinstance(rest, ImportError):
            raise rest
        self._face = rest.Face(self._qt, self._options, icon=self._icon)
        if self._asked or not (self._options.background or self._face.starts_hidden):
            self._face.show()

    def show(self) -> None:
        """Show the window, as soon as it can be."""
        self._asked = True
        if self._face is not None:
            self._face.show()

    def close(self) -> None:
        """End everything."""
        self._thread.join(30)
        if self._face is not None:
            self._face.close()


def main(argv: Sequence[str]) -> int:
    """Run the window and the tray; returns the exit status."""
    parser = argparse.ArgumentParser(prog="neuron-guest-bridge")
    parser.add_argument("--background", action="store_true", help="start in the tray, without the window")
    parser.add_argument("--serve", action="store_true", help="be on D-Bus at once, whatever is paired")
    parser.add_argument("--delay", type=int, default=0, metavar="SECONDS", help="wait before starting")
    parser.add_argument("--connect", metavar="URI", default="qemu:///system", help="libvirt's address")
    parser.add_argument("--debug", action="store_true", help="log what is done to standard error")
    options = parser.parse_args(argv)
    time.sleep(max(0, options.delay))  # nothing is loaded yet: the session starts faster without us
    gc.disable()  # a thread imports below; libneuron.ui.collector takes over, on Qt's thread
    qt = QApplication([APP_ID])
    qt.setDesktopFileName(APP_ID)
    qt.setQuitOnLastWindowClosed(False)
    start = Start(qt, options)
    instance = SingleInstance(runtime_path(), "guest-bridge", start.show)
    if not instance.first:
        if options.background:
            return 0  # it runs, and nobody asked for its window
        return 0 if instance.ask_first() else 1
    try:
        start.begin()
        return qt.exec()
    finally:
        start.close()
        instance.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
