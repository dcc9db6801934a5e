"""A field of one line that never waits for the clipboard: neither its menu nor a paste freezes the window."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QLineEdit, QMenu

from libneuron.errors import NeuronError
from libneuron.ui.dialogs import show_error
from libneuron.ui.tasks import tasks
from libneuron.ui.text import translate


class Field(QLineEdit):
    """``read`` gives the clipboard's text and may block; None: only Qt can ask this desktop for it."""

    def __init__(self, read: Callable[[], str | None]) -> None:
        super().__init__()
        self._read = read

    def paste_soon(self) -> None:
        """Insert what was copied, once the program that holds it has handed it over."""
        tasks().start(
            lambda _progress: self._read(),
            owner=self,
            done=lambda text: self.paste() if text is None else self.insert(text),
            failed=self._failed,
        )

    def _failed(self, error: NeuronError) -> None:
        show_error(self.window(), error, heading=translate("Field", "Nothing was pasted"))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Paste in our way."""
        if event.matches(QKeySequence.StandardKey.Paste):
            self.paste_soon()
            event.accept()
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Qt's own menu asks the clipboard whether there is something to paste."""
        menu = self.menu()
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(event.globalPos())

    def menu(self) -> QMenu:
        """What can be done here."""
        made = QMenu(self)
        some = self.hasSelectedText()
        for text, do, possible in (
            (translate("Field", "&Undo"), self.undo, self.isUndoAvailable()),
            (translate("Field", "&Redo"), self.redo, self.isRedoAvailable()),
            (translate("Field", "Cu&t"), self.cut, some),
            (translate("Field", "&Copy"), self.copy, some),
            (translate("Field", "&Paste"), self.paste_soon, True),
            (translate("Field", "&Delete"), self.del_, some),
            (translate("Field", "Select &all"), self.selectAll, bool(self.text())),
        ):
            action = made.addAction(text)
            action.setEnabled(possible)
            action.triggered.connect(lambda _checked=False, do=do: do())
        return made
