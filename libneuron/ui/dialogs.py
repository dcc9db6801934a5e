"""Dialogs that every app shares: an error in plain words, and a question before something is done.

Both open window-modal and return at once; nothing here runs a nested event loop.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontDatabase, QGuiApplication, QShowEvent
from PySide6.QtWidgets import QApplication, QDialog, QPlainTextEdit, QWidget

from libneuron.errors import NeuronError
from libneuron.ui.announce import announce
from libneuron.ui.text import translate
from libneuron.ui.theme import SPACE, dialog_width, scaled, theme
from libneuron.ui.widgets import Button, Picture, Text, Tone, column, danger_button, heading, row


class MessageDialog(QDialog):
    """A heading, a sentence, more text and buttons beside a picture."""

    def __init__(self, parent: QWidget | None, *, tone: Tone, name: str, sentence: str, more: str) -> None:
        theme().dress()
        super().__init__(parent)
        self.setWindowTitle(name)
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(dialog_width(52 * SPACE))
        self._said = f"{sentence} {more}".strip()
        self._more = Text(more)
        self._more.setVisible(bool(more))
        self.texts = column(heading(name), Text(sentence), self._more, gap=1)
        picture = Picture(tone.icon, 40, tone=tone, says=tone.word)
        top = row(picture, self.texts, gap=2)
        top.setAlignment(picture, Qt.AlignmentFlag.AlignTop)
        top.setStretch(1, 1)
        self.body = column(top, gap=2, margin=3)
        self.setLayout(self.body)

    def showEvent(self, event: QShowEvent) -> None:
        """Tell a screen reader the sentence, not only the title."""
        super().showEvent(event)
        announce(self, self._said)


class ErrorDialog(MessageDialog):
    """What went wrong and what to do; technical details on request, with a button that copies them."""

    def __init__(self, parent: QWidget | None, *, name: str, sentence: str, hint: str, details: str) -> None:
        super().__init__(parent, tone=Tone.DANGER, name=name, sentence=sentence, more=hint)
        self.report = "\n\n".join(part for part in (f"{name}\n{sentence}\n{hint}", details) if part)
        self.details = QPlainTextEdit(details)
        self.details.setReadOnly(True)
        self.details.setTabChangesFocus(True)
        self.details.setAccessibleName(translate("Dialogs", "Technical details"))
        self.details.setToolTip(translate("Dialogs", "What the program reported, for someone who helps you"))
        font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        font.setPointSizeF(QApplication.font().pointSizeF())
        self.details.setFont(font)
        self.details.setMinimumHeight(scaled(16 * SPACE))
        self.details.hide()
        self.more = Button(
            translate("Dialogs", "Show &details"),
            translate("Dialogs", "Show or hide what the program reported"),
        )
        self.more.setCheckable(True)
        self.more.toggled.connect(self._show_details)
        self.more.setVisible(bool(details))
        self.copy = Button(
            translate("Dialogs", "C&opy"),
            translate("Dialogs", "Copy the message and its details to the clipboard"),
            icon="copy",
            on_click=self._copy,
        )
        close = Button(
            translate("Dialogs", "&Close"), translate("Dialogs", "Close this message"), on_click=self.reject
        )
        close.setDefault(True)
        self.body.addWidget(self.details, 1)
        self.body.addLayout(row(self.more, self.copy, None, close))
        close.setFocus()

    def _show_details(self, shown: bool) -> None:  # noqa: FBT001 — Qt's signal
        self.details.setVisible(shown)
        self.more.setText(
            translate("Dialogs", "Hide &details") if shown else translate("Dialogs", "Show &details")
        )
        self.adjustSize()

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.report)
        announce(self, translate("Dialogs", "Copied."))


def show_error(parent: QWidget | None, error: NeuronError, *, heading: str) -> ErrorDialog:
    """Tell the person about ``error``; ``heading`` says what could not be done ("The copy stopped")."""
    dialog = ErrorDialog(
        parent,
        name=heading,
        sentence=error.sentence(translate),
        hint=error.hint(translate),
        details=error.details,
    )
    dialog.open()
    return dialog


class ConfirmDialog(MessageDialog):
    """Asks before something is done. Cancel has the focus, and Escape is Cancel.

    A destructive action is never the default: Enter means Cancel there.
    """

    def __init__(
        self,
        parent: QWidget | None,
        *,
        name: str,
        sentence: str,
        action: str,
        action_tip: str,
        destructive: bool,
    ) -> None:
        tone = Tone.WARN if destructive else Tone.INFO
        super().__init__(parent, tone=tone, name=name, sentence=sentence, more="")
        make = danger_button if destructive else Button
        self.yes = make(action, action_tip, on_click=self.accept)
        self.cancel = Button(
            translate("Dialogs", "&Cancel"),
            translate("Dialogs", "Change nothing and go back"),
            on_click=self.reject,
        )
        self.cancel.setDefault(True)
        self.body.addLayout(row(None, self.yes, self.cancel))
        self.cancel.setFocus()


def confirm(
    parent: QWidget | None,
    *,
    heading: str,
    sentence: str,
    action: str,
    action_tip: str,
    destructive: bool,
    then: Callable[[], None],
) -> ConfirmDialog:
    """Ask, and call ``then`` if the person presses ``action`` (a verb: "Delete snapshot", never "Yes")."""
    dialog = ConfirmDialog(
        parent, name=heading, sentence=sentence, action=action, action_tip=action_tip, destructive=destructive
    )
    dialog.accepted.connect(then)
    dialog.open()
    return dialog
