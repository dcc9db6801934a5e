"""The pairing assistant: how, do it, and the proof. Nothing here waits; a machine may take its time."""

from __future__ import annotations

from PySide6.QtCore import QObject, QSize, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QDialog, QWidget

from libneuron.errors import NeuronError
from libneuron.progress import Progress
from libneuron.ui.pages import PageStack
from libneuron.ui.tasks import Task, tasks
from libneuron.ui.text import translate
from libneuron.ui.theme import scaled
from libneuron.ui.widgets import column
from neuron_guest_bridge.joining import Proof, Stage
from neuron_guest_bridge.machines import Machine
from neuron_guest_bridge.model import Model
from neuron_guest_bridge.pairing_pages import DoPage, HowPage, ProofPage

_SIZE = QSize(760, 520)


class _News(QObject):
    """Brings a stage from the task's thread."""

    came = Signal(object, object)


class PairingDialog(QDialog):
    """Pairs one machine. Closing it gives up what was begun, and tidies up behind."""

    def __init__(self, model: Model, machine: Machine, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._machine = machine
        self._task: Task | None = None
        self.setWindowTitle(translate("Pairing", "Pair {name}").format(name=machine.name))
        self.how = HowPage(machine.name)
        self.doing = DoPage(machine.name, again=self._begin)
        self.proof = ProofPage(machine.name)
        self.stack = PageStack([self.how, self.doing, self.proof])
        self.stack.moved.connect(self._moved)
        self.stack.cancelled.connect(self.reject)
        self.stack.finished.connect(self.accept)
        self.setLayout(column(self.stack))
        self.finished.connect(lambda _result: self._stop())
        wish = QSize(scaled(_SIZE.width()), scaled(_SIZE.height()))
        room = self.screen().availableSize() - QSize(32, 64)
        self.resize(wish.boundedTo(room))
        self._look()

    def showEvent(self, event: QShowEvent) -> None:
        """The keyboard starts where the page wants it; before it was shown it could not take it."""
        super().showEvent(event)
        (self.stack.page.first_focus or self.stack.next).setFocus()

    def _look(self) -> None:
        machine = self._machine.id
        self._model.run(
            lambda: self._model.machines.prospect(machine),
            owner=self,
            done=self.how.show_prospect,
            failed=self.how.show_error,
        )

    def _moved(self, _place: int) -> None:
        if self.stack.page is self.doing:
            self._begin()
        elif self.stack.page is self.how:
            self._stop()
            self._look()

    def _begin(self) -> None:
        prospect, way = self.how.prospect, self.how.way
        if prospect is None or way is None:
            return
        self._stop()
        self.doing.show_way(way, prospect.file)
        news = _News(self._model)
        news.came.connect(self._came)
        machine, consent = self._machine.id, self.how.consent

        def work(progress: Progress) -> Proof:
            return self._model.machines.pair(
                machine, way, add_channel=consent, told=news.came.emit, progress=progress
            )

        task = tasks().start(work, owner=self, done=self._done, failed=self._failed)
        task.ended.connect(news.deleteLater)
        self._task = task

    def _stop(self) -> None:
        task, self._task = self._task, None
        if task is not None and task.running:
            task.cancel()

    def _came(self, stage: Stage, problem: NeuronError | None) -> None:
        if self._task is not None and self.stack.page is self.doing:
            self.doing.show_stage(stage, problem)

    def _done(self, proof: Proof) -> None:
        self._task = None
        self.proof.show_proof(proof)
        self.stack.go_to(self.proof)

    def _failed(self, error: NeuronError) -> None:
        if self._task is not None and not self._task.progress.cancelled:
            self._task = None
            self.doing.show_error(error)
