"""``./dev shots FOLDER``: a PNG of every window and state in every variant of tests/ui/variants.py."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", f"offscreen:configfile={Path(__file__).parent}/ui/screen.json")

import shiboken6
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QApplication, QWidget

from libneuron.ui.app import application
from libneuron.ui.theme import Look
from tests.ui.scenes import scenes
from tests.ui.variants import VARIANTS, shown_as


def picture(window: QWidget) -> QPixmap:
    """``window`` as a person sees it, at twice the density."""
    made = QPixmap(window.size() * 2)
    made.setDevicePixelRatio(2)
    made.fill(Qt.GlobalColor.transparent)
    window.render(made, QPoint())
    return made


def main() -> int:
    """Draw what was asked for; prints one line per picture."""
    options = argparse.ArgumentParser(prog="dev shots", description=__doc__)
    options.add_argument("folder", type=Path)
    options.add_argument("names", nargs="*", help="only scenes that start with one of these")
    asked = options.parse_args()
    app = application(app_id="org.neuronos.GuestBridge", name="Shots", look=Look.LIGHT)
    assert isinstance(app, QApplication)
    font = app.font()
    font.setFamilies(["Noto Sans", "DejaVu Sans"])
    font.setPointSizeF(10)
    app.setFont(font)
    asked.folder.mkdir(parents=True, exist_ok=True)
    for variant in VARIANTS:
        with shown_as(app, variant):
            for name, make in scenes().items():
                if asked.names and not name.startswith(tuple(asked.names)):
                    continue
                window = make()
                window.show()
                window.activateWindow()
                for _ in range(3):  # wrapped text claims its height, which may move what is below
                    app.processEvents()
                file = asked.folder / f"{name}.{variant.name}.png"
                picture(window).save(str(file))
                sys.stdout.write(f"{file}\n")
                window.close()
                if shiboken6.isValid(window):
                    window.deleteLater()
                app.processEvents()
    return 0


if __name__ == "__main__":
    sys.exit(main())
