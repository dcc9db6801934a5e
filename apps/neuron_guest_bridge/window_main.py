"""The main window: the machines at the side, the chosen one beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QCloseEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QFrame, QListWidget, QListWidgetItem, QSizePolicy, QStackedWidget

from libneuron.errors import NeuronError
from libneuron.ui import icons
from libneuron.ui.announce import announce
from libneuron.ui.dialogs import show_error
from libneuron.ui.text import translate
from libneuron.ui.theme import SPACE, recolored, scaled
from libneuron.ui.widgets import Button, EmptyState, Notice, Tone, column, heading, row
from libneuron.ui.window import Window
from neuron_guest_bridge import words
from neuron_guest_bridge.machines import Machine
from neuron_guest_bridge.model import Model
from neuron_guest_bridge.settings import SettingsStore
from neuron_guest_bridge.window_machine import MachinePage

if TYPE_CHECKING:
    from neuron_guest_bridge.window_settings import SettingsPage

_ID = Qt.ItemDataRole.UserRole


class MainWindow(Window):
    """``stays`` says whether closing only hides it, because a tray keeps the program reachable."""

    closed = Signal()
    """The window was closed for good."""

    def __init__(self, model: Model, settings: SettingsStore) -> None:
        super().__init__(translate("Main", "Guest Bridge"), size=QSize(960, 640))
        self._model = model
        self._settings = settings
        self.settings_page: SettingsPage | None = None
        self.stays = False
        self._wanted = ""
        self.list = QListWidget()
        self.list.setAccessibleName(translate("Main", "Machines"))
        self.list.setToolTip(translate("Main", "The virtual machines of this computer"))
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setWordWrap(True)
        self.again = Button(
            translate("Main", "Look a&gain"),
            translate("Main", "Ask the virtual machine manager again"),
            icon="restart",
            on_click=self._look,
        )
        self.simulate = Button(
            translate("Main", "&Try a simulated machine"),
            translate("Main", "Start a machine that exists only in memory, to try everything"),
            on_click=self._simulate,
        )
        self.settings = Button(
            translate("Main", "Settings"),
            translate("Main", "How Guest Bridge starts, and what it tells"),
            icon="settings",
            on_click=self.show_settings,
        )
        self.page = MachinePage(model)
        self.empty = EmptyState("computer", "", "")
        self._stack = QStackedWidget()
        self._stack.addWidget(self.empty)
        self._stack.addWidget(self.page)
        side = QFrame()
        side.setProperty("kind", "card")
        side.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
        self.list.setIconSize(QSize(scaled(20), scaled(20)))
        name = heading(translate("Main", "Machines"))
        inside = column(name, self.list, self.again, self.simulate, self.settings, gap=1, margin=2)
        inside.addStrut(scaled(24 * SPACE))
        side.setLayout(inside)
        upper = row(side, self._stack, gap=0)
        upper.setStretch(1, 1)
        understood = Button(
            translate("Main", "Underst&ood"),
            translate("Main", "Hide this message"),
            on_click=self._understood,
        )
        self.no_tray = Notice(
            translate(
                "Main",
                "There is no tray here: closing this window ends Guest Bridge.",
            ),
            tone=Tone.INFO,
            buttons=[understood],
        )
        self.no_tray.hide()
        self.trouble = Notice("", tone=Tone.WARN)
        self.trouble.hide()
        whole = column(upper, self.trouble, self.no_tray, gap=2)
        whole.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
        whole.setStretch(0, 1)
        self.fill(whole)
        preferences = QShortcut(QKeySequence(QKeySequence.StandardKey.Preferences), self)
        preferences.activated.connect(self.show_settings)
        self.list.currentItemChanged.connect(lambda *_: self._show_chosen())
        model.changed.connect(self._refresh)
        self._refresh()
        self.list.setFocus()

    def show_machine(self, machine: str) -> None:
        """Choose a machine by its id."""
        self._wanted = machine
        self._show_chosen()
        self._refresh()

    def raise_(self) -> None:
        """Come to the front, also from minimised or hidden."""
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.show()
        super().raise_()
        self.activateWindow()

    def _refresh(self) -> None:
        machines = self._model.snapshot.machines
        wanted = self._wanted or self._chosen()
        self._wanted = ""
        self.list.blockSignals(True)  # noqa: FBT003 — Qt's signature
        self._fill(machines)
        known = [machine.id for machine in machines]
        self.list.setCurrentRow(known.index(wanted) if wanted in known else 0)
        self.list.blockSignals(False)  # noqa: FBT003 — Qt's signature
        self.simulate.setVisible(not self._model.snapshot.simulating)
        self._tell_trouble()
        self._choose()

    def _tell_trouble(self) -> None:
        """libvirt fails, and what is shown of its machines is what was last heard."""
        problem = self._model.snapshot.problem if self._model.snapshot.machines else None
        said = f"{problem.sentence(translate)} {problem.hint(translate)}" if problem is not None else ""
        if said != self.trouble.label.text():
            self.trouble.show_text(said, Tone.WARN)
            announce(self, said)
        self.trouble.setVisible(bool(said))

    def _fill(self, machines: tuple[Machine, ...]) -> None:
        while self.list.count() > len(machines):
            self.list.takeItem(self.list.count() - 1)
        for at, machine in enumerate(machines):
            if at == self.list.count():
                self.list.addItem(QListWidgetItem(icons.icon("computer"), ""))
            item = self.list.item(at)
            item.setText(f"{machine.name}\n{words.brief(machine)}")
            item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{machine.name}, {words.brief(machine)}")
            item.setData(_ID, machine.id)

    def _chosen(self) -> str:
        item = self.list.currentItem()
        return str(item.data(_ID)) if item is not None else ""

    def _choose(self) -> None:
        if self.settings_page is not None and self._stack.currentWidget() is self.settings_page:
            return  # until the person goes back
        self._show_chosen()

    def show_settings(self) -> None:
        """Show the settings; made when they are wanted first."""
        if self.settings_page is None:
            from neuron_guest_bridge.window_settings import SettingsPage

            self.settings_page = SettingsPage(self._settings, back=self._leave_settings)
            self._stack.addWidget(self.settings_page)
        self.settings_page.show_present()
        self._stack.setCurrentWidget(self.settings_page)
        self.settings_page.session.setFocus()

    def _leave_settings(self) -> None:
        self._show_chosen()
        self.list.setFocus()

    def _show_chosen(self) -> None:
        machine = self._model.snapshot.find(self._chosen())
        if machine is not None:
            self.page.show_machine(machine)
            self._stack.setCurrentWidget(self.page)
            return
        self._explain()
        self._stack.setCurrentWidget(self.empty)

    def _explain(self) -> None:
        snapshot = self._model.snapshot
        if snapshot.problem is not None:
            name, sentence = snapshot.problem.sentence(translate), snapshot.problem.hint(translate)
        elif not snapshot.looked:
            name, sentence = translate("Main", "Looking for virtual machines…"), ""
        else:
            name = translate("Main", "No virtual machine yet")
            sentence = translate(
                "Main",
                "Create one in your virtual machine manager, or try everything with a simulated machine.",
            )
        self.empty.name.setText(name)
        self.empty.sentence.setText(sentence)

    def _understood(self) -> None:
        self.no_tray.hide()
        self.list.setFocus()

    def _look(self) -> None:
        self._model.machines.look()

    def _simulate(self) -> None:
        self.simulate.setEnabled(False)

        def begun(_: None) -> None:
            self.simulate.setEnabled(True)
            self.list.setFocus()

        def failed(error: NeuronError) -> None:
            self.simulate.setEnabled(True)
            show_error(self, error, heading=translate("Main", "The simulated machine did not start"))

        self._wanted = "simulated"
        self._model.run(self._model.machines.simulate, owner=self, done=begun, failed=failed)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        if recolored(event) and hasattr(self, "page"):
            for row in range(self.list.count()):
                self.list.item(row).setIcon(icons.icon("computer"))
        super().changeEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Hide where a tray keeps the program reachable, else end it."""
        if self.stays:
            event.ignore()
            self.hide()
        else:
            super().closeEvent(event)
            self.closed.emit()
