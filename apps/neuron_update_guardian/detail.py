"""The right side of the window: one update or roll back, what it changed, and what can be done about it."""

from __future__ import annotations

from PySide6.QtCore import QDateTime, QLocale, Qt, Signal
from PySide6.QtWidgets import QListWidget, QWidget

from libneuron.ui.text import size, translate
from libneuron.ui.theme import SPACE, scaled
from libneuron.ui.widgets import (
    Button,
    Notice,
    Status,
    Text,
    Tone,
    column,
    danger_button,
    heading,
    row,
    title,
)
from neuron_update_guardian.model import Entry, Mood, outcome

TONES = {Mood.GOOD: Tone.GOOD, Mood.BAD: Tone.DANGER, Mood.WAITING: Tone.INFO, Mood.UNKNOWN: Tone.UNKNOWN}


def when(entry: Entry) -> str:
    """The entry's moment as the person's language writes it."""
    return QLocale().toString(
        QDateTime.fromSecsSinceEpoch(round(entry.at.timestamp())), QLocale.FormatType.ShortFormat
    )


def name_of(entry: Entry) -> str:
    """What an entry is called."""
    if entry.is_rollback:
        return translate("Guardian", "Roll back")
    if entry.foreign:
        return translate("Guardian", "Snapshot of {tool}").format(tool=entry.foreign)
    if entry.tool:
        return translate("Guardian", "Update with {tool}").format(tool=entry.tool)
    return translate("Guardian", "Update")


class Detail(QWidget):
    """Shows one :class:`Entry`. The buttons say what they would do with it; those that cannot, say why."""

    roll_back_wanted = Signal(str)
    keep_wanted = Signal(str)
    pin_wanted = Signal(str, bool)
    file_wanted = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._entry: Entry | None = None
        self.name = title("")
        self.when = Text("", tone=Tone.MUTED)
        self.state = Status("", Tone.INFO)
        self.space = Text("", tone=Tone.MUTED)
        self.problems = Notice("", tone=Tone.DANGER)
        self.changed = heading("")
        self.packages = QListWidget()
        self.packages.setAccessibleName(translate("Guardian", "Changed packages"))
        self.packages.setToolTip(translate("Guardian", "What the update installed, removed or replaced"))
        self.packages.setMinimumHeight(scaled(12 * SPACE))
        self.packages.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.keep = Button(
            translate("Guardian", "&Keep this update"),
            translate("Guardian", "Say that all is well; its state becomes the last known-good one"),
            icon="check",
            on_click=lambda: self._wish(self.keep_wanted),
        )
        self.pin = Button("", "", icon="lock", on_click=self._pin)
        self.roll_back = danger_button(
            translate("Guardian", "&Roll back…"), "", on_click=lambda: self._wish(self.roll_back_wanted)
        )
        self.file = Button(
            translate("Guardian", "Restore a &file…"), "", on_click=lambda: self._wish(self.file_wanted)
        )
        self.why = Text("", tone=Tone.MUTED)
        self.setLayout(
            column(
                self.name,
                self.when,
                self.state,
                self.space,
                self.problems,
                self.changed,
                self.packages,
                self.why,
                column(row(self.keep, self.roll_back, None), row(self.pin, self.file, None), gap=1),
                None,
                gap=2,
            )
        )

    def _wish(self, signal: object) -> None:
        if self._entry is not None:
            signal.emit(self._entry.id)  # type: ignore[attr-defined]  # a bound Signal

    def _pin(self) -> None:
        if self._entry is not None:
            self.pin_wanted.emit(self._entry.id, not self._entry.pinned)

    def show_entry(self, entry: Entry, *, titles: dict[str, str], obstacle: str, busy: bool) -> None:
        """Show ``entry``; ``titles`` names checks, ``obstacle`` forbids rolling back, ``busy`` everything."""
        self._entry = entry
        self.name.setText(name_of(entry))
        self.when.setText(when(entry))
        self.state.show_state(outcome(entry, translate), TONES[entry.mood])
        self.space.setVisible(entry.size is not None)
        own = translate("Guardian", "The restore point takes {size} for itself.")
        self.space.setText(own.format(size=size(entry.size or 0)))
        self._show_problems(entry, titles)
        self._show_packages(entry)
        reason = self._why_not(entry, obstacle)
        self.roll_back.setEnabled(not reason and not busy)
        self.roll_back.setToolTip(
            reason
            or (
                translate("Guardian", "Go back to the system as it was before this roll back")
                if entry.is_rollback
                else translate("Guardian", "Go back to the system as it was before this update")
            )
        )
        self.roll_back.setVisible(not entry.foreign)
        self.file.setVisible(not entry.is_rollback and not entry.foreign)
        self.file.setEnabled(entry.restorable and not busy)
        self.file.setToolTip(
            translate("Guardian", "Get one file back as it was before this update; the present one is kept")
            if entry.restorable
            else translate("Guardian", "There is no restore point for it.")
        )
        self.why.setText(reason)
        self.why.setVisible(bool(reason))
        self.keep.setVisible(not entry.is_rollback and not entry.foreign)
        self.keep.setEnabled(entry.stage == "ended" and not busy)
        self.pin.setVisible(not entry.is_rollback and not entry.foreign)
        self.pin.setEnabled(entry.restorable and not busy)
        self.pin.setText(
            translate("Guardian", "Un&pin") if entry.pinned else translate("Guardian", "&Pin restore point")
        )
        self.pin.setToolTip(
            translate("Guardian", "Let this restore point be removed when it is old")
            if entry.pinned
            else translate("Guardian", "Never remove this restore point")
        )

    @staticmethod
    def _why_not(entry: Entry, obstacle: str) -> str:
        if entry.foreign:
            text = translate("Guardian", "{tool} made this snapshot, and only {tool} can go back to it.")
            return text.format(tool=entry.foreign)
        if obstacle:
            return obstacle
        if entry.restorable:
            return ""
        if entry.no_way_back:
            return entry.no_way_back
        return translate("Guardian", "There is no restore point for it.")

    def _show_problems(self, entry: Entry, titles: dict[str, str]) -> None:
        lines = []
        for check, items in entry.worse.items():
            name = titles.get(check, check)
            lines.append(f"{name}: {', '.join(items)}" if items else name)
        lines += entry.problems
        self.problems.setVisible(bool(lines))
        self.problems.show_text("\n".join(lines), Tone.INFO if entry.foreign else Tone.DANGER)

    def _show_packages(self, entry: Entry) -> None:
        self.packages.clear()
        for name, (before, after) in entry.packages.items():
            if not before:
                text = translate("Guardian", "{name} {version} (new)").format(name=name, version=after)
            elif not after:
                text = translate("Guardian", "{name} {version} (removed)").format(name=name, version=before)
            else:
                arrow = translate("Guardian", "{name} {old} → {new}")
                text = arrow.format(name=name, old=before, new=after)
            self.packages.addItem(text)
        if entry.packages:
            self.packages.setCurrentRow(0)
        count = len(entry.packages)
        self.changed.setText(translate("Guardian", "%n package(s) changed", None, count))
        self.changed.setVisible(not entry.is_rollback and not entry.foreign)
        self.packages.setVisible(bool(entry.packages))
