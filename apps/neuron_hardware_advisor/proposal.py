"""One change of how the PC starts, on a card: shown first, done on a click."""

from __future__ import annotations

import shlex

from PySide6.QtCore import Signal
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import QApplication, QLineEdit, QPlainTextEdit, QWidget

from libneuron.errors import NeuronError
from libneuron.hardware.boot import wishes
from libneuron.hardware.boot.cmdline import Wish
from libneuron.ui.announce import announce
from libneuron.ui.dialogs import show_error
from libneuron.ui.tasks import tasks
from libneuron.ui.text import translate
from libneuron.ui.theme import SPACE, scaled
from libneuron.ui.widgets import Button, Card, Notice, Text, Tone, labelled, row
from neuron_hardware_advisor.boot_source import BootSource, Made, Shown


def wish_text(wish: Wish) -> str:
    parts = [translate("Advisor", "Add: {words}").format(words="  ".join(wish.set))] if wish.set else []
    if wish.unset:
        parts.append(translate("Advisor", "Remove: {words}").format(words="  ".join(wish.unset)))
    if wish.bind:
        parts.append(translate("Advisor", "For vfio-pci: {words}").format(words="  ".join(wish.bind)))
    if wish.share is not None:
        parts.append(translate("Advisor", "Looking Glass: {words}").format(words=wish.share))
    return "\n".join(parts)


class Proposal(Card):
    """One wish: its words, then on request what would change in which file, then the button that does it."""

    applied = Signal(Made)
    left_half = Signal()
    """The change failed and could not be taken back whole: the record has one to be undone."""

    def __init__(self, name: str, wish: Wish, source: BootSource, note: str = "") -> None:
        """``note`` says what it means for the person."""
        super().__init__(name)
        self.wish, self._source = wish, source
        self.plan: Shown | None = None
        self.add(Text(wish_text(wish), bold=True))
        if note:
            self.add(Text(note))
        self.show_button = Button(
            translate("Advisor", "Show the change"),
            translate("Advisor", "Show what would be different in which file; nothing is changed"),
            on_click=self.look,
        )
        self.show_button.setAccessibleDescription(wish_text(wish))
        self.diff = QPlainTextEdit()
        self.diff.setReadOnly(True)
        self.diff.setTabChangesFocus(True)
        self.diff.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        font.setPointSizeF(QApplication.font().pointSizeF())
        self.diff.setFont(font)
        self.diff.setMinimumHeight(scaled(20 * SPACE))
        self.diff.setAccessibleName(translate("Advisor", "What would be different"))
        self.diff.setToolTip(translate("Advisor", "Lines with − go, lines with + come"))
        self.after = Text()
        self.risk = Notice(
            translate(
                "Advisor",
                "This lets devices reach each other's memory past the protection: a virtual machine could"
                " read or write what is not its own. Use it only with virtual machines that you trust.",
            ),
            tone=Tone.DANGER,
        )
        self.typed = QLineEdit()
        self.typed.setToolTip(translate("Advisor", "The change is made only after these very words"))
        self.typed.textChanged.connect(lambda _text: self._ready())
        named = translate("Advisor", "To go on, type exactly: {words}").format(
            words=" ".join(wishes.risky(wish))
        )
        self.typed_label = labelled(named, self.typed)
        self.apply_button = Button(
            translate("Advisor", "Make this change"),
            translate("Advisor", "Write these files as shown; asks for the administrator's password"),
            on_click=self.make,
        )
        self.details: list[QWidget] = [self.risk, self.diff, self.after, self.typed_label, self.typed]
        for widget in (*self.details, self.apply_button):
            widget.hide()
        self.add(row(self.show_button, None))
        for widget in self.details:
            self.add(widget)
        self.add(row(self.apply_button, None))
        self.stops: list[QWidget] = [self.show_button, self.diff, self.typed, self.apply_button]

    def look(self) -> None:
        """Ask what would change."""
        self._busy(busy=True)
        tasks().start(
            lambda _progress: self._source.plan(self.wish),
            owner=self,
            done=self.show_plan,
            failed=self._no_plan,
        )

    def _busy(self, *, busy: bool) -> None:
        self.show_button.setEnabled(not busy)
        self.apply_button.setEnabled(not busy and self._may())

    def _may(self) -> bool:
        return self.plan is not None and self.typed.text().strip() == self.plan.confirm

    def _ready(self) -> None:
        self.apply_button.setEnabled(self._may())

    def show_plan(self, shown: Shown) -> None:
        """Show a plan and offer to do it."""
        self.plan = shown
        self._busy(busy=False)
        if not shown.diffs:
            done = translate("Advisor", "The boot files have it already: restart the PC.")
            self.after.setText(done)
            self.after.show()
            announce(self, done)
            return
        self.diff.setPlainText("\n".join(diff for _path, diff in shown.diffs))
        runs = [
            translate("Advisor", "Then this runs: {command}").format(command=shlex.join(command))
            for command in shown.commands
        ]
        self.after.setText("\n".join(runs))
        self.typed.clear()
        self.diff.show()
        self.after.setVisible(bool(runs))
        for widget in (self.risk, self.typed_label, self.typed):
            widget.setVisible(bool(shown.confirm))
        self.apply_button.show()
        self._ready()
        self.diff.setFocus()
        announce(self, translate("Advisor", "%n file(s) would change", None, len(shown.diffs)))

    def _no_plan(self, error: NeuronError) -> None:
        self._busy(busy=False)
        show_error(self, error, heading=translate("Advisor", "The change cannot be shown"))

    def make(self) -> None:
        """Do what is shown."""
        shown, typed = self.plan, self.typed.text().strip()
        assert shown is not None
        self._busy(busy=True)
        tasks().start(
            lambda _progress: self._source.apply(shown, typed),
            owner=self,
            done=self.applied.emit,
            failed=self._not_made,
        )

    def _not_made(self, error: NeuronError) -> None:
        self._busy(busy=False)
        if error.code == "hardware.plan-changed":
            self.look()
        if error.code == "hardware.half-undone":
            self.left_half.emit()
        show_error(self, error, heading=translate("Advisor", "The change was not made"))
