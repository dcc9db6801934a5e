"""The page that changes how the PC starts: shown first, done on a click, taken back, checked after a boot."""

from __future__ import annotations

import shlex
from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import QApplication, QLineEdit, QPlainTextEdit, QVBoxLayout, QWidget

from libneuron.errors import QT_TRANSLATE_NOOP, NeuronError
from libneuron.hardware import findings, kernels
from libneuron.hardware.boot import wishes
from libneuron.hardware.boot.change import State
from libneuron.hardware.boot.cmdline import Wish
from libneuron.hardware.report import Report
from libneuron.ui.announce import announce
from libneuron.ui.dialogs import confirm, show_error
from libneuron.ui.tasks import tasks
from libneuron.ui.text import number, translate
from libneuron.ui.theme import SPACE, Scale, scaled
from libneuron.ui.widgets import (
    Button,
    Card,
    EmptyState,
    Notice,
    Scroller,
    Status,
    Text,
    Tone,
    column,
    heading,
    labelled,
    row,
)
from neuron_hardware_advisor.boot_source import BootSource, Made, Shown

_STATES = {
    State.STARTED: (Tone.DANGER, QT_TRANSLATE_NOOP("Advisor", "Was cut off: take it back first")),
    State.APPLIED: (Tone.INFO, QT_TRANSLATE_NOOP("Advisor", "Made: it counts after a restart")),
    State.UNDONE: (Tone.MUTED, QT_TRANSLATE_NOOP("Advisor", "Taken back")),
    State.VERIFIED: (Tone.GOOD, QT_TRANSLATE_NOOP("Advisor", "Checked after a restart: the system shows it")),
    State.FAILED_CHECK: (
        Tone.WARN,
        QT_TRANSLATE_NOOP(
            "Advisor",
            "Checked after a restart: the system does not show it. Was another boot entry started?",
        ),
    ),
}


def _wish_text(wish: Wish) -> str:
    parts = [translate("Advisor", "Add: {words}").format(words="  ".join(wish.set))] if wish.set else []
    if wish.unset:
        parts.append(translate("Advisor", "Remove: {words}").format(words="  ".join(wish.unset)))
    return "\n".join(parts)


class Proposal(Card):
    """One wish: its words, then on request what would change in which file, then the button that does it."""

    applied = Signal(Made)

    def __init__(self, name: str, wish: Wish, source: BootSource) -> None:
        super().__init__(name)
        self.wish, self._source = wish, source
        self.plan: Shown | None = None
        self.add(Text(_wish_text(wish), bold=True))
        self.show_button = Button(
            translate("Advisor", "Show the change"),
            translate("Advisor", "Show what would be different in which file; nothing is changed"),
            on_click=self.look,
        )
        self.show_button.setAccessibleDescription(_wish_text(wish))
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
        show_error(self, error, heading=translate("Advisor", "The change was not made"))


class ChangeCard(Card):
    """One recorded change, and the button that takes it back."""

    def __init__(self, made: Made, undo: Callable[[Made], None]) -> None:
        super().__init__()
        self.made = made
        tone, words = _STATES[made.state]
        self.add(Text(_wish_text(made.wish), bold=True))
        self.add(Status(translate(*words), tone))
        self.add(Text("\n".join(made.paths), scale=Scale.SMALL, tone=Tone.MUTED))
        self.undo: Button | None = None
        if made.can_undo:
            self.undo = Button(
                translate("Advisor", "Take it back…"),
                translate("Advisor", "Give the files back as they were before this change"),
                on_click=lambda: undo(made),
            )
            self.undo.setAccessibleDescription(_wish_text(made.wish))
            self.add(row(self.undo, None))


