"""A top-level window of the suite."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtGui import QGuiApplication, QKeySequence, QShortcut
from PySide6.QtWidgets import QLayout, QMainWindow, QVBoxLayout, QWidget

from libneuron.ui.theme import SPACE, scaled, theme


class Window(QMainWindow):
    """A main window around ``content``: titled, sized to fit the screen, closed by Ctrl+W and Ctrl+Q.

    ``size`` is the wish at the usual font, in device-independent pixels; it grows with the person's font.
    A subclass whose content needs the window itself leaves ``content`` out and calls :meth:`fill`. It is a
    QMainWindow because only that is a window to screen readers.
    """

    def __init__(self, name: str, content: QLayout | None = None, *, size: QSize) -> None:
        theme().dress()
        super().__init__()
        self._wish = size
        self.setWindowTitle(name)
        for key in (QKeySequence.StandardKey.Close, QKeySequence.StandardKey.Quit):
            QShortcut(QKeySequence(key), self).activated.connect(self.close)
        if content is not None:
            self.fill(content)

    def fill(self, content: QLayout) -> None:
        """Set the content, once, and the size that goes with it."""
        inside = QWidget()
        inside.setLayout(content)
        self.setCentralWidget(inside)
        wish = QSize(scaled(self._wish.width()), scaled(self._wish.height()))
        room = QGuiApplication.primaryScreen().availableSize() - QSize(4 * SPACE, 8 * SPACE)
        self.resize(wish.boundedTo(room).expandedTo(self.minimumSizeHint()))


def page_margins(layout: QVBoxLayout) -> QVBoxLayout:
    """Give a window's outermost column the suite's margins."""
    layout.setContentsMargins(3 * SPACE, 3 * SPACE, 3 * SPACE, 3 * SPACE)
    return layout
