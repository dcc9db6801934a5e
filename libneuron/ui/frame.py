"""What every top-level window is, the first picture too: nothing here may touch the namespace ``Qt``."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtGui import QGuiApplication, QKeySequence, QShortcut
from PySide6.QtWidgets import QLayout, QMainWindow, QWidget

from libneuron.ui.sizes import SPACE, scaled


class Frame(QMainWindow):
    """A main window around ``content``: titled, sized to fit the screen, closed by Ctrl+W and Ctrl+Q.

    ``size`` is the wish at the usual font, in device-independent pixels; it grows with the person's font.
    A subclass whose content needs the window itself leaves ``content`` out and calls :meth:`fill`. It is a
    QMainWindow because only that is a window to screen readers.
    """

    def __init__(self, name: str, content: QLayout | None = None, *, size: QSize) -> None:
        super().__init__()
        self._wish = size
        self.setWindowTitle(name)
        for key in (QKeySequence.StandardKey.Close, QKeySequence.StandardKey.Quit):
            QShortcut(QKeySequence(key), self).activated.connect(self.close)
        if content is not None:
            self.fill(content)

    def fill(self, content: QLayout) -> None:
        """Set the content; a window that is not shown yet gets the size that goes with it."""
        inside = QWidget()
        inside.setLayout(content)
        self.setCentralWidget(inside)
        if self.isVisible():
            return  # the person may have given it another size by now
        wish = QSize(scaled(self._wish.width()), scaled(self._wish.height()))
        room = QGuiApplication.primaryScreen().availableSize() - QSize(4 * SPACE, 8 * SPACE)
        self.resize(wish.boundedTo(room).expandedTo(self.minimumSizeHint()))
