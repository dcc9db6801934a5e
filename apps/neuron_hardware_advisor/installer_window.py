"""``--installer``: one window for the live user of an installer. No bus; saves a choice, changes nothing."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QCheckBox, QWidget

from libneuron.errors import NeuronError
from libneuron.hardware import advice, installer
from libneuron.hardware import report as reports
from libneuron.hardware.boot.cmdline import Wish
from libneuron.hardware.installer import Choice
from libneuron.hardware.report import Report
from libneuron.system.paths import user_paths
from libneuron.ui.announce import announce
from libneuron.ui.app import application, run
from libneuron.ui.dialogs import show_error
from libneuron.ui.tasks import tasks
from libneuron.ui.text import translate
from libneuron.ui.widgets import Button, Notice, Scroller, Text, Tone, column, muted, row, title
from libneuron.ui.window import Window
from neuron_hardware_advisor.texts import ANSWER_TONES


class InstallerWindow(Window):
    """Empty until :meth:`show_report`; ``path`` is where the choice goes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.report: Report | None = None
        self.answer = Text(translate("Installer", "Looking at this PC…"))
        self.reason = muted("")
        self.wanted = QCheckBox(translate("Installer", "&Prepare the new system for it"))
        self.wanted.setToolTip(
            translate(
                "Installer", "The new system starts with the options below; this can be taken back later"
            )
        )
        self.options = muted("")
        self.later = Notice(
            translate(
                "Installer",
                "Nothing is changed now. What you choose becomes part of the new system, and the Hardware"
                " Advisor there can take it back.",
            ),
            tone=Tone.INFO,
        )
        self.save = Button(
            translate("Installer", "&Save my choice"),
            translate("Installer", "Remember this for the installation, and close the window"),
            on_click=self.keep,
        )
        self.leave = Button(
            translate("Installer", "&Cancel"),
            translate("Installer", "Close the window without a choice; nothing is prepared"),
        )
        self.leave.clicked.connect(self.close)
        self.save.setEnabled(False)
        self.save.setDefault(True)
        for widget in (self.wanted, self.options):
            widget.hide()
        top = column(
            title(translate("Installer", "A graphics card for Windows")),
            self.answer,
            self.reason,
            self.wanted,
            self.options,
            self.later,
            None,
            gap=2,
            margin=2,
        )
        body = column(Scroller(top), row(None, self.leave, self.save, margin=2))
        body.setStretch(0, 1)
        super().__init__(translate("Installer", "Hardware Advisor"), body, size=QSize(640, 480))
        self.leave.setFocus()

    def look(self, read: Callable[[], Report]) -> None:
        """Read the PC off Qt's thread."""
        tasks().start(lambda _progress: read(), owner=self, done=self.show_report, failed=self._failed)

    def _failed(self, error: NeuronError) -> None:
        self.answer.setText(error.sentence(translate))
        show_error(self, error, heading=translate("Installer", "This PC could not be read"))

    def show_report(self, report: Report) -> None:
        """Say the answer, and offer what the new system can be prepared with."""
        self.report = report
        verdict = report.verdict
        self.answer.setText(reports.verdict_text(verdict, translate))
        self.answer.set_tone(ANSWER_TONES[verdict.answer])
        self.reason.setText(verdict.because.title(translate) if verdict.because is not None else "")
        wish = advice.wanted(report.findings)
        useful = wish != Wish()
        lines = (
            [translate("Installer", "Adds: {words}").format(words="  ".join(wish.set))] if wish.set else []
        )
        if wish.unset:
            lines.append(translate("Installer", "Leaves out: {words}").format(words="  ".join(wish.unset)))
        self.options.setText("\n".join(lines))
        for widget in (self.wanted, self.options):
            widget.setVisible(useful)
        self.wanted.setChecked(useful)
        self.save.setEnabled(True)
        (self.wanted if useful else self.save).setFocus(Qt.FocusReason.OtherFocusReason)
        announce(self, self.answer.text())

    def choice(self) -> Choice:
        """What the person has chosen."""
        if self.report is None or not self.wanted.isChecked():
            return Choice(Wish())
        return Choice(advice.wanted(self.report.findings))

    def keep(self) -> None:
        """Save the choice and close."""
        try:
            installer.save(self.path, self.choice())
        except NeuronError as error:
            show_error(self, error, heading=translate("Installer", "Your choice was not saved"))
            return
        self.close()


def main(words: Sequence[str] = ()) -> int:
    """Run the window; returns the exit status."""
    parser = argparse.ArgumentParser(prog="neuron-hardware-advisor --installer")
    parser.add_argument("--choice", type=Path, metavar="FILE", help="where the choice is saved")
    options = parser.parse_args(list(words))
    path = options.choice or user_paths().runtime / installer.NAME
    app = application(app_id="org.neuronos.HardwareAdvisor", name=translate("Installer", "Hardware Advisor"))
    windows: list[QWidget] = []

    def first() -> QWidget:
        from neuron_hardware_advisor import sources

        window = InstallerWindow(path)
        windows.append(window)
        window.look(sources.this_pc)
        return window

    return run(app, first)
