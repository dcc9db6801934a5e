"""A program's first picture, painted before the rest of the program is imported.

Most of a start goes into imports. The namespace ``Qt`` alone costs some 25 ms, a quarter of a bare PySide6
start, because PySide6 makes a Python enum of each of its types: nothing that is imported here may touch it
(``tests/ui/test_early.py``). Not for windows that stay: the theme comes with ``app``.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QTimer
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QApplication, QHBoxLayout, QLabel, QVBoxLayout

from libneuron.ui.frame import Frame
from libneuron.ui.sizes import SPACE
from libneuron.ui.text import install_translators

_PREPARED = "neuron-prepared"
_PATIENCE = 500  # milliseconds: the rest comes also where nothing is painted, as of a covered window


def bare_application(*, app_id: str, name: str) -> QApplication:
    """The process's QApplication with its names, style and language, and nothing yet that takes long."""
    app = QApplication.instance() or QApplication([app_id])
    assert isinstance(app, QApplication)
    app.setDesktopFileName(app_id)
    app.setApplicationName(name)
    app.setApplicationDisplayName(name)
    app.setOrganizationDomain("neuronos.org")
    if app.property(_PREPARED) is None:
        app.setProperty(_PREPARED, 1)
        app.setStyle("Fusion")
        install_translators(app)
    return app


class EarlyWindow(Frame):
    """A window that says one sentence until :meth:`furnish` fills it, right after its first picture."""

    def wait_with(self, sentence: str, furnish: Callable[[], None]) -> None:
        """Say ``sentence``; call ``furnish`` once, after it was painted."""
        self._furnish: Callable[[], None] | None = furnish
        words = QLabel(sentence)
        font = words.font()
        font.setPointSizeF(font.pointSizeF() * 1.2)
        words.setFont(font)
        line = QHBoxLayout()
        line.addStretch(1)
        line.addWidget(words)
        line.addStretch(1)
        middle = QVBoxLayout()
        middle.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
        middle.addStretch(1)
        middle.addLayout(line)
        middle.addStretch(1)
        self.fill(middle)
        QTimer.singleShot(_PATIENCE, self._go_on)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The first one is what the rest waits for."""
        super().paintEvent(event)
        if getattr(self, "_furnish", None) is not None:
            QTimer.singleShot(0, self._go_on)

    def _go_on(self) -> None:
        furnish, self._furnish = self._furnish, None
        if furnish is not None:
            furnish()
