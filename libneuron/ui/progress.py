"""A task's progress on screen: how far, how long still, and buttons that really pause and cancel."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QDialog, QFrame, QProgressBar, QWidget

from libneuron.progress import ProgressView
from libneuron.ui.announce import announce
from libneuron.ui.tasks import Task
from libneuron.ui.text import duration, number, size, translate
from libneuron.ui.theme import SPACE, dialog_width
from libneuron.ui.widgets import Align, Button, OneLine, Text, Tone, column, heading, row

_STEPS = 1000  # of the bar; totals may be beyond 32 bits


class ProgressPanel(QFrame):
    """Shows one task: what, how far, the current item, time left; Pause where ``can_pause``, and Cancel."""

    def __init__(self, name: str, *, can_pause: bool = False) -> None:
        super().__init__()
        self._task: Task | None = None
        self._quarter = 0
        self.name = heading(name)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setRange(0, 0)
        self.bar.setAccessibleName(name)
        self.amount = Text("")
        self.left = Text(tone=Tone.MUTED, align=Align.END)
        self.item = OneLine(tone=Tone.MUTED)
        self.pause = Button(
            translate("Progress", "&Pause"),
            translate("Progress", "Hold the work; it goes on where it stopped"),
            on_click=self._toggle,
        )
        self.pause.setVisible(can_pause)
        self.cancel = Button(
            translate("Progress", "&Cancel"),
            translate("Progress", "Stop the work at its next step"),
            on_click=self.ask_cancel,
        )
        self.setLayout(
            column(
                self.name,
                self.bar,
                row(self.amount, self.left, gap=2),
                self.item,
                row(None, self.pause, self.cancel),
                gap=1,
            )
        )

    def rename(self, name: str) -> None:
        """The next task is another kind of work."""
        self.name.setText(name)
        self.bar.setAccessibleName(name)

    def follow(self, task: Task) -> None:
        """Show ``task`` until it ends."""
        self._task = task
        self._quarter = 0
        task.progressed.connect(self.show_view)
        task.ended.connect(self._ended)
        self.cancel.setEnabled(True)
        self.pause.setEnabled(True)
        self.show_view(task.progress.view())

    def show_view(self, view: ProgressView) -> None:
        """Draw one moment of a task."""
        words = size if view.unit == "bytes" else number
        if view.total is None:
            self.bar.setRange(0, 0)
            self.amount.setText(words(view.done) if view.done else translate("Progress", "Working…"))
        else:
            self.bar.setRange(0, _STEPS)
            self.bar.setValue(round(_STEPS * min(1.0, view.done / view.total)) if view.total else _STEPS)
            self.amount.setText(
                translate("Progress", "{done} of {total}").format(
                    done=words(view.done), total=words(view.total)
                )
            )
        self.left.setText(self._time(view))
        self.item.show_text(view.item)
        self.pause.setText(
            translate("Progress", "&Continue") if view.paused else translate("Progress", "&Pause")
        )
        stopping = self._task is not None and self._task.progress.cancelled
        self.cancel.setEnabled(view.cancellable and not stopping)
        self._say(view)

    def ask_cancel(self) -> None:
        """Ask the work to stop; says so until it has."""
        if self._task is not None and self._task.cancel():
            self.cancel.setEnabled(False)
            self.pause.setEnabled(False)
            self.left.setText(translate("Progress", "Stopping…"))
            announce(self, self.left.text())

    def _toggle(self) -> None:
        if self._task is None:
            return
        progress = self._task.progress
        if progress.view().paused:
            progress.resume()
        else:
            progress.pause()
        self.show_view(progress.view())

    def _time(self, view: ProgressView) -> str:
        if self._task is not None and self._task.progress.cancelled:
            return translate("Progress", "Stopping…")
        if view.paused:
            return translate("Progress", "Paused")
        if view.remaining is None:
            return ""
        return translate("Progress", "{time} left").format(time=duration(view.remaining))

    def _say(self, view: ProgressView) -> None:
        if view.total:
            quarter = min(4, 4 * view.done // view.total)
            if quarter > self._quarter:
                self._quarter = quarter
                announce(self, f"{self.name.text()}: {number(25 * quarter)} %")

    def _ended(self) -> None:
        self._task = None
        self.cancel.setEnabled(False)
        self.pause.setEnabled(False)


class ProgressDialog(QDialog):
    """A :class:`ProgressPanel` over a window; Escape or closing asks the work to stop, its end closes it."""

    def __init__(self, parent: QWidget | None, task: Task, *, name: str, can_pause: bool = False) -> None:
        super().__init__(parent)
        self.setWindowTitle(name)
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(dialog_width(52 * SPACE))
        self.panel = ProgressPanel(name, can_pause=can_pause)
        self.setLayout(column(self.panel, margin=3))
        self._over = False
        task.ended.connect(self._end)
        self.panel.follow(task)
        self.panel.cancel.setFocus()

    def reject(self) -> None:
        """Escape: ask the work to stop; the dialog stays until it has."""
        self.panel.ask_cancel()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Closing by the window's button is Cancel, too."""
        if self._over:
            event.accept()
        else:
            event.ignore()
            self.panel.ask_cancel()

    def _end(self) -> None:
        self._over = True
        self.close()


def show_progress(
    parent: QWidget | None, task: Task, *, heading: str, can_pause: bool = False
) -> ProgressDialog:
    """Show ``task`` in a dialog of its own, closed by the task's end."""
    dialog = ProgressDialog(parent, task, name=heading, can_pause=can_pause)
    dialog.open()
    return dialog
