"""What the window asks in dialogs of its own: which file, which settings, where to put the report."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog

from libneuron.errors import NeuronError
from libneuron.progress import Progress
from libneuron.system.files import write_atomic
from libneuron.ui.dialogs import show_error
from libneuron.ui.text import translate
from libneuron.updates.errors import UpdateError
from libneuron.updates.settings import Settings
from neuron_update_guardian.file_dialog import FileDialog
from neuron_update_guardian.settings_dialog import SettingsDialog
from neuron_update_guardian.source import Source

if TYPE_CHECKING:
    from neuron_update_guardian.window import GuardianWindow


class Asking:
    """Belongs to ``window``, which does the work; ``titles`` names checks by id."""

    def __init__(self, window: GuardianWindow, source: Source, titles: Mapping[str, str]) -> None:
        self._window = window
        self._source = source
        self._titles = dict(titles)
        self.files: FileDialog | None = None
        self.settings: SettingsDialog | None = None

    def file_wanted(self, update: str) -> None:
        """Show which files can be had back from a restore point, and ask for one."""
        self._window.start_work(
            translate("Guardian", "Looking which files differ"),
            lambda _progress: self._source.files(update),
            lambda files: self._show_files(update, files),
        )

    def _show_files(self, update: str, files: tuple[str, ...]) -> None:
        self.files = FileDialog(self._window, files)
        self.files.chosen.connect(lambda file: self._restore(update, file))
        self.files.open()

    def _restore(self, update: str, file: str) -> None:
        self._window.start_work(
            translate("Guardian", "Restoring the file"),
            lambda _progress: self._source.restore_file(update, file),
            lambda kept: self._window.say(self._restored(file, kept)),
        )

    @staticmethod
    def _restored(file: str, kept: str) -> str:
        if not kept:
            return translate("Guardian", "{file} is back.").format(file=file)
        text = translate("Guardian", "{file} is back. The one before is kept as {kept}.")
        return text.format(file=file, kept=kept)

    def settings_wanted(self) -> None:
        """Show the settings."""
        try:
            settings, titles = self._source.settings()
        except NeuronError as error:
            show_error(self._window, error, heading=translate("Guardian", "The settings cannot be read"))
            return
        named = {name: self._titles.get(name, title) for name, title in titles.items()}
        self.settings = SettingsDialog(self._window, settings, named)
        self.settings.wished.connect(lambda wished: self._configure(settings, wished))
        self.settings.open()

    def _configure(self, before: Settings, wished: Settings) -> None:
        if wished != before:
            self._window.start_work(
                translate("Guardian", "Saving the settings"),
                lambda _progress: self._source.configure(wished),
                lambda _none: self._window.say(translate("Guardian", "The settings are saved.")),
            )

    def report_wanted(self) -> None:
        """Ask where to, and save everything known."""
        dialog = QFileDialog(self._window, translate("Guardian", "Save a report"))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilters([translate("Guardian", "Reports (*.json)")])
        dialog.setDefaultSuffix("json")
        dialog.selectFile("update-guardian.json")
        dialog.fileSelected.connect(lambda path: self.save_report(Path(path)))
        dialog.open()

    def save_report(self, path: Path) -> None:
        """Save everything known as ``path``."""

        def work(_progress: Progress) -> None:
            text = json.dumps(self._source.report(), ensure_ascii=False, indent=1)
            try:
                write_atomic(path, f"{text}\n".encode(), mode=0o600)
            except OSError as error:
                raise UpdateError(
                    "updates.report-failed", path=str(path), reason=error.strerror or repr(error)
                ) from error

        saved = translate("Guardian", "The report is saved as {path}.")
        self._window.start_work(
            translate("Guardian", "Saving the report"),
            work,
            lambda _none: self._window.say(saved.format(path=path)),
        )
