"""A list of which exactly one is chosen."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QTreeWidget, QTreeWidgetItem

from libneuron.ui.theme import SPACE, scaled


class Choice(QTreeWidget):
    """One column without a header; each row has a text, of several lines where it needs them, and a value."""

    def __init__(self, name: str, tip: str) -> None:
        super().__init__()
        self.setColumnCount(1)
        self.setHeaderHidden(True)
        self.setRootIsDecorated(False)
        self.setWordWrap(True)  # at twice the text size a drive and its people fill two lines and more
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setAccessibleName(name)
        self.setToolTip(tip)
        self.setMinimumHeight(scaled(12 * SPACE))

    def fill(self, rows: list[tuple[str, str]], chosen: str | None = None) -> None:
        """Show rows of (text, value); the one with the value ``chosen`` is current, else none."""
        self.clear()
        for text, value in rows:
            item = QTreeWidgetItem([text])
            item.setData(0, Qt.ItemDataRole.UserRole, value)
            if "<" not in value:  # a drive or person may be called anything, and Qt reads tags in tooltips
                item.setToolTip(0, value)
            self.addTopLevelItem(item)
            if value == chosen:
                self.setCurrentItem(item)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another width, other lines."""
        super().resizeEvent(event)
        self.scheduleDelayedItemsLayout()

    @property
    def value(self) -> str | None:
        """The current row's value."""
        item = self.currentItem()
        return None if item is None else str(item.data(0, Qt.ItemDataRole.UserRole))

    def texts(self) -> list[str]:
        """What the rows say."""
        items = [self.topLevelItem(index) for index in range(self.topLevelItemCount())]
        return [item.text(0) for item in items if item is not None]
