"""The Hardware Advisor's window: reads the PC off Qt's thread, then shows the answer and the wiring.

Imported before the first picture (``libneuron.ui.early``): what takes long is imported where it is used.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QFrame, QStackedWidget, QTabWidget, QWidget

from libneuron.ui.early import EarlyWindow, bare_application
from libneuron.ui.text import translate

if TYPE_CHECKING:
    from libneuron.errors import NeuronError
    from libneuron.hardware.report import Report
    from libneuron.ui.widgets import Button, EmptyState, OneLine
    from neuron_hardware_advisor.answer import AnswerPage
    from neuron_hardware_advisor.boot_source import BootSource
    from neuron_hardware_advisor.changes_page import ChangesPage
    from neuron_hardware_advisor.comparison_page import ComparisonPage
    from neuron_hardware_advisor.saved import SavedPcs
    from neuron_hardware_advisor.topology_page import TopologyPage

Read = Callable[[], "Report"]
Boot = Callable[[], "BootSource | None"]
_ID = "org.neuronos.HardwareAdvisor"


def no_boot() -> BootSource | None:
    """Nothing can be changed from this window."""
    return None


def this_boot() -> BootSource | None:
    """How this PC starts, changed through the helper."""
    from neuron_hardware_advisor import sources

    return sources.this_boot()


def this_person() -> str:
    """The account that runs the window; empty for root."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name if os.getuid() else ""
    except KeyError:  # an account that this system does not list
        return ""


def this_pc() -> Report:
    """Read and judge the machine that runs the window."""
    from neuron_hardware_advisor import sources

    return sources.this_pc()