class ChangesPage(QWidget):
    """What could be changed, and what was changed. ``source`` None: a saved PC, where nothing can be done."""

    reordered = Signal()

    def __init__(self, report: Report, source: BootSource | None) -> None:
        super().__init__()
        self.source = source
        self.proposals: list[Proposal] = []
        self.cards: list[ChangeCard] = []
        self._asked = False
        if source is None:
            empty = EmptyState(
                "info",
                translate("Advisor", "This is a saved PC"),
                translate("Advisor", "Changes can be made only on the PC itself."),
            )
            self.setLayout(column(empty))
            return
        self.notice = Notice("", tone=Tone.INFO)
        self.notice.hide()
        body = column(self.notice, heading(translate("Advisor", "What would help")), gap=2, margin=2)
        self._propose(body, report, source)
        body.addWidget(heading(translate("Advisor", "What was changed with this program")))
        self.record = Text(translate("Advisor", "Looking…"), tone=Tone.MUTED)
        body.addWidget(self.record)
        self._list = column(gap=2)
        body.addLayout(self._list)
        body.addStretch(1)
        self.setLayout(column(Scroller(body)))

    @property
    def stops(self) -> list[QWidget]:
        """Where the keyboard goes, in order."""
        shown = [stop for proposal in self.proposals for stop in proposal.stops]
        return [*shown, *(card.undo for card in self.cards if card.undo is not None)]

    def _propose(self, body: QVBoxLayout, report: Report, source: BootSource) -> None:
        helps = findings.wanted(report.findings)
        if helps != Wish():
            name = translate("Advisor", "Start options that this PC needs")
            self.proposals.append(Proposal(name, helps, source))
        risky = findings.override(report.findings)
        if risky != Wish() and kernels.carries_override(report.machine.kernel) is not False:
            name = translate("Advisor", "Predicted to help, but a risk: the ACS override")
            self.proposals.append(Proposal(name, risky, source))
        for proposal in self.proposals:
            proposal.applied.connect(self._made)
            body.addWidget(proposal)
        if not self.proposals:
            body.addWidget(Text(translate("Advisor", "No start option needs to be changed.")))

    def refresh(self) -> None:
        """Ask for the record of changes; what was booted since is checked then. Once is enough."""
        source = self.source
        if source is None or self._asked:
            return
        self._asked = True
        tasks().start(
            lambda _progress: source.changes(), owner=self, done=self.show_changes, failed=self._no_record
        )

    def show_changes(self, found: tuple[Made, ...]) -> None:
        """List changes, the last one first."""
        for card in self.cards:
            self._list.removeWidget(card)
            card.deleteLater()
        self.cards = [ChangeCard(made, self._ask_undo) for made in reversed(found)]
        for card in self.cards:
            self._list.addWidget(card)
        self.record.setText("" if found else translate("Advisor", "Nothing yet."))
        self.record.setVisible(not found)
        self.reordered.emit()

    def _no_record(self, error: NeuronError) -> None:
        self.record.setText(f"{error.sentence(translate)} {error.hint(translate)}")
        self.record.show()

    def _say(self, text: str) -> None:
        self.notice.show_text(text, Tone.GOOD)
        self.notice.show()
        announce(self, text)
        self._asked = False
        self.refresh()

    def _made(self, made: Made) -> None:
        for proposal in self.proposals:
            if proposal.plan is not None and proposal.plan.wish == made.wish:
                proposal.hide()
        self._say(
            translate(
                "Advisor", "Change {number} is made. Restart the PC, then look here again: it is checked."
            ).format(number=number(made.number))
        )

    def _ask_undo(self, made: Made) -> None:
        confirm(
            self,
            heading=translate("Advisor", "Take this change back?"),
            sentence=translate(
                "Advisor",
                "{wish}\nWhat others changed in these files since is kept. It counts after a restart.",
            ).format(wish=_wish_text(made.wish)),
            action=translate("Advisor", "&Take it back"),
            action_tip=translate("Advisor", "Give the files back as they were before this change"),
            destructive=False,
            then=lambda: self.undo(made),
        )

    def undo(self, made: Made) -> None:
        """Take a change back."""
        source = self.source
        assert source is not None
        tasks().start(
            lambda _progress: source.undo(made.number),
            owner=self,
            done=self._undone,
            failed=lambda error: show_error(
                self, error, heading=translate("Advisor", "The change was not taken back")
            ),
        )

    def _undone(self, made: Made) -> None:
        for proposal in self.proposals:
            if proposal.plan is not None and proposal.plan.wish == made.wish:
                proposal.show()
        self._say(
            translate("Advisor", "Change {number} is taken back. It counts after a restart.").format(
                number=number(made.number)
            )
        )
