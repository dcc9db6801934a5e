"""The page that changes how the PC starts: shown first, done on a click, taken back, checked after a boot."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from libneuron.errors import QT_TRANSLATE_NOOP, NeuronError
from libneuron.hardware import advice, kernels
from libneuron.hardware.boot.change import State
from libneuron.hardware.boot.cmdline import Wish
from libneuron.hardware.boot.sharing import Share, Way
from libneuron.hardware.report import Report
from libneuron.ui.announce import announce
from libneuron.ui.dialogs import confirm, show_error
from libneuron.ui.tasks import tasks
from libneuron.ui.text import number, translate
from libneuron.ui.theme import Scale
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
    row,
)
from neuron_hardware_advisor.boot_source import BootSource, Made
from neuron_hardware_advisor.proposal import Proposal, wish_text

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


class ChangeCard(Card):
    """One recorded change, and the button that takes it back."""

    def __init__(self, made: Made, undo: Callable[[Made], None]) -> None:
        super().__init__()
        self.made = made
        tone, words = _STATES[made.state]
        self.add(Text(wish_text(made.wish), bold=True))
        self.add(Status(translate(*words), tone))
        self.add(Text("\n".join(made.paths), scale=Scale.SMALL, tone=Tone.MUTED))
        self.undo: Button | None = None
        if made.can_undo:
            self.undo = Button(
                translate("Advisor", "Take it back…"),
                translate("Advisor", "Give the files back as they were before this change"),
                on_click=lambda: undo(made),
            )
            self.undo.setAccessibleDescription(wish_text(made.wish))
            self.add(row(self.undo, None))


class ChangesPage(QWidget):
    """What could be changed, and what was changed. ``source`` None: a saved PC, where nothing can be done."""

    reordered = Signal()

    def __init__(self, report: Report, source: BootSource | None, person: str = "") -> None:
        """``person`` is the account that would use Looking Glass."""
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
        self._propose(body, report, source, person)
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

    def _propose(self, body: QVBoxLayout, report: Report, source: BootSource, person: str) -> None:
        helps = advice.wanted(report.findings)
        if helps != Wish():
            name = translate("Advisor", "Start options that this PC needs")
            self.proposals.append(Proposal(name, helps, source))
        risky = advice.override(report.findings)
        if risky != Wish() and kernels.carries_override(report.machine.kernel) is not False:
            name = translate("Advisor", "Predicted to help, but a risk: the ACS override")
            self.proposals.append(Proposal(name, risky, source))
        self._propose_beside(report, source, person)
        for proposal in self.proposals:
            proposal.applied.connect(self._made)
            proposal.left_half.connect(self._look_again)
            body.addWidget(proposal)
        if not self.proposals:
            body.addWidget(Text(translate("Advisor", "Nothing needs to be changed.")))

    def _propose_beside(self, report: Report, source: BootSource, person: str) -> None:
        """What is of use once a card can be given away."""
        reserve = advice.reservation(report.machine, report.gpus)
        if reserve != Wish():
            kept, other = report.gpus[:2]
            name = translate("Advisor", "Keep {gpu} for virtual machines").format(gpu=kept.label)
            note = translate(
                "Advisor",
                "This PC itself no longer uses the card then."
                " Connect your screen to {other} before you restart.",
            ).format(other=other.label)
            self.proposals.append(Proposal(name, reserve, source, note))
        if person and len(report.gpus) > 1 and report.gpus[0].alone:
            name = translate("Advisor", "Memory for Looking Glass")
            note = translate(
                "Advisor", "It shows the virtual machine's screen in a window, without a second monitor."
            )
            self.proposals.append(Proposal(name, Wish(share=Share(Way.SHM, user=person)), source, note))

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
        self._look_again()

    def _look_again(self) -> None:
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
            ).format(wish=wish_text(made.wish)),
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
            failed=self._not_undone,
        )

    def _not_undone(self, error: NeuronError) -> None:
        self._look_again()
        show_error(self, error, heading=translate("Advisor", "The change was not taken back"))

    def _undone(self, made: Made) -> None:
        for proposal in self.proposals:
            if proposal.plan is not None and proposal.plan.wish == made.wish:
                proposal.show()
        self._say(
            translate("Advisor", "Change {number} is taken back. It counts after a restart.").format(
                number=number(made.number)
            )
        )
