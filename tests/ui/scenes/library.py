"""The shared dialogs and widgets, as every app shows them."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QCheckBox, QLineEdit, QWidget

from libneuron.progress import ProgressView
from libneuron.system.errors import SystemAccessError
from libneuron.ui.dialogs import ConfirmDialog, ErrorDialog, show_error
from libneuron.ui.pages import Page, PageStack
from libneuron.ui.progress import ProgressPanel
from libneuron.ui.text import translate
from libneuron.ui.theme import SPACE
from libneuron.ui.widgets import (
    Button,
    Card,
    EmptyState,
    Notice,
    Status,
    Text,
    Tone,
    column,
    icon_button,
    row,
)
from libneuron.ui.window import Window


def error() -> QWidget:
    """An error as it first appears."""
    problem = SystemAccessError(
        "system.program-failed",
        program="virsh",
        status="1",
        details="$ virsh start win11\nerror: no such domain",
    )
    return show_error(None, problem, heading=translate("Scenes", "The virtual machine did not start"))


def error_details() -> QWidget:
    """An error with its details open."""
    dialog = error()
    assert isinstance(dialog, ErrorDialog)
    dialog.more.setChecked(True)
    return dialog


def confirm() -> QWidget:
    """A destructive question."""
    return ConfirmDialog(
        None,
        name=translate("Scenes", "Delete this snapshot?"),
        sentence=translate("Scenes", "The state before Monday’s update can then no longer be restored."),
        action=translate("Scenes", "&Delete snapshot"),
        action_tip=translate("Scenes", "Remove the snapshot for good"),
        destructive=True,
    )


def progress() -> QWidget:
    """Work half-way through."""
    panel = ProgressPanel(translate("Scenes", "Copying your files"), can_pause=True)
    panel.show_view(
        ProgressView(
            done=5_400_000_000,
            total=12_000_000_000,
            unit="bytes",
            item="/media/windows/Users/Ada/Pictures/2019/Summer in Jutland/IMG_20190714_183311.jpg",
            rate=9e7,
            remaining=75.0,
            cancellable=True,
            paused=False,
        )
    )
    window = Window(translate("Scenes", "Progress"), column(panel, None, margin=3), size=QSize(520, 200))
    panel.cancel.setFocus()
    return window


def pages() -> QWidget:
    """The second of three pages."""
    first = Page(translate("Scenes", "Where from"), "")
    field = QLineEdit("/media/windows")
    field.setAccessibleName(translate("Scenes", "Folder"))
    field.setToolTip(translate("Scenes", "The folder to read"))
    check = QCheckBox(translate("Scenes", "&Include hidden files"))
    check.setToolTip(translate("Scenes", "Also bring files that Windows hides"))
    second = Page(
        translate("Scenes", "What to bring"),
        translate("Scenes", "Nothing is changed on the Windows side. You can change your mind later."),
        Card(
            translate("Scenes", "Documents"),
            Text(translate("Scenes", "Letters, tables and everything else in your document folder.")),
            Status(translate("Scenes", "Readable"), Tone.GOOD),
            row(
                field,
                icon_button(
                    "folder",
                    translate("Scenes", "Choose folder"),
                    translate("Scenes", "Opens a window to look for another folder"),
                ),
            ),
            check,
        ),
        Notice(translate("Scenes", "Two files are only in the cloud and cannot come along."), tone=Tone.WARN),
        Notice(translate("Scenes", "There is enough room on the disk."), tone=Tone.GOOD),
    )
    second.first_focus = field
    stack = PageStack([first, second, Page(translate("Scenes", "Done"), "")])
    stack.go_to(second)
    return Window(translate("Scenes", "Pages"), column(stack), size=QSize(820, 560))


def empty() -> QWidget:
    """A list without entries."""
    button = Button(
        translate("Scenes", "&Look again"), translate("Scenes", "Search for virtual machines"), icon="restart"
    )
    state = EmptyState(
        "computer",
        translate("Scenes", "No virtual machine found"),
        translate("Scenes", "Create one in your virtual machine manager, then look again."),
        button,
    )
    window = Window(translate("Scenes", "Empty"), column(state, margin=3), size=QSize(56 * SPACE, 40 * SPACE))
    button.setFocus()
    return window


SCENES = {
    "library-error": error,
    "library-error-details": error_details,
    "library-confirm": confirm,
    "library-progress": progress,
    "library-pages": pages,
    "library-empty": empty,
}

DATA = (
    "/media/windows/Users/Ada/Pictures/2019/Summer in Jutland/IMG_20190714_183311.jpg",
    "GiB",
    "$ virsh start win11\nerror: no such domain",
)
