"""A machine's applications: search, choose, start."""

from __future__ import annotations

import base64
import binascii

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QIcon, QPixmap
from PySide6.QtWidgets import QLineEdit, QListWidget, QListWidgetItem, QStackedWidget, QWidget

from libneuron.errors import NeuronError
from libneuron.guest.api import GuestApp
from libneuron.guest.menu import is_small_png
from libneuron.ui import icons
from libneuron.ui.announce import announce
from libneuron.ui.dialogs import confirm, show_error
from libneuron.ui.text import translate
from libneuron.ui.theme import scaled
from libneuron.ui.widgets import Button, EmptyState, column, labelled, row
from neuron_guest_bridge.machines import Machine
from neuron_guest_bridge.model import Model

_ICON = 32
_APP = Qt.ItemDataRole.UserRole


def picture(app: GuestApp) -> QIcon:
    """The application's own icon, else a general one. What a guest sends is only ever decoded as PNG."""
    try:
        data = base64.b64decode(app.icon, validate=True)
    except (binascii.Error, ValueError):
        data = b""
    made = QPixmap()
    if is_small_png(data) and made.loadFromData(data, "PNG"):  # a few bytes can decode to gigabytes
        return QIcon(made)
    return icons.icon("apps", tone="muted")


class AppsPage(QStackedWidget):
    """The applications of the machine it was last given."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self._model = model
        self._machine: Machine | None = None
        self._shown: tuple[tuple[GuestApp, ...], tuple[str, ...]] = ((), ())
        self.search = QLineEdit()
        self.search.setPlaceholderText(translate("Apps", "Part of a name"))
        self.search.setToolTip(translate("Apps", "Show only applications whose name contains this"))
        self.search.setClearButtonEnabled(True)
        label = labelled(translate("Apps", "S&earch"), self.search)
        self.list = QListWidget()
        self.list.setAccessibleName(translate("Apps", "Applications"))
        self.list.setToolTip(translate("Apps", "The machine’s applications; Enter starts the chosen one"))
        self.list.setIconSize(QSize(scaled(_ICON), scaled(_ICON)))
        self.start = Button(
            translate("Apps", "Start &application"),
            translate("Apps", "Start the chosen application in the machine"),
            icon="play",
            on_click=self._launch,
        )
        self.like = Button(
            translate("Apps", "&Favourite"),
            translate("Apps", "Have the chosen application at the top, here and in the tray"),
            on_click=self._like,
        )
        self.like.setCheckable(True)
        self.menu = Button(
            "",
            translate("Apps", "The machine’s applications among those of this computer, with their icons"),
            on_click=self._menu,
        )
        self.again = Button(
            translate("Apps", "Tr&y again"),
            translate("Apps", "Ask the machine for its applications again"),
            icon="restart",
            on_click=self._ask_again,
        )
        self.empty = EmptyState("apps", "", "", self.again)
        whole = QWidget()
        line = row(label, self.search, self.menu)
        whole.setLayout(column(line, self.list, row(self.like, None, self.start), gap=1))
        self.addWidget(self.empty)
        self.addWidget(whole)
        self._whole = whole
        model.apps_changed.connect(self._refresh)
        self.search.textChanged.connect(self._filter)
        self.list.itemActivated.connect(lambda _item: self._launch())
        self.list.itemSelectionChanged.connect(self._choose)

    def show_machine(self, machine: Machine) -> None:
        """Show a machine's applications as far as they are known."""
        self._machine = machine
        self.menu.setText(
            translate("Apps", "Remove from this des&ktop’s menu…")
            if machine.in_menu
            else translate("Apps", "Add to this des&ktop’s menu")
        )
        self._refresh()

    def _refresh(self) -> None:
        machine = self._machine
        if machine is None:
            return
        apps = self._model.apps.get(machine.id)
        problem = self._model.apps_problem.get(machine.id)
        if not machine.ready:
            self._say(
                translate("Apps", "Not connected"),
                translate("Apps", "The machine’s applications appear here once it is connected."),
            )
        elif problem is not None:
            self._say(problem.sentence(translate), problem.hint(translate), again=True)
        elif apps is None:
            self._say(translate("Apps", "Asking the machine…"), translate("Apps", "This takes a moment."))
        elif not apps:
            self._say(translate("Apps", "No applications"), translate("Apps", "The machine told of none."))
        else:
            self._fill(apps, machine.favourites)

    def _ask_again(self) -> None:
        if self._machine is not None:
            self._model.fetch_apps(self._machine.id)

    def _say(self, name: str, sentence: str, *, again: bool = False) -> None:
        self.again.setVisible(again)
        self.empty.name.setText(name)
        self.empty.sentence.setText(sentence)
        self.setCurrentWidget(self.empty)

    def _fill(self, apps: tuple[GuestApp, ...], favourites: tuple[str, ...]) -> None:
        if (apps, favourites) != self._shown:
            self._shown = (apps, favourites)
            chosen = self._chosen()
            self.list.clear()
            for app in sorted(apps, key=lambda app: app.path not in favourites):  # else as they came
                liked = app.path in favourites
                item = QListWidgetItem(picture(app), f"★ {app.name}" if liked else app.name)
                if liked:
                    said = translate("Apps", "{app}, favourite").format(app=app.name)
                    item.setData(Qt.ItemDataRole.AccessibleTextRole, said)
                item.setData(_APP, app)
                self.list.addItem(item)
            self._filter(self.search.text())
            if chosen in apps:
                self._select(chosen)
        self.setCurrentWidget(self._whole)

    def _filter(self, text: str) -> None:
        first = None
        for at in range(self.list.count()):
            item = self.list.item(at)
            item.setHidden(text.casefold() not in item.text().casefold())
            if first is None and not item.isHidden():
                first = at
        self.list.setCurrentRow(-1 if first is None else first)
        self._choose()

    def _select(self, app: GuestApp) -> None:
        for at in range(self.list.count()):
            item = self.list.item(at)
            if item.data(_APP) == app and not item.isHidden():
                self.list.setCurrentRow(at)

    def _choose(self) -> None:
        app, machine = self._chosen(), self._machine
        self.start.setEnabled(app is not None)
        self.like.setEnabled(app is not None)
        self.like.setChecked(app is not None and machine is not None and app.path in machine.favourites)

    def _like(self) -> None:
        app, machine = self._chosen(), self._machine
        if app is None or machine is None:
            return
        on = app.path not in machine.favourites
        self._model.run(
            lambda: self._model.machines.favour(machine.id, app.path, on=on),
            owner=self,
            done=lambda _: None,
            failed=lambda error: show_error(
                self.window(), error, heading=translate("Apps", "The favourites were not changed")
            ),
        )

    def _chosen(self) -> GuestApp | None:
        item = self.list.currentItem()
        app = item.data(_APP) if item is not None and not item.isHidden() else None
        return app if isinstance(app, GuestApp) else None

    def _menu(self) -> None:
        machine = self._machine
        if machine is None:
            return
        if not machine.in_menu:
            self._model.run(
                lambda: self._model.machines.export_menu(machine.id),
                owner=self,
                done=lambda count: announce(
                    self, translate("Apps", "%n application(s) are in the menu now.", None, count)
                ),
                failed=self._not_changed,
            )
            return
        confirm(
            self.window(),
            heading=translate("Apps", "Remove {name} from the menu?").format(name=machine.name),
            sentence=translate("Apps", "Its applications stay in the machine, and in this window."),
            action=translate("Apps", "&Remove from the menu"),
            action_tip=translate("Apps", "Delete the entries and their icons"),
            destructive=False,
            then=lambda: self._leave_menu(machine),
        )

    def _leave_menu(self, machine: Machine) -> None:
        self._model.run(
            lambda: self._model.machines.leave_menu(machine.id),
            owner=self,
            done=lambda _: announce(self, translate("Apps", "The entries are gone.")),
            failed=self._not_changed,
        )

    def _not_changed(self, error: NeuronError) -> None:
        show_error(self.window(), error, heading=translate("Apps", "The menu was not changed"))

    def _launch(self) -> None:
        app, machine = self._chosen(), self._machine
        if app is None or machine is None:
            return
        self._model.run(
            lambda: self._model.machines.launch(machine.id, app.path, app.name),
            owner=self,
            done=lambda _pid: announce(self, translate("Apps", "Started {app}.").format(app=app.name)),
            failed=lambda error: show_error(
                self.window(), error, heading=translate("Apps", "{app} did not start").format(app=app.name)
            ),
        )
