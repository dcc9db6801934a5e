"""Starting the wizard."""

from __future__ import annotations

from pathlib import Path

from libneuron.migration.home import Home
from libneuron.migration.session import Run
from libneuron.system.clock import RealClock
from libneuron.system.files import Root
from libneuron.ui.app import application, run
from libneuron.ui.text import translate
from neuron_migration_assistant.window import MigrationWindow
from neuron_migration_assistant.work import Job

APP_ID = "org.neuronos.MigrationAssistant"


def main() -> int:
    """Show the wizard until it is closed; returns the exit status."""
    app = application(app_id=APP_ID, name="Migration Assistant")
    app.setApplicationDisplayName(translate("Migration", "Migration Assistant"))

    def window() -> MigrationWindow:
        home = Home(Path.home(), Root())
        job = Job(home, RealClock(), Root(), translate)
        return MigrationWindow(job, interrupted=Run.unfinished(home.path))

    return run(app, window)
