"""Files sent into a machine: chosen or dropped here, shown while they travel, stopped by the person."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QMimeData, Qt
from PySide6.QtWidgets import QFileDialog, QWidget

from libneuron.errors import NeuronError
from libneuron.guest.errors import GuestError
from libneuron.guest.wire.requests import Permission
from libneuron.progress import Progress
from libneuron.ui.announce import announce
from libneuron.ui.dialogs import show_error
from libneuron.ui.progress import ProgressPanel
from libneuron.ui.tasks import tasks
from libneuron.ui.text import number, translate
from libneuron.ui.widgets import Notice, Tone, column
from neuron_guest_bridge.machines import Machine
from neuron_guest_bridge.model import Model


def files_in(data: QMimeData) -> tuple[Path, ...]:
    """The local files of a drag; empty where it holds something else."""
    return tuple(Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile())


class Sending(QWidget):
    """Nothing to see until something is sent. One batch at a time."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self._model = model
        self._machine: Machine | None = None
        self.busy = False
        self.panel = ProgressPanel(translate("Sending", "Sending files"))
        self.sent = Notice("", tone=Tone.GOOD)
        self.setLayout(column(self.panel, self.sent))
        self._arrange()

    def show_machine(self, machine: Machine) -> None:
        """Send to ``machine`` from now on."""
        if self._machine is not None and self._machine.id != machine.id:
            self._arrange(panel=self.busy)
        self._machine = machine

    @property
    def possible(self) -> bool:
        """Whether files can be sent now."""
        machine = self._machine
        return machine is not None and machine.ready and not self.busy

    def choose(self) -> None:
        """Ask which files."""
        machine = self._machine
        if machine is None:
            return
        name = translate("Sending", "Choose the files to send to {name}").format(name=machine.name)
        dialog = QFileDialog(self.window(), name)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.filesSelected.connect(lambda names: self.send([Path(name) for name in names]))
        dialog.open()

    def send(self, paths: Sequence[Path]) -> None:
        """Send files and folders; says how it went."""
        machine = self._machine
        if machine is None or not paths or not self.possible:
            return
        if Permission.FILES not in machine.allowed:
            self._failed(machine, GuestError("guest.files-not-allowed", vm=machine.name))
            return
        self.busy = True

        def work(progress: Progress) -> None:
            self._model.machines.send_files(machine.id, paths, progress)

        task = tasks().start(
            work,
            owner=self,
            done=lambda _: self._done(machine, len(paths)),
            failed=lambda error: self._failed(machine, error),
            cancelled=self._over,
        )
        self.panel.follow(task)
        self._arrange(panel=True)

    def _arrange(self, *, panel: bool = False, sent: bool = False) -> None:
        self.panel.setVisible(panel)
        self.sent.setVisible(sent)
        self.setVisible(panel or sent)

    def _over(self) -> None:
        self.busy = False
        self._arrange()

    def _done(self, machine: Machine, count: int) -> None:
        self._over()
        text = translate("Sending", "Sent to {name}: {count}. It is in the folder of downloads there.")
        said = text.format(name=machine.name, count=number(count))
        self.sent.show_text(said, Tone.GOOD)
        self._arrange(sent=True)
        announce(self, said)

    def _failed(self, machine: Machine, error: NeuronError) -> None:
        self._over()
        heading = translate("Sending", "Nothing was sent to {name}").format(name=machine.name)
        show_error(self.window(), error, heading=heading)
