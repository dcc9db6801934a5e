"""The tray icon: the state in picture and words, and per machine what is needed most often."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QMenu, QSystemTrayIcon

from libneuron.errors import NeuronError
from libneuron.guest.clipboard.rules import Direction, Side
from libneuron.ui.icons import app_icon, pixmap
from libneuron.ui.text import translate
from libneuron.ui.theme import theme
from neuron_guest_bridge import words
from neuron_guest_bridge.machines import Machine
from neuron_guest_bridge.menu_keeper import MenuKeeper
from neuron_guest_bridge.model import Model
from neuron_guest_bridge.tray_entries import What, Wish, entries

_SIZES = (22, 32, 48)


def badge(icon: QIcon, drawing: str, color: str) -> QIcon:
    """``icon`` with a small drawing at its corner: the state must not hang on colour alone."""
    made = QIcon()
    for size in _SIZES:
        picture = QPixmap(icon.pixmap(size, size))
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        side = size * 0.6
        corner = QRectF(picture.width() - side, picture.height() - side, side, side)
        painter.setBrush(QColor(color))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.drawEllipse(corner)
        inner = corner.adjusted(side * 0.18, side * 0.18, -side * 0.18, -side * 0.18)
        painter.drawPixmap(inner, pixmap(drawing, 48, tone="on_accent"), QRectF(0, 0, 48, 48))
        painter.end()
        made.addPixmap(picture)
    return made


class Tray(QObject):
    """``open_window`` is called with a machine's id, or "" for none in particular."""

    def __init__(
        self,
        model: Model,
        app_id: str,
        *,
        open_window: Callable[[str], None],
        leave: Callable[[], None],
        icon: QSystemTrayIcon | None = None,
    ) -> None:
        """``icon`` is one that is shown already, before there was anything to tell."""
        super().__init__()
        self._model = model
        self._open, self._leave = open_window, leave
        self._plain = app_icon(app_id)
        shown = icon.contextMenu() if icon is not None else None
        self.menu = shown or QMenu()
        self._below = self.menu.addSeparator()
        self._machines = MenuKeeper(self.menu, self._chosen, before=self._below)
        self._add(translate("Tray", "&Open Guest Bridge"), lambda: self._open(""))
        self._add(translate("Tray", "&Quit"), self._leave)
        self.icon = icon or QSystemTrayIcon()
        if shown is None:
            self.icon.setContextMenu(self.menu)
        self.icon.activated.connect(self._activated)
        model.changed.connect(self.refresh)
        model.apps_changed.connect(self.refresh)
        self.refresh()

    def _add(self, text: str, do: Callable[[], object]) -> None:
        self.menu.addAction(text).triggered.connect(lambda _checked=False: do())

    def refresh(self) -> None:
        """Show the present state."""
        machines = self._model.snapshot.machines
        connected = [machine.name for machine in machines if machine.ready]
        troubled = [machine.name for machine in machines if words.connection(machine).hint]
        colors = theme().colors
        problem = self._model.snapshot.problem
        if problem is not None and machines:
            icon = badge(self._plain, "attention", colors.warn)
            state = problem.sentence(translate)
        elif troubled:
            icon = badge(self._plain, "attention", colors.warn)
            state = translate("Tray", "needs attention: {names}").format(names=", ".join(troubled))
        elif connected:
            icon = badge(self._plain, "check", colors.good)
            state = translate("Tray", "connected to {names}").format(names=", ".join(connected))
        else:
            icon, state = self._plain, translate("Tray", "not connected")
        self.icon.setIcon(icon)
        self.icon.setToolTip(translate("Tray", "Guest Bridge: {state}").format(state=state))
        self._machines.show(entries(self._model.snapshot, self._model.apps))
        self._below.setVisible(bool(machines))

    def _chosen(self, wish: Wish) -> None:
        """Do it to the machine as it is now; what has gone meanwhile needs nothing any more."""
        machine = self._model.snapshot.find(wish.machine)
        if machine is None:
            return
        machines, value = self._model.machines, wish.value
        match wish.what:
            case What.POWER:
                self._act(machine, value)
            case What.DIRECTION:
                self._run(machine, lambda: machines.set_direction(machine.id, Direction(value)))
            case What.SEND if machine.manual:
                self._open(machine.id)
            case What.SEND:
                self._run(machine, lambda: machines.send_copy(machine.id, Side(value)))
            case What.LAUNCH:
                apps = self._model.apps.get(machine.id, ())
                name = next((app.name for app in apps if app.path == value), value)
                self._run(machine, lambda: machines.launch(machine.id, value, name))
            case What.FOLLOW:
                self._run(machine, lambda: machines.follow(machine.id, on=not machine.follows))
            case What.PICTURE:
                self._take_picture(machine)
            case What.WINDOW:
                self._open(machine.id)

    # Windows and what they need are loaded when one opens: most of the time the tray is all there is.

    def _act(self, machine: Machine, name: str) -> None:
        from neuron_guest_bridge.acting import act_on

        act_on(self._model, machine, name, parent=None)

    def _take_picture(self, machine: Machine) -> None:
        from neuron_guest_bridge.acting import take_picture

        take_picture(self._model, machine, parent=None, done=self._taken)

    def _taken(self, path: Path) -> None:
        said = translate("Tray", "Kept as {file}").format(file=path.name)
        self.icon.showMessage(translate("Tray", "Picture taken"), said, self.icon.icon())

    def _run(self, machine: Machine, work: Callable[[], object]) -> None:
        def failed(error: NeuronError) -> None:
            from libneuron.ui.dialogs import show_error

            show_error(
                None, error, heading=translate("Tray", "{name} did not do it").format(name=machine.name)
            )

        self._model.run(work, owner=self, done=lambda _: None, failed=failed)

    def _activated(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        if reason == QSystemTrayIcon.ActivationReason.Trigger:
            self._open("")

    def close(self) -> None:
        """Leave the tray."""
        self.icon.hide()
