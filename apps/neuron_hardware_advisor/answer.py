"""The first page: can this PC do it, what is to change, and what is known of each graphics card."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from libneuron.errors import QT_TRANSLATE_NOOP
from libneuron.hardware import report as reports
from libneuron.hardware.findings import Answer, Finding, Severity
from libneuron.hardware.gpus import Gpu
from libneuron.hardware.report import Report
from libneuron.hardware.reset import Confidence, Reset
from libneuron.hardware.texts import RESETS, SEVERITIES, STATES, WORKAROUNDS
from libneuron.ui.announce import announce
from libneuron.ui.text import number, translate
from libneuron.ui.theme import Scale
from libneuron.ui.widgets import (
    Button,
    Card,
    Notice,
    Picture,
    Scroller,
    Status,
    Text,
    Tone,
    column,
    heading,
    muted,
    row,
)
from neuron_hardware_advisor.texts import ANSWER_TONES, SEVERITY_TONES, STATE_TONES

_CONFIDENCE = {
    Confidence.CERTAIN: QT_TRANSLATE_NOOP("Advisor", "certain"),
    Confidence.REPORTED: QT_TRANSLATE_NOOP("Advisor", "reported by others"),
    Confidence.ASSUMED: QT_TRANSLATE_NOOP("Advisor", "assumed"),
}
_RESET_TONES = {
    Reset.GOOD: Tone.GOOD, Reset.USUAL: Tone.GOOD, Reset.UNKNOWN: Tone.UNKNOWN,
}  # fmt: skip


class FindingCard(Card):
    """One finding: what it is, what to do, and on request why and how that is known."""

    def __init__(self, finding: Finding) -> None:
        super().__init__()
        self.finding = finding
        tone = SEVERITY_TONES[finding.severity]
        word = translate(*SEVERITIES[finding.severity.value])
        picture = Picture(tone.icon, 24, tone=tone, says=word)
        name = Text(finding.title(translate), scale=Scale.BODY, bold=True)
        words = column(Text(word, scale=Scale.SMALL, tone=tone), name, gap=1)
        steps = finding.fix(translate)
        for at, step in enumerate(steps, 1):
            words.addWidget(Text(step if len(steps) == 1 else f"{number(at)}. {step}"))
        self.reasons = Text(self._reasons(), tone=Tone.MUTED)
        self.reasons.hide()
        self.why = Button(
            translate("Advisor", "Show me why"),
            translate("Advisor", "Show or hide the reason, where it was read, and how to undo the change"),
            kind="flat",
        )
        self.why.setAccessibleDescription(finding.title(translate))
        self.why.setCheckable(True)
        self.why.toggled.connect(self._show_why)
        words.addWidget(self.reasons)
        words.addLayout(row(self.why, None))
        line = row(picture, words, gap=2)
        line.setAlignment(picture, Qt.AlignmentFlag.AlignTop)
        line.setStretch(1, 1)
        self.add(line)

    def _reasons(self) -> str:
        finding = self.finding
        lines = [finding.why(translate)]
        if undo := finding.undo(translate):
            lines.append(translate("Advisor", "To undo: {text}").format(text=undo))
        sure = translate(*_CONFIDENCE[finding.confidence])
        lines.append(
            translate("Advisor", "Known from: {source} ({sure})").format(source=finding.source, sure=sure)
        )
        return "\n".join(lines)

    def _show_why(self, shown: bool) -> None:  # noqa: FBT001 — Qt's signal
        self.reasons.setVisible(shown)
        self.why.setText(
            translate("Advisor", "Hide the reason") if shown else translate("Advisor", "Show me why")
        )
        if shown:
            announce(self, self.reasons.text())


class GpuCard(Card):
    """What is known of one graphics card."""

    def __init__(self, gpu: Gpu) -> None:
        super().__init__(gpu.label)
        self.add(Status(_alone_text(gpu), STATE_TONES[gpu.alone]))
        told = translate(*RESETS[gpu.reset.verdict.value])
        if gpu.reset.workaround:
            helped = translate(*WORKAROUNDS[gpu.reset.workaround])
            told = translate("Advisor", "{verdict}: {workaround}").format(verdict=told, workaround=helped)
        after = translate("Advisor", "After the virtual machine ends: {verdict}").format(verdict=told)
        self.add(Status(after, _RESET_TONES.get(gpu.reset.verdict, Tone.WARN)))
        if gpu.shows_host:
            self.add(Status(translate("Advisor", "Shows this desktop"), Tone.INFO))
        if gpu.integrated:
            self.add(Status(translate("Advisor", "Built into the processor or the mainboard"), Tone.INFO))
        if gpu.companions:
            count = len(gpu.companions)
            goes = translate("Advisor", "Brings %n more part(s) along (sound, USB)", None, count)
            self.add(Status(goes, Tone.INFO))


def _alone_text(gpu: Gpu) -> str:
    if gpu.alone is None:
        return translate("Advisor", "Separated from other devices: not known")
    if gpu.slot.isolated is None:
        if gpu.alone:
            return translate("Advisor", "Will be separated from other devices (predicted)")
        return translate("Advisor", "Will share its group with other devices (predicted)")
    if gpu.alone:
        return translate("Advisor", "Separated from other devices")
    return translate("Advisor", "Shares its group with other devices")


class AnswerPage(QWidget):
    """The verdict, the findings as cards, and the graphics cards."""

    def __init__(self, report: Report, closer: Callable[[], None] | None = None) -> None:
        """``closer`` reads the PC again with the administrator's rights; None where nobody can."""
        super().__init__()
        self.closer: Button | None = None
        self.cards = [FindingCard(finding) for finding in report.findings]
        body = column(_verdict(report), gap=2, margin=2)
        if not report.machine.privileged:
            body.addWidget(self._unknown(closer))
        grave = [card for card in self.cards if card.finding.severity is not Severity.WARNING]
        self._section(body, translate("Advisor", "What stands in the way"), grave)
        self._section(
            body,
            translate("Advisor", "Good to know"),
            [card for card in self.cards if card.finding.severity is Severity.WARNING],
        )
        if report.gpus:
            self._section(
                body, translate("Advisor", "Your graphics cards"), [GpuCard(gpu) for gpu in report.gpus]
            )
            self._section(body, translate("Advisor", "Memory that Looking Glass needs"), [_memory(report)])
        body.addStretch(1)
        self.stops = [*([self.closer] if self.closer else []), *(card.why for card in self.cards)]
        outer = column(Scroller(body))
        self.setLayout(outer)

    def _unknown(self, closer: Callable[[], None] | None) -> Notice:
        if closer is not None:
            self.closer = Button(
                translate("Advisor", "&Read them…"),
                translate("Advisor", "Read the rest of this PC; asks for the administrator's password"),
                on_click=closer,
            )
        return Notice(
            translate(
                "Advisor", "Some things can be read only by the administrator. They are shown as not known."
            ),
            tone=Tone.INFO,
            buttons=[self.closer] if self.closer else [],
        )

    def _section(
        self, body: QVBoxLayout, name: str, cards: list[FindingCard] | list[GpuCard] | list[Card]
    ) -> None:
        if cards:
            body.addWidget(heading(name))
            for card in cards:
                body.addWidget(card)


