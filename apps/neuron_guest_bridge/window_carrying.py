"""What is on its way because somebody pasted: shown once it takes a while, stopped by the person."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QWidget

from libneuron.errors import Cancelled
from libneuron.progress import Progress
from libneuron.ui.progress import ProgressPanel
from libneuron.ui.tasks import tasks
from libneuron.ui.text import translate
from libneuron.ui.widgets import column
from neuron_guest_bridge.activity import Moving, Way
from neuron_guest_bridge.machines import Machine
from neuron_guest_bridge.model import Model

PATIENCE = 1000
"""Milliseconds that a paste may take before it is worth showing."""
_LOOK = 0.1  # seconds


def title(way: Way) -> str:
    """What is being done."""
    if way is Way.TO_GUEST:
        return translate("Carrying", "Pasting in the machine")
    return translate("Carrying", "Pasting what was copied in the machine")


def watch(moving: Moving, progress: Progress) -> None:
    """Show in ``progress`` how far it is, until it is over; stop it when the person wants that.

    Raises: Cancelled.
    """
    while not moving.over.wait(_LOOK):
        if progress.cancelled:
            moving.progress.cancel()
        else:
            progress.mirror(moving.progress.view())
    if progress.cancelled:
        raise Cancelled


class Carrying(QWidget):
    """Nothing to see until a paste takes a while; then one after the other. Only the shown machine's."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self._machine = ""
        self._waiting: list[Moving] = []
        self._shown: Moving | None = None
        self.panel = ProgressPanel("")
        self.setLayout(column(self.panel))
        self.hide()
        model.moving.connect(self._begun)

    def show_machine(self, machine: Machine) -> None:
        """Show what is on its way to and from ``machine``."""
        self._machine = machine.id
        self._arrange()

    def _begun(self, moving: Moving) -> None:
        QTimer.singleShot(PATIENCE, self, lambda: self.show_moving(moving))

    def show_moving(self, moving: Moving) -> None:
        """Show it after those that are shown already, unless it is over."""
        if not moving.over.is_set():
            self._waiting.append(moving)
            self._next()

    def _next(self) -> None:
        self._waiting = [moving for moving in self._waiting if not moving.over.is_set()]
        if self._shown is None and self._waiting:
            moving = self._shown = self._waiting.pop(0)
            self.panel.rename(title(moving.way))
            task = tasks().start(
                lambda progress: watch(moving, progress),
                owner=self,
                done=lambda _: self._over(),
                failed=lambda _error: self._over(),
                cancelled=self._over,
            )
            self.panel.follow(task)
        self._arrange()

    def _over(self) -> None:
        """How it went is told by the activity list, and where it is news by a notification."""
        self._shown = None
        self._next()

    def _arrange(self) -> None:
        self.setVisible(self._shown is not None and self._shown.machine == self._machine)
