"""Starting the wizard."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import QCoreApplication

from libneuron.migration.home import Home
from libneuron.migration.session import Run
from libneuron.system.apart import apart
from libneuron.system.clock import RealClock
from libneuron.system.files import Root
from libneuron.ui.app import application, run
from libneuron.ui.text import install_translators, translate
from neuron_migration_assistant.window import MigrationWindow
from neuron_migration_assistant.work import Job

APP_ID = "org.neuronos.MigrationAssistant"


def prepare() -> QCoreApplication:
    """In the process that works: notes and reports are in the person's language."""
    app = QCoreApplication([])
    install_translators(app)
    return app


elsewhere = partial(apart, prepare=prepare)


def main() -> int:
    """Show the wizard until it is closed; returns the exit status."""
    app = application(app_id=APP_ID, name="Migration Assistant")
    app.setApplicationDisplayName(translate("Migration", "Migration Assistant"))

    def window() -> MigrationWindow:
        home = Home(Path.home(), Root())
        job = Job(home, RealClock(), Root(), translate, elsewhere)
        return MigrationWindow(job, interrupted=Run.unfinished(home.path))

    return run(app, window)
