"""What a machine may do, one sentence each, and the keys that let it connect."""

from __future__ import annotations

from datetime import datetime

from PySide6.QtCore import QDateTime, QLocale, QSignalBlocker
from PySide6.QtWidgets import QCheckBox, QWidget

from libneuron.errors import NeuronError
from libneuron.guest.keys import Pairing
from libneuron.guest.wire.requests import Permission
from libneuron.ui.announce import announce
from libneuron.ui.dialogs import confirm, show_error
from libneuron.ui.text import locale, translate
from libneuron.ui.widgets import Card, Scroller, Text, column, danger_button, muted, row
from neuron_guest_bridge.machines import Machine
from neuron_guest_bridge.model import Model


def _sentences() -> dict[Permission, tuple[str, str]]:
    """Each permission: its name, and what it means."""
    return {
        Permission.CLIPBOARD_IN: (
            translate("Permissions", "See what you &copy here"),
            translate("Permissions", "Programs in the machine can paste what you copied on this computer."),
        ),
        Permission.CLIPBOARD_OUT: (
            translate("Permissions", "&Offer its copies here"),
            translate("Permissions", "What is copied in the machine can be pasted on this computer."),
        ),
        Permission.SECRETS: (
            translate("Permissions", "Share pass&words, too"),
            translate(
                "Permissions",
                "Also copies that a password manager marked as secret cross. "
                "Otherwise they stay where they are.",
            ),
        ),
        Permission.FILES: (
            translate("Permissions", "Exchange fi&les"),
            translate(
                "Permissions",
                "Files that you copy or send cross, and files copied in the machine can be pasted here.",
            ),
        ),
        Permission.LAUNCH: (
            translate("Permissions", "Have applications started i&n it"),
            translate("Permissions", "Guest Bridge lists its applications and windows, and starts them."),
        ),
        Permission.SCREENSHOT: (
            translate("Permissions", "Have pictures ta&ken of it"),
            translate("Permissions", "Guest Bridge can take a picture of what is on its screen."),
        ),
        Permission.POWER: (
            translate("Permissions", "B&e shut down from the inside"),
            translate(
                "Permissions", "Commands can ask its system to shut down or restart in an orderly way."
            ),
        ),
    }


class PermissionsPage(QWidget):
    """Each change holds at once, also for what is under way."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self._model = model
        self._machine: Machine | None = None
        self.boxes: dict[Permission, QCheckBox] = {}
        card = Card(translate("Permissions", "This machine may"))
        for permission, (name, sentence) in _sentences().items():
            box = QCheckBox(name)
            box.setToolTip(sentence)
            box.setAccessibleDescription(sentence)
            box.toggled.connect(lambda on, which=permission: self._change(which, on=on))
            self.boxes[permission] = box
            card.add(column(box, muted(sentence), gap=0))
        self.facts = Text("")
        self.forget = danger_button(
            translate("Permissions", "&Forget its keys…"),
            translate("Permissions", "The machine can no longer connect until it is paired anew"),
            on_click=self._ask,
        )
        self.keys = Card(translate("Permissions", "Pairing"), self.facts, row(self.forget, None))
        whole = column(Scroller(column(card, self.keys, None, gap=2)))
        self.setLayout(whole)

    def show_machine(self, machine: Machine) -> None:
        """Show what ``machine`` may do now."""
        before, self._machine = self._machine, machine
        for permission, box in self.boxes.items():
            with QSignalBlocker(box):
                box.setChecked(permission in machine.allowed)
        self.forget.setEnabled(machine.paired)
        if before is None or (before.id, before.paired, before.ready) != (
            machine.id, machine.paired, machine.ready,
        ):  # fmt: skip
            self._fetch(machine)

    def _fetch(self, machine: Machine) -> None:
        self._model.run(
            lambda: self._model.machines.pairing(machine.id),
            owner=self,
            done=lambda found: self._fill(machine.id, found),
            failed=lambda error: self.facts.setText(error.sentence(translate)),
        )

    def _fill(self, machine: str, found: Pairing | None) -> None:
        if self._machine is None or self._machine.id != machine:
            return  # another machine was chosen meanwhile
        if found is None or not found.paired:
            self.facts.setText(translate("Permissions", "Not paired: it cannot connect."))
            return
        self.facts.setText(
            translate("Permissions", "Paired on {when}. Fingerprint of its key: {print}").format(
                when=_when(found.paired_at), print=found.fingerprint[:23]
            )
        )

    def _change(self, permission: Permission, *, on: bool) -> None:
        machine = self._machine
        if machine is not None:
            self._model.run(
                lambda: self._model.machines.permit(machine.id, permission, on=on),
                owner=self,
                done=lambda _: announce(self, translate("Permissions", "This holds from now on.")),
                failed=self._failed,
            )

    def _failed(self, error: NeuronError) -> None:
        show_error(self.window(), error, heading=translate("Permissions", "The permissions were not changed"))
        if self._machine is not None:
            self.show_machine(self._machine)

    def _ask(self) -> None:
        machine = self._machine
        if machine is None:
            return

        def go() -> None:
            self._model.run(
                lambda: self._model.machines.forget(machine.id),
                owner=self,
                done=lambda _: announce(self, translate("Permissions", "The keys are gone.")),
                failed=lambda error: show_error(
                    self.window(),
                    error,
                    heading=translate("Permissions", "The keys were not forgotten"),
                ),
            )

        confirm(
            self.window(),
            heading=translate("Permissions", "Forget the keys of {name}?").format(name=machine.name),
            sentence=translate(
                "Permissions",
                "It can no longer connect, and Guest Bridge can do nothing in it, until it is paired anew.",
            ),
            action=translate("Permissions", "&Forget the keys"),
            action_tip=translate("Permissions", "Delete the keys of this machine"),
            destructive=True,
            then=go,
        )


def _when(at: str) -> str:
    """A time as kept with the keys, as the person's language writes it."""
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        return translate("Permissions", "an unknown day")
    local = QDateTime.fromSecsSinceEpoch(int(moment.timestamp()))
    return locale().toString(local.date(), QLocale.FormatType.LongFormat)