def _verdict(report: Report) -> Card:
    verdict = report.verdict
    tone = ANSWER_TONES[verdict.answer]
    picture = Picture(tone.icon, 48, tone=tone, says=tone.word)
    words = column(Text(reports.verdict_text(verdict, translate), scale=Scale.TITLE), gap=1)
    if verdict.because is not None:
        words.addWidget(Text(verdict.because.title(translate)))
    elif verdict.answer is Answer.CAN:
        words.addWidget(
            Text(translate("Advisor", "Nothing needs to be changed in the hardware or firmware."))
        )
    state = translate(*STATES[report.iommu.state.value])
    words.addWidget(muted(translate("Advisor", "Device protection (IOMMU): {state}").format(state=state)))
    line = row(picture, words, gap=2)
    line.setAlignment(picture, Qt.AlignmentFlag.AlignTop)
    line.setStretch(1, 1)
    return Card("", line)


def _memory(report: Report) -> Card:
    card = Card()
    for screen in report.screens:
        size = translate("Advisor", "{width} × {height}: {sdr} MiB, with HDR {hdr} MiB").format(
            width=number(screen.width), height=number(screen.height), sdr=screen.sdr, hdr=screen.hdr
        )
        card.add(Text(f"{screen.connector}  {size}" if screen.connector else size))
    return card
