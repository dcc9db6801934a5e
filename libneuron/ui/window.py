"""A top-level window of the suite."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtGui import QGuiApplication, QKeySequence, QShortcut
from PySide6.QtWidgets import QLayout, QVBoxLayout, QWidget

from libneuron.ui.theme import SPACE, scaled


class Window(QWidget):
    """A main window around ``content``: titled, sized to fit the screen, closed by Ctrl+W and Ctrl+Q.

    ``size`` is the wish at the usual font, in device-independent pixels; it grows with the person's font.
    """

    def __init__(self, name: str, content: QLayout, *, size: QSize) -> None:
        super().__init__()
        self.setWindowTitle(name)
        self.setLayout(content)
        for key in (QKeySequence.StandardKey.Close, QKeySequence.StandardKey.Quit):
            QShortcut(QKeySequence(key), self).activated.connect(self.close)
        wish = QSize(scaled(size.width()), scaled(size.height()))
        room = QGuiApplication.primaryScreen().availableSize() - QSize(4 * SPACE, 8 * SPACE)
        self.resize(wish.boundedTo(room).expandedTo(self.minimumSizeHint()))


def page_margins(layout: QVBoxLayout) -> QVBoxLayout:
    """Give a window's outermost column the suite's margins."""
    layout.setContentsMargins(3 * SPACE, 3 * SPACE, 3 * SPACE, 3 * SPACE)
    return layout
