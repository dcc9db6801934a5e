"""Before anything is done: what changes on the way, what cannot come, whether there is room."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QPlainTextEdit

from libneuron.errors import NeuronError
from libneuron.migration.session import Run
from libneuron.ui.dialogs import show_error
from libneuron.ui.pages import Buttons, Page
from libneuron.ui.tasks import tasks
from libneuron.ui.text import number, size, translate
from libneuron.ui.theme import SPACE, scaled
from libneuron.ui.widgets import Notice, Tone, heading
from neuron_migration_assistant import texts
from neuron_migration_assistant.work import Job

_RATE = 80 << 20
"""Bytes a second for the guess of how long it takes: a hard disk's; most drives are faster."""


class ReviewPage(Page):
    """The plan in words. Next is the agreement."""

    def __init__(self, job: Job, agreed: Callable[[], None]) -> None:
        self._job = job
        self._agreed = agreed
        self.room = Notice("", tone=Tone.GOOD)
        self.changes = self._list(translate("Migration", "What to know"))
        self.missing_name = heading("")
        self.missing = self._list(translate("Migration", "What cannot come"))
        super().__init__(
            translate("Migration", "Review"),
            translate("Migration", "This is what will happen. Nothing has been copied yet."),
            self.room,
            heading(translate("Migration", "What to know")),
            self.changes,
            self.missing_name,
            self.missing,
        )

    @staticmethod
    def _list(name: str) -> QPlainTextEdit:
        made = QPlainTextEdit()
        made.setReadOnly(True)
        made.setTabChangesFocus(True)
        made.setAccessibleName(name)
        made.setToolTip(name)
        made.setMinimumHeight(scaled(14 * SPACE))
        return made

    def entered(self) -> None:
        """Write the plan down."""
        plan = self._job.plan
        if plan is None:
            return
        come = [one for one in plan.items if one.item.id in self._job.selected]
        need, free = sum(one.size for one in come), plan.space.free
        enough = need + (64 << 20) <= free
        words = (
            translate(
                "Migration", "{need} are to be copied, {free} are free. This takes {minutes} min or less."
            )
            if enough
            else translate(
                "Migration", "{need} are to be copied, but only {free} are free. Leave something out."
            )
        )
        minutes = max(1, round(need / _RATE / 60 + sum(one.count for one in come) / 2000 / 60))
        self.room.show_text(
            words.format(need=size(need), free=size(free), minutes=number(minutes)),
            Tone.GOOD if enough else Tone.DANGER,
        )
        told = list(plan.notes)
        for one in come:
            told += [f"{texts.name(one)}: {note}" for note in one.notes]
        told = told or [translate("Migration", "Nothing special: everything comes as it is.")]
        self.changes.setPlainText("\n".join(told))
        self.missing_name.setText(
            translate("Migration", "What cannot come: {count}").format(count=number(plan.missing_count))
        )
        lines = [f"{line.path}: {line.reason}" for line in plan.missing]
        if plan.missing_count > len(lines):
            lines.append(translate("Migration", "… and more: the report lists them all."))
        self.missing.setPlainText("\n".join(lines))
        self.missing.setVisible(bool(lines))
        self.buttons = Buttons(
            next_text=translate("Migration", "Bring it &over"),
            next_tip=translate("Migration", "Agree to this plan and start copying"),
            next_enabled=enough,
        )

    def leave(self) -> bool:
        """Begin; the wizard goes on once the plan is safely in the home."""
        plan, selected = self._job.plan, self._job.selected
        if plan is None:
            return False
        self.buttons = Buttons(next_enabled=False, back_enabled=False)
        tasks().start(
            lambda progress: self._job.begin(plan, selected, progress),
            owner=self,
            done=self._begun,
            failed=self._failed,
        )
        return False

    def _begun(self, run: Run) -> None:
        self._job.run = run
        self._agreed()

    def _failed(self, error: NeuronError) -> None:
        self.entered()
        show_error(self, error, heading=translate("Migration", "It could not begin"))
