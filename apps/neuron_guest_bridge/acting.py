"""What window and tray do to a machine in the same way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from PySide6.QtCore import QStandardPaths, Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QDialog, QWidget

from libneuron.errors import NeuronError
from libneuron.guest.hypervisor.domains import Power
from libneuron.ui.dialogs import confirm, show_error
from libneuron.ui.text import translate
from neuron_guest_bridge.machines import Act, Machine
from neuron_guest_bridge.model import Model
from neuron_guest_bridge.pictures import save


def act_on(model: Model, machine: Machine, name: str, *, parent: QWidget | None) -> None:
    """Change a machine's power, or show its screen, asking first where something could be lost."""

    def failed(error: NeuronError) -> None:
        show_error(
            parent, error, heading=translate("Machine", "{name} was not changed").format(name=machine.name)
        )

    def done(_: None) -> None:
        # Who switches a machine on wants to see it; one that only slept is seen already.
        if name == Act.START and machine.power in (Power.OFF, Power.CRASHED):
            show_screen(model, machine, parent=parent)

    def go() -> None:
        owner = parent if parent is not None else model
        model.run(lambda: model.machines.power(machine.id, name), owner=owner, done=done, failed=failed)

    if name == Act.SCREEN:
        show_screen(model, machine, parent=parent)
        return
    if name != Act.POWER_OFF:
        go()
        return
    confirm(
        parent,
        heading=translate("Machine", "Cut the power of {name}?").format(name=machine.name),
        sentence=translate(
            "Machine",
            "It stops at once, as if unplugged. What is not saved in it is lost. “Shut down” is safe.",
        ),
        action=translate("Machine", "Cut the &power"),
        action_tip=translate("Machine", "Switch the machine off at once"),
        destructive=True,
        then=go,
    )


def show_screen(model: Model, machine: Machine, *, parent: QWidget | None) -> None:
    """Open a machine's screen with the person's viewer, if there is one."""

    def failed(error: NeuronError) -> None:
        heading = translate("Machine", "The screen of {name} was not opened").format(name=machine.name)
        show_error(parent, error, heading=heading)

    owner = parent if parent is not None else model
    model.run(lambda: model.machines.show_screen(machine.id), owner=owner, done=lambda _: None, failed=failed)


def pictures_folder() -> Path:
    """Where pictures of machines go."""
    place = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.PicturesLocation)
    return Path(place) / translate("Machine", "Guest Bridge")


def take_picture(
    model: Model, machine: Machine, *, parent: QWidget | None, done: Callable[[Path], object]
) -> None:
    """Keep a picture of a machine's desktop as a new file; ``done`` gets it."""
    folder = pictures_folder()

    def work() -> Path:
        found = model.machines.screenshot(machine.id)
        return save(folder, machine=machine.name, at=datetime.now(), png=found.png)  # noqa: DTZ005 — the person's

    def failed(error: NeuronError) -> None:
        heading = translate("Machine", "No picture was taken of {name}").format(name=machine.name)
        show_error(parent, error, heading=heading)

    model.run(work, owner=parent if parent is not None else model, done=done, failed=failed)


def open_folder(path: Path) -> None:
    """Show the folder of ``path`` in the file manager."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(path.parent)))


def pair_with(model: Model, machine: Machine, *, parent: QWidget) -> QDialog:
    """Open the pairing assistant for a machine."""
    from neuron_guest_bridge.window_pairing import PairingDialog

    assistant = PairingDialog(model, machine, parent)
    assistant.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    assistant.setWindowModality(Qt.WindowModality.WindowModal)
    assistant.open()
    return assistant
