"""Where Windows is: a drive from the list, or any folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QLineEdit

from libneuron.errors import NeuronError
from libneuron.migration.discover import Person
from libneuron.migration.drives import Drive
from libneuron.ui.dialogs import show_error
from libneuron.ui.pages import Buttons, Page
from libneuron.ui.tasks import tasks
from libneuron.ui.text import path, size, translate
from libneuron.ui.widgets import Button, Card, Text, heading, muted, row
from neuron_migration_assistant.choice import Choice
from neuron_migration_assistant.work import Job

_IMAGES = "*.vhdx *.vhd *.vmdk *.qcow2 *.vdi *.img *.raw *.dd"


class SourcePage(Page):
    """A list of drives and a path; Next looks for people there and only then goes on."""

    def __init__(self, job: Job, found: Callable[[], None]) -> None:
        self._job = job
        self._found = found
        self.drives = Choice(
            translate("Migration", "Drives"),
            translate("Migration", "The drives with files of Windows that are open here"),
        )
        self.drives.currentItemChanged.connect(self._choose_drive)
        self.nothing = muted(
            translate(
                "Migration",
                "No Windows drive is open here. Open it in your file manager, or choose a folder.",
            )
        )
        self.path = QLineEdit()
        self.path.setAccessibleName(translate("Migration", "Folder"))
        self.path.setToolTip(
            translate("Migration", "The Windows drive, its Users folder, a backup, or a disk image")
        )
        self.path.textChanged.connect(self._changed)
        self.choose = Button(
            translate("Migration", "Choose a &folder…"),
            translate("Migration", "Look for the folder yourself"),
            icon="folder",
            on_click=self._ask,
        )
        self.choose_image = Button(
            translate("Migration", "Choose a disk &image…"),
            translate("Migration", "Look for a file that holds a whole disk, such as a .vhdx"),
            icon="disk",
            on_click=self._ask_image,
        )
        self.key = QLineEdit()
        self.key.setAccessibleName(translate("Migration", "Recovery key"))
        self.key.setToolTip(
            translate("Migration", "Eight groups of six digits, with or without lines between")
        )
        self.locked = Card(
            translate("Migration", "BitLocker has locked this drive"),
            Text(
                translate(
                    "Migration",
                    "Type your recovery key. It is used to read the drive and is not kept. You find it at "
                    "account.microsoft.com/devices/recoverykey or on the sheet that Windows had you print.",
                )
            ),
            self.key,
        )
        self.state = Text("")
        super().__init__(
            translate("Migration", "Where from"),
            translate("Migration", "Choose the drive or folder with your Windows files."),
            self.locked,
            self.drives,
            self.nothing,
            heading(translate("Migration", "Folder")),
            self.path,
            row(self.choose, self.choose_image, None),
            self.state,
        )
        self.locked.hide()
        self.first_focus = self.path
        self._refresh()

    def entered(self) -> None:
        """Look for drives."""
        tasks().start(self._job.find_drives, owner=self, done=self.show_drives, failed=self._failed)

    def show_drives(self, drives: tuple[Drive, ...]) -> None:
        """Fill the list."""
        rows = []
        for drive in drives:
            words = (
                translate("Migration", "{path}\n{size}, Windows files of {people}")
                if drive.has_windows
                else translate("Migration", "{path}\n{size}")
            )
            if not drive.is_open:
                words = translate("Migration", "{path}\n{size}, not open yet")
            text = words.format(
                path=path(str(drive.path)), size=size(drive.size), people=", ".join(drive.people)
            )
            rows.append((text, str(drive.path)))
        wanted = self.path.text() or next((str(drive.path) for drive in drives if drive.has_windows), "")
        self.drives.fill(rows, wanted)
        self.drives.setVisible(bool(drives))
        self.nothing.setVisible(not drives)

    def leave(self) -> bool:
        """Look who is there; the wizard goes on once somebody was found."""
        path = Path(self.path.text()).expanduser()
        self._job.recovery_key = "" if self.locked.isHidden() else self.key.text()
        self.buttons = Buttons(next_enabled=False)
        self.state.setText(translate("Migration", "Looking…"))
        tasks().start(
            lambda progress: (path, self._job.find_people(path, progress)),
            owner=self,
            done=self._done,
            failed=self._failed,
        )
        return False

    def _done(self, found: tuple[Path, tuple[Person, ...]]) -> None:
        self._job.source, self._job.people = found
        self.state.setText("")
        self._refresh()
        self._found()

    def _failed(self, error: NeuronError) -> None:
        self.state.setText("")
        self._refresh()
        if error.code == "migration.bitlocker":
            self.locked.show()
            self.key.setFocus()
            return
        show_error(self, error, heading=translate("Migration", "Nothing to bring over was found"))

    def _refresh(self) -> None:
        self.buttons = Buttons(next_enabled=bool(self.path.text().strip()))

    def _changed(self) -> None:
        self.locked.hide()  # it was about another drive
        self.key.clear()
        self._refresh()

    def _choose_drive(self) -> None:
        if self.drives.value is not None:
            self.path.setText(self.drives.value)

    def _ask(self) -> None:
        dialog = QFileDialog(self, translate("Migration", "Choose the folder with your Windows files"))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        self._open(dialog)

    def _ask_image(self) -> None:
        dialog = QFileDialog(self, translate("Migration", "Choose a disk image"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        images = translate("Migration", "Disk images ({endings})").format(endings=_IMAGES)
        dialog.setNameFilters([images, translate("Migration", "All files (*)")])
        self._open(dialog)

    def _open(self, dialog: QFileDialog) -> None:
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.path.setText)
        dialog.open()
