"""A machine's applications: search, choose, start."""

from __future__ import annotations

import os

from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QStackedWidget, QWidget

from libneuron.errors import NeuronError
from libneuron.system.paths import user_paths
from libneuron.ui.announce import announce
from libneuron.ui.dialogs import confirm, show_error
from libneuron.ui.field import Field
from libneuron.ui.text import translate
from libneuron.ui.theme import recolored
from libneuron.ui.widgets import Button, EmptyState, column, labelled, row
from neuron_guest_bridge.machines import Machine
from neuron_guest_bridge.model import Model
from neuron_guest_bridge.window_apps_list import AppsList

_LONGEST = 64 * 1024  # bytes that can be pasted into the search


def _copied() -> str | None:
    from libneuron.system.clipboard.once import text_once

    return text_once(os.environ, spool=user_paths().cache / "clipboard", most=_LONGEST)


class AppsPage(QStackedWidget):
    """The applications of the machine it was last given."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self._model = model
        self._machine: Machine | None = None
        self.search = Field(_copied)
        self.search.setPlaceholderText(translate("Apps", "Part of a name"))
        self.search.setToolTip(translate("Apps", "Show only applications whose name contains this"))
        self.search.setClearButtonEnabled(True)
        label = labelled(translate("Apps", "S&earch"), self.search)
        self.list = AppsList()
        self.list.setAccessibleName(translate("Apps", "Applications"))
        self.list.setToolTip(translate("Apps", "The machine’s applications; Enter starts the chosen one"))
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
        self.search.textChanged.connect(self._search)
        self.list.activated.connect(lambda _index: self._launch())
        self.list.selectionModel().currentChanged.connect(lambda _now, _before: self._choose())

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
            self.list.show_apps(apps, machine.favourites)
            self._choose()
            self.setCurrentWidget(self._whole)

    def _ask_again(self) -> None:
        if self._machine is not None:
            self._model.fetch_apps(self._machine.id)

    def _say(self, name: str, sentence: str, *, again: bool = False) -> None:
        self.again.setVisible(again)
        self.empty.name.setText(name)
        self.empty.sentence.setText(sentence)
        self.setCurrentWidget(self.empty)

    def _search(self, text: str) -> None:
        self.list.search(text)
        self._choose()

    def _choose(self) -> None:
        app, machine = self.list.chosen, self._machine
        self.start.setEnabled(app is not None)
        self.like.setEnabled(app is not None)
        self.like.setChecked(app is not None and machine is not None and app.path in machine.favourites)

    def _like(self) -> None:
        app, machine = self.list.chosen, self._machine
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
        app, machine = self.list.chosen, self._machine
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

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        if recolored(event) and hasattr(self, "list"):
            self.list.forget_pictures()
        super().changeEvent(event)
