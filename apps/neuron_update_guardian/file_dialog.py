"""Chooses one file of a restore point to get back."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QLineEdit, QListWidget, QWidget

from libneuron.ui.announce import announce
from libneuron.ui.text import number, translate
from libneuron.ui.theme import SPACE, dialog_width, scaled
from libneuron.ui.widgets import Button, Text, Tone, column, heading, labelled, row

_SHOWN = 500  # more are found by typing a part of the name


class FileDialog(QDialog):
    """Shows ``files``; :attr:`chosen` is sent with the one that the person wants back."""

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None, files: Sequence[str]) -> None:
        super().__init__(parent)
        self._files = tuple(files)
        self.setWindowTitle(translate("RestoreFile", "Restore a file"))
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(dialog_width(72 * SPACE))
        sentence = translate(
            "RestoreFile",
            "These files were changed or removed since. The present file is kept beside the restored one.",
        )
        self.part = QLineEdit()
        self.part.setClearButtonEnabled(True)
        self.part.setToolTip(translate("RestoreFile", "Show only files with this in their name or folder"))
        self.part.textChanged.connect(self._filter)
        self.list = QListWidget()
        self.list.setAccessibleName(translate("RestoreFile", "Files"))
        self.list.setToolTip(translate("RestoreFile", "Choose one"))
        self.list.setMinimumHeight(scaled(20 * SPACE))
        self.list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.list.setLayoutDirection(Qt.LayoutDirection.LeftToRight)  # paths, in every language
        self.list.ensurePolished()
        self.count = Text("", tone=Tone.MUTED)
        self.restore = Button(
            translate("RestoreFile", "&Restore"),
            translate("RestoreFile", "Put this file back as it was"),
            icon="restart",
            on_click=self._choose,
        )
        self.cancel = Button(
            translate("RestoreFile", "&Cancel"),
            translate("RestoreFile", "Change nothing and go back"),
            on_click=self.reject,
        )
        self.restore.setDefault(True)  # harmless: the present file is kept
        self.setLayout(
            column(
                heading(translate("RestoreFile", "Which file?")),
                Text(sentence),
                row(labelled(translate("RestoreFile", "&Part of the name"), self.part), self.part),
                self.list,
                self.count,
                row(None, self.restore, self.cancel),
                gap=2,
                margin=3,
            )
        )
        self._filter("")
        self.part.setFocus()
        announce(self, sentence)

    def _filter(self, part: str) -> None:
        found = [name for name in self._files if part.casefold() in name.casefold()]
        self.list.clear()
        self.list.addItems(found[:_SHOWN])
        self.list.setCurrentRow(0 if found else -1)
        self.restore.setEnabled(bool(found))
        text = translate("RestoreFile", "{shown} of {all} files")
        self.count.setText(text.format(shown=number(min(len(found), _SHOWN)), all=number(len(self._files))))

    def _choose(self) -> None:
        item = self.list.currentItem()
        if item is not None:
            self.chosen.emit(item.text())
            self.accept()
