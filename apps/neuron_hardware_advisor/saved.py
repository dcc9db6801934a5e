"""PCs in files: the menu that opens, compares and saves them, and the picture of the wiring."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFileDialog

from libneuron.errors import NeuronError
from libneuron.hardware.errors import HardwareError
from libneuron.hardware.report import Report
from libneuron.ui.announce import announce
from libneuron.ui.dialogs import show_error
from libneuron.ui.tasks import tasks
from libneuron.ui.text import translate
from libneuron.ui.widgets import menu_button
from neuron_hardware_advisor import sources

if TYPE_CHECKING:
    from neuron_hardware_advisor.window import AdvisorWindow


class SavedPcs(QObject):
    """What the menu “Files” does for ``window``."""

    def __init__(self, window: AdvisorWindow) -> None:
        super().__init__(window)
        self._window = window
        self.open = QAction(translate("Advisor", "&Open a saved PC…"))
        self.open.triggered.connect(lambda _checked=False: self._ask_bundle(self.open_bundle))
        self.compare = QAction(translate("Advisor", "&Compare with a saved PC…"))
        self.compare.triggered.connect(lambda _checked=False: self._ask_bundle(self.compare_with))
        self.save = QAction(translate("Advisor", "&Save this PC…"))
        self.save.triggered.connect(lambda _checked=False: self._ask_save())
        self.button = menu_button(
            translate("Advisor", "&Files"),
            translate("Advisor", "Save what was read, without names and serial numbers, or open such a file"),
            [self.open, self.compare, self.save],
            icon="file",
        )

    def _dialog(self, name: str, *, saves: bool, filters: Sequence[str], suffix: str) -> QFileDialog:
        dialog = QFileDialog(self._window, name)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAcceptMode(
            QFileDialog.AcceptMode.AcceptSave if saves else QFileDialog.AcceptMode.AcceptOpen
        )
        dialog.setFileMode(QFileDialog.FileMode.AnyFile if saves else QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilters(list(filters))
        dialog.setDefaultSuffix(suffix)
        return dialog

    def _ask_bundle(self, then: Callable[[Path], None]) -> None:
        filters = [translate("Advisor", "Saved PCs (*.bundle)"), translate("Advisor", "All files (*)")]
        dialog = self._dialog(
            translate("Advisor", "Open a saved PC"), saves=False, filters=filters, suffix="bundle"
        )
        dialog.fileSelected.connect(lambda path: then(Path(path)))
        dialog.open()

    def open_bundle(self, path: Path) -> None:
        """Look at a saved PC."""
        self._window.look(lambda: sources.from_bundle(path), path.name, here=False)

    def compare_with(self, path: Path) -> None:
        """Show what differs between a saved PC (before) and the one that is looked at (after)."""

        def done(saved: Report) -> None:
            self._window.show_comparison(saved, path.name)

        tasks().start(
            lambda _progress: sources.from_bundle(path),
            owner=self,
            done=done,
            failed=lambda error: show_error(
                self._window, error, heading=translate("Advisor", "This could not be read")
            ),
        )

    def _ask_save(self) -> None:
        filters = [translate("Advisor", "Saved PCs (*.bundle)")]
        dialog = self._dialog(
            translate("Advisor", "Save this PC"), saves=True, filters=filters, suffix="bundle"
        )
        dialog.fileSelected.connect(lambda path: self.save_bundle(Path(path)))
        dialog.open()

    def save_bundle(self, path: Path) -> None:
        """Read this PC and save it."""
        tasks().start(
            lambda _progress: sources.save_this_pc(path),
            owner=self,
            done=lambda _nothing: announce(self._window, translate("Advisor", "Saved.")),
            failed=self._not_saved,
        )

    def _not_saved(self, error: NeuronError) -> None:
        show_error(self._window, error, heading=translate("Advisor", "This could not be saved"))

    def ask_picture(self) -> None:
        """Ask for a file, then save the picture of the wiring."""
        filters = [translate("Advisor", "Drawings (*.svg)"), translate("Advisor", "Pictures (*.png)")]
        dialog = self._dialog(translate("Advisor", "Save picture"), saves=True, filters=filters, suffix="svg")
        dialog.filterSelected.connect(
            lambda chosen: dialog.setDefaultSuffix("png" if "png" in chosen else "svg")
        )
        dialog.fileSelected.connect(lambda path: self.save_picture(Path(path)))
        dialog.open()

    def save_picture(self, path: Path) -> None:
        """Write the picture of the wiring; a failure is shown."""
        try:
            self._window.topology.save(path)
        except OSError as error:
            self._not_saved(HardwareError("hardware.bundle-unwritable", path=path, details=str(error)))
        else:
            announce(self._window, translate("Advisor", "Saved."))
