"""The Hardware Advisor's window: reads the PC off Qt's thread, then shows the answer and the wiring."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFileDialog, QFrame, QStackedWidget, QTabWidget, QWidget

from libneuron.errors import NeuronError
from libneuron.hardware.errors import HardwareError
from libneuron.ui.announce import announce
from libneuron.ui.app import application, run
from libneuron.ui.dialogs import show_error
from libneuron.ui.tasks import tasks
from libneuron.ui.text import translate
from libneuron.ui.widgets import Button, EmptyState, OneLine, column, menu_button, row
from libneuron.ui.window import Window

if TYPE_CHECKING:  # imported where they are first needed, so that the window appears before
    from libneuron.hardware.report import Report
    from neuron_hardware_advisor.answer import AnswerPage
    from neuron_hardware_advisor.boot_source import BootSource
    from neuron_hardware_advisor.changes_page import ChangesPage
    from neuron_hardware_advisor.topology_page import TopologyPage

Read = Callable[[], "Report"]
Boot = Callable[[], "BootSource | None"]


def no_boot() -> BootSource | None:
    """Nothing can be changed from this window."""
    return None


def this_boot() -> BootSource | None:
    """How this PC starts, changed through the helper."""
    from neuron_hardware_advisor import sources

    return sources.this_boot()


def this_pc() -> Report:
    """Read and judge the machine that runs the window."""
    from neuron_hardware_advisor import sources

    return sources.this_pc()


def from_bundle(path: Path) -> Report:
    """Read and judge a saved machine. Raises: HardwareError bundle-unreadable."""
    from neuron_hardware_advisor import sources

    return sources.from_bundle(path)


def save_this_pc(path: Path) -> None:
    """Write what is read of this machine to a file. Raises: HardwareError bundle-unwritable."""
    from neuron_hardware_advisor import sources

    sources.save_this_pc(path)


class AdvisorWindow(Window):
    """Empty until :meth:`look` or :meth:`show_report`."""

    def __init__(self, boot: Boot = no_boot) -> None:
        self._boot = boot
        self._here = True
        self.source = OneLine(translate("Advisor", "This PC"))
        self.again = Button(
            translate("Advisor", "Look &again"),
            translate("Advisor", "Read this PC once more"),
            icon="restart",
            on_click=self.look_here,
        )
        self.open = QAction(translate("Advisor", "&Open a saved PC…"))
        self.open.triggered.connect(lambda _checked=False: self._ask_open())
        self.save = QAction(translate("Advisor", "&Save this PC…"))
        self.save.triggered.connect(lambda _checked=False: self._ask_save())
        self.files = menu_button(
            translate("Advisor", "&Files"),
            translate("Advisor", "Save what was read, without names and serial numbers, or open such a file"),
            [self.open, self.save],
            icon="file",
        )
        self.pages = QStackedWidget()
        self.waiting = EmptyState(
            "search",
            translate("Advisor", "Looking at this PC…"),
            translate("Advisor", "Nothing is changed; this takes less than a second."),
        )
        self.pages.addWidget(self.waiting)
        self.tabs: QTabWidget | None = None
        self.answer: AnswerPage
        self.topology: TopologyPage
        self.changes: ChangesPage
        bar = QFrame()
        bar.setProperty("kind", "bar")
        line = row(self.source, self.files, self.again, gap=1, margin=2)
        line.setStretch(0, 1)
        bar.setLayout(line)
        body = column(self.pages, bar, gap=0)
        body.setStretch(0, 1)
        super().__init__(translate("Advisor", "Hardware Advisor"), body, size=QSize(920, 700))
        self.files.setFocus()

    def look_here(self) -> None:
        """Read this PC."""
        self.look(this_pc, translate("Advisor", "This PC"))

    def look(self, read: Read, of: str, *, here: bool = True) -> None:
        """Read off Qt's thread and show the outcome; ``of`` names what is looked at, ``here`` says that it
        is this PC."""
        self._enable(ready=False)
        self.pages.setCurrentWidget(self.waiting)

        def done(report: Report) -> None:
            self.source.show_text(of)
            self._here = here
            self.show_report(report)

        tasks().start(lambda _progress: read(), owner=self, done=done, failed=self._failed)

    def _enable(self, *, ready: bool) -> None:
        for button in (self.again, self.files):
            button.setEnabled(ready)

    def show_report(self, report: Report) -> None:
        """Show a judged machine; the tab that was open stays open."""
        from libneuron.hardware.report import verdict_text
        from neuron_hardware_advisor.answer import AnswerPage
        from neuron_hardware_advisor.changes_page import ChangesPage
        from neuron_hardware_advisor.topology_page import TopologyPage

        before = self.tabs
        tabs = QTabWidget()
        tabs.setDocumentMode(True)
        self.answer, self.topology = AnswerPage(report), TopologyPage(report.machine)
        self.topology.export.clicked.connect(self._ask_picture)
        tabs.addTab(self.answer, translate("Advisor", "A&nswer"))
        self.changes = ChangesPage(report, self._boot() if self._here else None)
        tabs.addTab(self.topology, translate("Advisor", "&Wiring"))
        tabs.addTab(self.changes, translate("Advisor", "&Changes"))
        tabs.currentChanged.connect(self._turned)
        tabs.tabBar().setAccessibleName(translate("Advisor", "Parts of the report"))
        tabs.tabBar().setToolTip(
            translate("Advisor", "The answer in words, or how the devices are connected")
        )
        if before is not None:
            tabs.setCurrentIndex(before.currentIndex())
            self.pages.removeWidget(before)
            before.deleteLater()
        self.tabs = tabs
        self.pages.addWidget(tabs)
        self.pages.setCurrentWidget(tabs)
        self._enable(ready=True)
        self.changes.reordered.connect(self._order)
        self._order()
        tabs.tabBar().setFocus(Qt.FocusReason.OtherFocusReason)
        announce(self, verdict_text(report.verdict, translate))

    def _order(self) -> None:
        assert self.tabs is not None
        pages = (*self.answer.stops, *self.topology.stops, *self.changes.stops)
        for one, other in pairwise((self.tabs.tabBar(), *pages, self.files, self.again)):
            self.setTabOrder(one, other)

    def _turned(self, _at: int) -> None:
        """The record of changes is asked for when it is first looked at: that starts the helper."""
        if self.tabs is not None and self.tabs.currentWidget() is self.changes:
            self.changes.refresh()

    def _failed(self, error: NeuronError) -> None:
        self._enable(ready=True)
        if self.tabs is not None:
            self.pages.setCurrentWidget(self.tabs)
        show_error(self, error, heading=translate("Advisor", "This could not be read"))

    def _dialog(self, name: str, *, saves: bool, filters: Sequence[str], suffix: str) -> QFileDialog:
        dialog = QFileDialog(self, name)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAcceptMode(
            QFileDialog.AcceptMode.AcceptSave if saves else QFileDialog.AcceptMode.AcceptOpen
        )
        dialog.setFileMode(QFileDialog.FileMode.AnyFile if saves else QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilters(list(filters))
        dialog.setDefaultSuffix(suffix)
        return dialog

    def _ask_open(self) -> None:
        filters = [translate("Advisor", "Saved PCs (*.bundle)"), translate("Advisor", "All files (*)")]
        dialog = self._dialog(
            translate("Advisor", "Open a saved PC"), saves=False, filters=filters, suffix="bundle"
        )
        dialog.fileSelected.connect(lambda path: self.open_bundle(Path(path)))
        dialog.open()

    def open_bundle(self, path: Path) -> None:
        """Look at a saved PC."""
        self.look(lambda: from_bundle(path), path.name, here=False)

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
            lambda _progress: save_this_pc(path),
            owner=self,
            done=lambda _nothing: announce(self, translate("Advisor", "Saved.")),
            failed=self._not_saved,
        )

    def _not_saved(self, error: NeuronError) -> None:
        show_error(self, error, heading=translate("Advisor", "This could not be saved"))

    def _ask_picture(self) -> None:
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
            self.topology.save(path)
        except OSError as error:
            self._not_saved(HardwareError("hardware.bundle-unwritable", path=path, details=str(error)))
        else:
            announce(self, translate("Advisor", "Saved."))


def main(_words: Sequence[str] = ()) -> int:
    """Run the app; returns the exit status."""
    app = application(app_id="org.neuronos.HardwareAdvisor", name=translate("Advisor", "Hardware Advisor"))
    windows: list[QWidget] = []

    def first() -> QWidget:
        window = AdvisorWindow(this_boot)
        windows.append(window)
        window.look_here()
        return window

    return run(app, first)
