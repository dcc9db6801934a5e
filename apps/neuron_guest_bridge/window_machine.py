"""One machine: its state, its power, what it shares, its applications."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QMenu, QTabWidget, QWidget

from libneuron.guest.wire.requests import Permission
from libneuron.ui.announce import announce
from libneuron.ui.text import translate
from libneuron.ui.theme import SPACE
from libneuron.ui.widgets import Button, Notice, Scroller, Status, Tone, column, icon_button, row, title
from neuron_guest_bridge import words
from neuron_guest_bridge.acting import act_on, open_folder, pair_with, take_picture
from neuron_guest_bridge.later import Later
from neuron_guest_bridge.machines import Machine
from neuron_guest_bridge.model import Model
from neuron_guest_bridge.window_activity import ActivityList
from neuron_guest_bridge.window_apps import AppsPage
from neuron_guest_bridge.window_carrying import Carrying
from neuron_guest_bridge.window_sending import Sending, files_in
from neuron_guest_bridge.window_sharing import ClipboardCard, DisplayCard


class MachinePage(QWidget):
    """Shows the machine that was chosen last."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self._model = model
        self._machine: Machine | None = None
        self.name = title("")
        self.power = Status("", Tone.MUTED)
        self.connection = Status("", Tone.MUTED)
        self.main = Button("", "", on_click=self._main)
        self.picture = icon_button(
            "camera",
            translate("Machine", "Take picture"),
            translate("Machine", "Keeps a picture of the machine’s desktop in your folder for pictures"),
            on_click=self._picture,
        )
        self.show_folder = Button(
            translate("Machine", "Open folder"),
            translate("Machine", "Show the picture in the file manager"),
            icon="folder",
            on_click=lambda: open_folder(self._path),
        )
        self.sending = Sending(model)
        self.send = icon_button(
            "to-guest",
            translate("Machine", "Send files"),
            translate("Machine", "Puts files into its folder of downloads; you can also drop them here"),
            on_click=self.sending.choose,
        )
        self.carrying = Carrying(model)
        self.setAcceptDrops(True)
        self._path = Path()
        self.taken = Notice("", tone=Tone.GOOD, buttons=[self.show_folder])
        self.taken.hide()
        self.more = Button(
            translate("Machine", "&More"),
            translate("Machine", "Other things to do with its power"),
            kind="menu",
        )
        self._menu = QMenu(self.more)
        self.more.setMenu(self._menu)
        self.simulated = Notice(
            translate(
                "Machine",
                "Simulated: its desktop exists only in memory.",
            ),
            tone=Tone.INFO,
        )
        self.pair = Button(
            translate("Machine", "&Pair…"),
            translate("Machine", "Connect this machine with Guest Bridge, step by step"),
            icon="key",
            on_click=self._pair,
        )
        self.hint = Notice("", tone=Tone.WARN, buttons=[self.pair])
        self.apps = AppsPage(model)
        self.clipboard = ClipboardCard(model)
        self.display = DisplayCard(model)
        self.activity = ActivityList(model.machines.lines)
        model.happened.connect(self.activity.add)
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self._tab(self.apps, translate("Machine", "Appl&ications"))
        sharing = column(self.clipboard, self.display, None, gap=2)
        self._tab(Scroller(sharing), translate("Machine", "Clipboard and &display"))
        self._tab(self.activity, translate("Machine", "Acti&vity"))
        self.permissions = Later(self._permissions)
        self.tabs.addTab(self.permissions, translate("Machine", "Pe&rmissions"))
        self.health = Later(self._health)
        self.tabs.addTab(self.health, translate("Machine", "Healt&h"))
        states = row(self.power, self.connection, gap=3)
        states.setStretch(1, 1)
        head = row(self.name, self.send, self.picture, self.main, self.more, gap=1)
        head.setStretch(0, 1)
        for button in (self.send, self.picture, self.main, self.more):
            head.setAlignment(button, Qt.AlignmentFlag.AlignTop)
        top = column(head, states, gap=1)
        moving = column(self.carrying, self.sending)
        whole = column(top, self.simulated, self.hint, moving, self.taken, self.tabs, gap=2)
        whole.setStretch(5, 1)
        whole.setContentsMargins(3 * SPACE, 3 * SPACE, 3 * SPACE, 3 * SPACE)
        self.setLayout(whole)

    def _permissions(self) -> QWidget:
        from neuron_guest_bridge.window_permissions import PermissionsPage

        return PermissionsPage(self._model)

    def _health(self) -> QWidget:
        from neuron_guest_bridge.window_health import HealthPage

        return HealthPage(self._model)

    def _tab(self, content: QWidget, name: str) -> None:
        page = QWidget()
        page.setLayout(column(content, margin=1))
        self.tabs.addTab(page, name)

    def show_machine(self, machine: Machine) -> None:
        """Show ``machine`` as it is now."""
        if self._machine is None or self._machine.id != machine.id:
            self.taken.hide()
        self._machine = machine
        self.picture.setVisible(machine.ready and Permission.SCREENSHOT in machine.allowed)
        self.carrying.show_machine(machine)
        self.sending.show_machine(machine)
        self.send.setVisible(machine.ready and Permission.FILES in machine.allowed)
        self.name.setText(machine.name)
        power, connection = words.power(machine), words.connection(machine)
        self.power.show_state(power.text, power.tone)
        self.connection.show_state(connection.text, connection.tone)
        self.simulated.setVisible(machine.simulated)
        self.hint.setVisible(bool(connection.hint))
        self.pair.setVisible(machine.wants_pairing)
        if connection.hint:
            self.hint.show_text(connection.hint, Tone.WARN)
        self._show_acts(machine)
        self.apps.show_machine(machine)
        self.clipboard.show_machine(machine)
        self.display.show_machine(machine)
        self.permissions.show_machine(machine)
        self.health.show_machine(machine)

    def _show_acts(self, machine: Machine) -> None:
        first, *others = machine.acts
        said = words.act(first)
        self.main.setText(said.text)
        self.main.setToolTip(said.tip)
        self.more.setVisible(bool(others))
        self._menu.clear()
        for name in others:
            action = QAction(words.act(name).text, self._menu)
            action.setToolTip(words.act(name).tip)
            action.triggered.connect(lambda _checked=False, name=name: self._act(name))
            self._menu.addAction(action)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take files that can be sent."""
        # A copy only: after a move the other program would remove its files.
        copies = bool(event.possibleActions() & Qt.DropAction.CopyAction)
        if copies and self.sending.possible and files_in(event.mimeData()):
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()

    def dropEvent(self, event: QDropEvent) -> None:
        """Send what was dropped."""
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        self.sending.send(files_in(event.mimeData()))

    def _main(self) -> None:
        if self._machine is not None:
            self._act(self._machine.acts[0])

    def _picture(self) -> None:
        machine = self._machine
        if machine is not None:
            take_picture(self._model, machine, parent=self.window(), done=self._taken)

    def _taken(self, path: Path) -> None:
        self._path = path
        text = translate("Machine", "Kept as {file}").format(file=path.name)
        self.taken.show_text(text, Tone.GOOD)
        self.taken.show()
        announce(self, text)

    def _pair(self) -> None:
        if self._machine is not None:
            pair_with(self._model, self._machine, parent=self.window())

    def _act(self, name: str) -> None:
        if self._machine is not None:
            act_on(self._model, self._machine, name, parent=self.window())
