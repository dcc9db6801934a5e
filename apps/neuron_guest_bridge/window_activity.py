"""The activity list: what crossed, when, which way, how large; never its content."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QEvent, QLocale, Qt, QTime
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QStackedWidget

from libneuron.ui import icons
from libneuron.ui.text import translate
from libneuron.ui.theme import recolored
from libneuron.ui.widgets import EmptyState
from neuron_guest_bridge import words
from neuron_guest_bridge.activity import Line, Way, least

_SHOWN = 500


class ActivityList(QStackedWidget):
    """Newest first; says what will be here while there is nothing."""

    def __init__(self, lines: Iterable[Line]) -> None:
        super().__init__()
        self.list = QListWidget()
        self.list.setAccessibleName(translate("Activity", "Activity"))
        self.list.setToolTip(translate("Activity", "What crossed between this computer and the machines"))
        self.list.setWordWrap(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setResizeMode(QListWidget.ResizeMode.Adjust)
        self._lines: list[Line] = []
        self.addWidget(
            EmptyState(
                "history",
                translate("Activity", "Nothing has happened yet"),
                translate("Activity", "What crosses, starts and changes appears here; never any content."),
            )
        )
        self.addWidget(self.list)
        for line in lines:
            self.add(line)

    def add(self, line: Line) -> None:
        """Show one more line."""
        self._lines.insert(0, line)
        item = QListWidgetItem(self._icon(line), self._text(line))
        self.list.insertItem(0, item)
        while len(self._lines) > _SHOWN:
            at = len(self._lines) - 1 - least(reversed(self._lines))
            del self._lines[at]
            self.list.takeItem(at)
        self.setCurrentWidget(self.list)

    @staticmethod
    def _text(line: Line) -> str:
        local = line.at.astimezone()
        time = QLocale().toString(QTime(local.hour, local.minute), QLocale.FormatType.ShortFormat)
        return translate("Activity", "{time}  {what}").format(time=time, what=words.activity(line))

    @staticmethod
    def _icon(line: Line) -> QIcon:
        return icons.icon("to-guest" if line.way is Way.TO_GUEST else "to-host", tone="muted")

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        if recolored(event) and hasattr(self, "_lines"):
            for row, line in enumerate(self._lines):
                self.list.item(row).setIcon(self._icon(line))
        super().changeEvent(event)