class AdvisorWindow(EarlyWindow):
    """Empty until :meth:`look` or :meth:`show_report`. ``person`` is the account of who sits before it, empty
    for root. With ``early`` it has no controls before :meth:`furnish`."""

    def __init__(self, boot: Boot = no_boot, *, person: str = "", early: bool = False) -> None:
        super().__init__(translate("Advisor", "Hardware Advisor"), size=QSize(920, 700))
        self._boot = boot
        self._person = person
        self._source: BootSource | None = None
        self._here = True
        self._of = translate("Advisor", "This PC")
        self.report: Report | None = None
        self.tabs: QTabWidget | None = None
        if not early:
            self.furnish()

    def furnish(self) -> None:
        """Put the controls in."""
        from libneuron.ui.theme import theme
        from libneuron.ui.widgets import Button, EmptyState, OneLine, column, row
        from neuron_hardware_advisor.saved import SavedPcs

        theme().dress()
        self.source: OneLine = OneLine(translate("Advisor", "This PC"))
        self.again: Button = Button(
            translate("Advisor", "Look &again"),
            translate("Advisor", "Read this PC once more"),
            icon="restart",
            on_click=self.look_here,
        )
        self.saved: SavedPcs = SavedPcs(self)
        self.pages = QStackedWidget()
        self.waiting: EmptyState = EmptyState(
            "search",
            translate("Advisor", "Looking at this PC…"),
            translate("Advisor", "Nothing is changed; this takes less than a second."),
        )
        self.pages.addWidget(self.waiting)
        self.answer: AnswerPage
        self.topology: TopologyPage
        self.changes: ChangesPage
        self.comparison: ComparisonPage | None = None
        bar = QFrame()
        bar.setProperty("kind", "bar")
        line = row(self.source, self.saved.button, self.again, gap=1, margin=2)
        line.setStretch(0, 1)
        bar.setLayout(line)
        body = column(self.pages, bar, gap=0)
        body.setStretch(0, 1)
        self.fill(body)
        self.saved.button.setFocus()

    def look_here(self) -> None:
        """Read this PC."""
        self.look(this_pc, translate("Advisor", "This PC"))

    def look_closely(self) -> None:
        """Read this PC as the administrator sees it, through the helper, which asks for the password."""
        source = self._source
        assert source is not None

        def read() -> Report:
            from libneuron.hardware.report import judge

            return judge(source.capture())

        self.look(read, translate("Advisor", "This PC, as the administrator sees it"))

    def look(self, read: Read, of: str, *, here: bool = True) -> None:
        """Read off Qt's thread and show the outcome; ``of`` names what is looked at, ``here`` says that it
        is this PC."""
        from libneuron.ui.tasks import tasks

        self._enable(ready=False)
        self.pages.setCurrentWidget(self.waiting)

        def done(report: Report) -> None:
            self.source.show_text(of)
            self._of, self._here = of, here
            self.show_report(report)

        tasks().start(lambda _progress: read(), owner=self, done=done, failed=self._failed)

    def _enable(self, *, ready: bool) -> None:
        for button in (self.again, self.saved.button):
            button.setEnabled(ready)

    def show_report(self, report: Report) -> None:
        """Show a judged machine; the tab that was open stays open."""
        from PySide6.QtCore import Qt

        from libneuron.hardware.report import verdict_text
        from libneuron.ui.announce import announce
        from neuron_hardware_advisor.answer import AnswerPage
        from neuron_hardware_advisor.changes_page import ChangesPage
        from neuron_hardware_advisor.topology_page import TopologyPage

        before = self.tabs
        self.report = report
        self._source = self._boot() if self._here else None
        tabs = QTabWidget()
        tabs.setDocumentMode(True)
        closer = self.look_closely if self._source is not None else None
        self.answer, self.topology = AnswerPage(report, closer), TopologyPage(report.machine)
        self.topology.export.clicked.connect(self.saved.ask_picture)
        self.changes = ChangesPage(report, self._source, self._person)
        self.comparison = None
        tabs.addTab(self.answer, translate("Advisor", "A&nswer"))
        tabs.addTab(self.topology, translate("Advisor", "&Wiring"))
        tabs.addTab(self.changes, translate("Advisor", "&Changes"))
        tabs.currentChanged.connect(self._turned)
        tabs.tabBar().setAccessibleName(translate("Advisor", "Parts of the report"))
        tabs.tabBar().setToolTip(
            translate("Advisor", "The answer in words, or how the devices are connected")
        )
        if before is not None:
            tabs.setCurrentIndex(min(before.currentIndex(), tabs.count() - 1))
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

    def show_comparison(self, saved: Report, of: str) -> None:
        """Show what differs between a saved PC and the one that is looked at, in a part of its own."""
        from libneuron.hardware.compare import compare
        from neuron_hardware_advisor.comparison_page import ComparisonPage

        assert self.tabs is not None
        assert self.report is not None
        if self.comparison is not None:
            self.tabs.removeTab(self.tabs.indexOf(self.comparison))
            self.comparison.deleteLater()
        self.comparison = ComparisonPage(compare(saved, self.report, translate), of, self._of)
        self.tabs.addTab(self.comparison, translate("Advisor", "C&ompared"))
        self.tabs.setCurrentWidget(self.comparison)
        self._order()
        self.comparison.say()

    def _order(self) -> None:
        assert self.tabs is not None
        pages: list[QWidget] = [*self.answer.stops, *self.topology.stops, *self.changes.stops]
        for one, other in pairwise((self.tabs.tabBar(), *pages, self.saved.button, self.again)):
            self.setTabOrder(one, other)

    def _turned(self, _at: int) -> None:
        """The record of changes is asked for when it is first looked at: that starts the helper."""
        if self.tabs is not None and self.tabs.currentWidget() is self.changes:
            self.changes.refresh()

    def _failed(self, error: NeuronError) -> None:
        from libneuron.ui.dialogs import show_error

        self._enable(ready=True)
        if self.tabs is not None:
            self.pages.setCurrentWidget(self.tabs)
        show_error(self, error, heading=translate("Advisor", "This could not be read"))


def main(_words: Sequence[str] = ()) -> int:
    """Run the app; returns the exit status."""
    app = bare_application(app_id=_ID, name="Hardware Advisor")
    name = translate("Advisor", "Hardware Advisor")  # in the person's language only from here on
    leave: list[Callable[[], None]] = []
    window = AdvisorWindow(this_boot, person=this_person(), early=True)

    def furnish() -> None:
        from libneuron.ui.app import application, prepare

        leave.append(prepare(application(app_id=_ID, name=name)))
        window.furnish()
        window.look_here()

    window.wait_with(translate("Advisor", "Looking at this PC…"), furnish)
    window.show()
    try:
        return app.exec()
    finally:
        for end in leave:
            end()
