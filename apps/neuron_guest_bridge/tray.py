"""The tray icon: the state in picture and words, and per machine what is needed most often."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QRectF, Qt
from PySide6.QtGui import QAction, QActionGroup, QColor, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QMenu, QSystemTrayIcon

from libneuron.errors import NeuronError
from libneuron.guest.api import GuestApp
from libneuron.guest.clipboard.rules import Direction, Side
from libneuron.guest.wire.requests import Permission
from libneuron.ui.icons import app_icon, pixmap
from libneuron.ui.text import translate
from libneuron.ui.theme import theme
from neuron_guest_bridge import words
from neuron_guest_bridge.machines import Machine
from neuron_guest_bridge.model import Model

_APPS = 15  # in the menu; the window has them all
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
        self._menus: dict[str, QMenu] = {}
        self._shown: dict[str, tuple[Machine, tuple[GuestApp, ...]]] = {}
        self._below = self.menu.addSeparator()
        self._add(self.menu, translate("Tray", "&Open Guest Bridge"), lambda: self._open(""))
        self._add(self.menu, translate("Tray", "&Quit"), self._leave)
        self.icon = icon or QSystemTrayIcon()
        if shown is None:
            self.icon.setContextMenu(self.menu)
        self.icon.activated.connect(self._activated)
        model.changed.connect(self.refresh)
        model.apps_changed.connect(self.refresh)
        self.refresh()

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
        self._fill(machines)

    def _fill(self, machines: tuple[Machine, ...]) -> None:
        """Entries that stay the same stay the same objects: a click on an open menu must not miss."""
        known = {machine.id for machine in machines}
        for gone in self._menus.keys() - known:
            menu = self._menus.pop(gone)
            self._shown.pop(gone)
            self.menu.removeAction(menu.menuAction())
            menu.deleteLater()
        for machine in machines:
            if machine.id not in self._menus:
                self._menus[machine.id] = QMenu(self.menu)
                self.menu.insertMenu(self._below, self._menus[machine.id])
            value = (machine, self._model.apps.get(machine.id, ()))
            if self._shown.get(machine.id) != value:
                self._shown[machine.id] = value
                self._rebuild(self._menus[machine.id], machine)
        self._below.setVisible(bool(machines))

    def _rebuild(self, menu: QMenu, machine: Machine) -> None:
        name = translate("Tray", "{name} ({state})").format(name=machine.name, state=words.brief(machine))
        menu.setTitle(name)
        menu.clear()
        for below in menu.findChildren(QMenu, options=Qt.FindChildOption.FindDirectChildrenOnly):
            below.deleteLater()  # clear() takes out their entries only
        self._machine_menu(menu, machine)

    @staticmethod
    def _add(menu: QMenu, text: str, do: Callable[[], object]) -> QAction:
        action = menu.addAction(text)
        action.triggered.connect(lambda _checked=False: do())
        return action

    def _machine_menu(self, menu: QMenu, machine: Machine) -> None:
        for name in machine.acts:
            self._add(menu, words.act(name).text, partial(self._act, machine, name))
        menu.addSeparator()
        if machine.ready:
            self._clipboard_menu(menu.addMenu(translate("Tray", "&Clipboard")), machine)
            self._apps_menu(menu.addMenu(translate("Tray", "&Applications")), machine)
            if machine.can_follow:
                change = partial(self._model.machines.follow, machine.id, on=not machine.follows)
                text = translate("Tray", "&Match window size")
                action = self._add(menu, text, partial(self._run, machine, change))
                action.setCheckable(True)
                action.setChecked(machine.follows)
            if Permission.SCREENSHOT in machine.allowed:
                self._add(menu, translate("Tray", "Take pictur&e"), partial(self._take_picture, machine))
            menu.addSeparator()
        self._add(menu, translate("Tray", "Show in &window"), partial(self._open, machine.id))

    def _clipboard_menu(self, menu: QMenu, machine: Machine) -> None:
        group = QActionGroup(menu)
        for value in (Direction.BOTH, Direction.TO_GUEST, Direction.TO_HOST, Direction.OFF):
            change = partial(self._model.machines.set_direction, machine.id, value)
            action = self._add(menu, words.direction(value), partial(self._run, machine, change))
            action.setCheckable(True)
            action.setChecked(machine.clipboard is value)
            group.addAction(action)
        menu.addSeparator()
        for side, text in (
            (Side.HOST, translate("Tray", "&Send what I copied here")),
            (Side.GUEST, translate("Tray", "&Fetch what was copied there")),
        ):
            send = partial(self._model.machines.send_copy, machine.id, side)
            do = partial(self._open, machine.id) if machine.manual else partial(self._run, machine, send)
            self._add(menu, text, do).setEnabled(machine.sharing)

    def _apps_menu(self, menu: QMenu, machine: Machine) -> None:
        apps = self._model.apps.get(machine.id, ())
        known = {app.path: app for app in apps}
        first = dict.fromkeys((*machine.favourites, *machine.recent))
        last = [known[path] for path in first if path in known]
        for app in last:
            self._add_app(menu, machine, app)
        if last:
            menu.addSeparator()
        for app in apps[:_APPS]:
            self._add_app(menu, machine, app)
        if not apps:
            menu.addAction(translate("Tray", "None known yet")).setEnabled(False)
        elif len(apps) > _APPS:
            self._add(menu, translate("Tray", "&More in the window…"), partial(self._open, machine.id))

    def _add_app(self, menu: QMenu, machine: Machine, app: GuestApp) -> None:
        launch = partial(self._model.machines.launch, machine.id, app.path, app.name)
        self._add(menu, app.name.replace("&", "&&"), partial(self._run, machine, launch))

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
