"""The wizard's window: its pages in order, and what closing means at each point."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtGui import QCloseEvent, QShowEvent

from libneuron.errors import NeuronError
from libneuron.migration.session import Run
from libneuron.migration.undo import Undone
from libneuron.ui.dialogs import confirm, show_error
from libneuron.ui.pages import PageStack
from libneuron.ui.progress import show_progress
from libneuron.ui.tasks import tasks
from libneuron.ui.text import translate
from libneuron.ui.widgets import column
from libneuron.ui.window import Window
from neuron_migration_assistant.pages.choose import ChoosePage
from neuron_migration_assistant.pages.copying import CopyingPage
from neuron_migration_assistant.pages.done import DonePage
from neuron_migration_assistant.pages.person import PersonPage
from neuron_migration_assistant.pages.review import ReviewPage
from neuron_migration_assistant.pages.source import SourcePage
from neuron_migration_assistant.pages.welcome import WelcomePage
from neuron_migration_assistant.work import Job


class MigrationWindow(Window):
    """The wizard. ``interrupted`` is an earlier run that was not finished, if there is one."""

    def __init__(self, job: Job, *, interrupted: Run | None = None) -> None:
        self.job = job
        self._interrupted = interrupted
        self._closing = False
        self.welcome = WelcomePage(
            unfinished=interrupted is not None, go_on=self._go_on, undo=self._take_back
        )
        self.source = SourcePage(job, self._people_found)
        self.person = PersonPage(job)
        self.choose = ChoosePage(job)
        self.review = ReviewPage(job, self._agreed)
        self.copying = CopyingPage(job, self._ended)
        self.done = DonePage(job, self._retry)
        self.stack = PageStack(
            [
                self.welcome,
                self.source,
                self.person,
                self.choose,
                self.review,
                self.copying,
                self.done,
            ]
        )
        self.stack.moved.connect(self._moved)
        self.stack.cancelled.connect(self.close)
        self.stack.finished.connect(self.close)
        super().__init__(
            translate("Migration", "Migration Assistant"), column(self.stack), size=QSize(900, 620)
        )

    def showEvent(self, event: QShowEvent) -> None:
        """The keyboard starts where the page wants it; before it was shown it could not take it."""
        super().showEvent(event)
        (self.stack.page.first_focus or self.stack.next).setFocus()

    def closeEvent(self, event: QCloseEvent) -> None:
        """While files are copied, closing asks first, stops the copying and then closes."""
        if self.copying.busy and not self._closing:
            event.ignore()
            confirm(
                self,
                heading=translate("Migration", "Stop bringing files over?"),
                sentence=translate(
                    "Migration", "What has come so far is safe. The next start offers to go on."
                ),
                action=translate("Migration", "&Stop and close"),
                action_tip=translate("Migration", "Stop copying and close this window"),
                destructive=False,
                then=self._stop_and_close,
            )
            return
        self.job.forget()
        event.accept()

    def _stop_and_close(self) -> None:
        self._closing = True
        self.copying.stop()
        self.close()  # the application waits for the copying to come to a safe point before it ends

    def _moved(self, _place: int) -> None:
        if self.stack.page is not self.choose:
            self.choose.stop()

    def _people_found(self) -> None:
        self.stack.go_to(self.person)

    def _agreed(self) -> None:
        self.stack.go_to(self.copying)

    def _ended(self) -> None:
        self.stack.go_to(self.done)

    def _retry(self) -> None:
        self.copying.retry()
        self.stack.go_to(self.copying)

    def _go_on(self) -> None:
        self.job.run = self._interrupted
        self.stack.go_to(self.copying)

    def _take_back(self) -> None:
        run = self._interrupted
        if run is None:
            return
        task = tasks().start(
            lambda progress: self.job.undo(run, progress),
            owner=self,
            done=self._taken_back,
            failed=self._failed,
        )
        show_progress(self, task, heading=translate("Migration", "Taking it back"))

    def _taken_back(self, _undone: Undone) -> None:
        self._interrupted = None
        self.welcome.interrupted.hide()
        self.stack.next.setFocus()

    def _failed(self, error: NeuronError) -> None:
        show_error(self, error, heading=translate("Migration", "It could not be taken back"))
