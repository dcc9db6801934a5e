"""Copying: how far, how long still, pause; an interruption is told and can be gone on from."""

from __future__ import annotations

from collections.abc import Callable

from libneuron.errors import NeuronError
from libneuron.progress import Progress
from libneuron.ui.dialogs import show_error
from libneuron.ui.pages import Buttons, Page
from libneuron.ui.progress import ProgressPanel
from libneuron.ui.tasks import Task, tasks
from libneuron.ui.text import translate
from libneuron.ui.widgets import Notice, Tone
from neuron_migration_assistant.work import Job, RunView


class CopyingPage(Page):
    """Runs the plan. Next appears as "Try again" where it was interrupted."""

    def __init__(self, job: Job, ended: Callable[[], None]) -> None:
        self._job = job
        self._ended = ended
        self._task: Task | None = None
        self._work: Callable[[Progress], RunView] | None = None
        self.panel = ProgressPanel(translate("Migration", "Bringing it over"), can_pause=True)
        self.panel.cancel.hide()  # the wizard's own button stops it
        self.stopped = Notice("", tone=Tone.WARN)
        self.stopped.hide()
        super().__init__(
            translate("Migration", "Copy"),
            translate(
                "Migration",
                "Every file is copied, checked and written down. You can go on using the computer.",
            ),
            self.panel,
            self.stopped,
        )
        self.first_focus = self.panel.pause

    @property
    def busy(self) -> bool:
        """Whether something is being copied."""
        return self._task is not None and self._task.running

    def retry(self) -> None:
        """Next time the page is entered, only what failed is tried again."""
        run = self._job.run
        if run is not None:
            self._work = lambda progress: self._job.retry(run, progress)

    def entered(self) -> None:
        """Start, or go on."""
        run = self._job.run
        if run is None or self.busy:
            return
        work = self._work or (lambda progress: self._job.copy(run, progress))
        self._work = None
        self.stopped.hide()
        self.buttons = Buttons(
            next_enabled=False,
            back_enabled=False,
            cancel_text=translate("Migration", "&Stop"),
            cancel_tip=translate("Migration", "Stop copying; you can go on later"),
        )
        self._task = tasks().start(
            work, owner=self, done=self._done, failed=self._failed, cancelled=self._cancelled
        )
        self.panel.follow(self._task)

    def stop(self) -> None:
        """Ask the copying to stop."""
        self.panel.ask_cancel()

    def leave(self) -> bool:
        """Next is "Try again" here."""
        self.entered()
        return False

    def _done(self, ended: RunView) -> None:
        self._job.ended = ended
        self._ended()

    def _failed(self, error: NeuronError) -> None:
        self._interrupted(error.sentence(translate))
        show_error(self, error, heading=translate("Migration", "The copying stopped"))

    def _cancelled(self) -> None:
        self._interrupted(translate("Migration", "Stopped. What has come so far is safe, and you can go on."))

    def _interrupted(self, text: str) -> None:
        self.stopped.show_text(text, Tone.WARN)
        self.stopped.show()
        self.buttons = Buttons(
            next_text=translate("Migration", "&Go on"),
            next_tip=translate("Migration", "Go on where it stopped"),
            back_enabled=False,
            cancel_text=translate("Migration", "C&lose"),
            cancel_tip=translate("Migration", "Close; the next start offers to go on"),
        )
