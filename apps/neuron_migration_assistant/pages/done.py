"""The end: what came, what did not, the report, and ways to retry and to take it back."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QPlainTextEdit

from libneuron.errors import NeuronError
from libneuron.migration.report import word
from libneuron.migration.undo import Undone
from libneuron.ui.dialogs import confirm, show_error
from libneuron.ui.pages import Buttons, Page
from libneuron.ui.progress import show_progress
from libneuron.ui.tasks import tasks
from libneuron.ui.text import number, translate
from libneuron.ui.theme import SPACE, scaled
from libneuron.ui.widgets import Button, Notice, Text, Tone, danger_button, heading, row
from neuron_migration_assistant.work import Job


class DonePage(Page):
    """The outcome. Nothing is called safe that was not read again."""

    def __init__(self, job: Job, retry: Callable[[], None]) -> None:
        self._job = job
        self.outcome = Notice("", tone=Tone.GOOD)
        self.totals = Text("")
        self.exceptions = QPlainTextEdit()
        self.exceptions.setReadOnly(True)
        self.exceptions.setTabChangesFocus(True)
        self.exceptions.setAccessibleName(translate("Migration", "What did not come"))
        self.exceptions.setToolTip(translate("Migration", "Files that did not come, each with its reason"))
        self.exceptions.setMinimumHeight(scaled(14 * SPACE))
        self.exceptions_name = heading(translate("Migration", "What did not come"))
        self.report = Button(
            translate("Migration", "Open the &report"),
            translate("Migration", "Show the report that accounts for every file"),
            on_click=self._open_report,
        )
        self.folder = Button(
            translate("Migration", "Open my fol&der"),
            translate("Migration", "Show your home folder in the file manager"),
            icon="folder",
            on_click=self._open_home,
        )
        self.retry = Button(
            translate("Migration", "&Try failed ones again"),
            translate("Migration", "Copy once more what could not be copied"),
            on_click=retry,
        )
        self.undo = danger_button(
            translate("Migration", "Take it bac&k…"),
            translate("Migration", "Remove everything that was brought over"),
            on_click=self._ask_undo,
        )
        super().__init__(
            translate("Migration", "Done"),
            "",
            self.outcome,
            self.totals,
            row(self.report, None),
            row(self.folder, None),
            self.exceptions_name,
            self.exceptions,
            row(self.retry, None),
            row(self.undo, None),
        )
        self.first_focus = self.report

    def entered(self) -> None:
        """Show how it ended."""
        ended = self._job.ended
        if ended is None:
            return
        self.outcome.show_text(
            translate(
                "Migration", "Everything that can come has come. {count} files were read again and are right."
            ).format(count=number(ended.checked))
            if ended.ok
            else translate("Migration", "Some files did not come. You can try them again."),
            Tone.GOOD if ended.ok else Tone.WARN,
        )
        sums = ended.totals.as_json()
        self.totals.setText(
            "\n".join(f"{word(state, translate)}: {number(count)}" for state, count in sums.items())
        )
        self.exceptions.setPlainText("\n".join(f"{line.path}: {line.reason}" for line in ended.lines))
        for widget in (self.exceptions, self.exceptions_name):
            widget.setVisible(bool(ended.lines))
        self.retry.setVisible(ended.totals.failed > 0)
        self.buttons = Buttons(back_enabled=False, cancel_enabled=False)

    def _open_report(self) -> None:
        if self._job.ended is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._job.ended.report)))

    def _open_home(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._job.home.path)))

    def _ask_undo(self) -> None:
        confirm(
            self,
            heading=translate("Migration", "Take everything back?"),
            sentence=translate(
                "Migration",
                "What was brought over is removed and what was changed is restored. Files that you changed "
                "since are kept.",
            ),
            action=translate("Migration", "&Take it back"),
            action_tip=translate("Migration", "Remove everything that was brought over"),
            destructive=True,
            then=self._take_back,
        )

    def _take_back(self) -> None:
        run = self._job.run
        if run is None:
            return
        task = tasks().start(
            lambda progress: self._job.undo(run, progress),
            owner=self,
            done=self._taken_back,
            failed=self._failed,
        )
        show_progress(self, task, heading=translate("Migration", "Taking it back"))

    def _taken_back(self, undone: Undone) -> None:
        self._job.run = self._job.ended = None
        words = translate("Migration", "Everything was taken back.")
        if undone.kept:
            kept = translate("Migration", "{count} files that you had changed are kept in “{folder}”.")
            words += " " + kept.format(count=number(len(undone.kept)), folder=undone.kept[0].split("/")[0])
        self.outcome.show_text(words, Tone.INFO)
        for widget in (
            self.totals,
            self.exceptions,
            self.exceptions_name,
            self.report,
            self.retry,
            self.undo,
        ):
            widget.hide()

    def _failed(self, error: NeuronError) -> None:
        show_error(self, error, heading=translate("Migration", "It could not be taken back"))
