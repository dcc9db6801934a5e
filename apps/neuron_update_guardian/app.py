"""Starts the window."""

from __future__ import annotations

import os
import sys

from libneuron.system import tables
from libneuron.system.bus import LoopThread
from libneuron.system.files import Root
from libneuron.system.paths import resources
from libneuron.ui.app import application, has_display, run
from libneuron.ui.text import translate
from neuron_update_guardian.source import HelperSource
from neuron_update_guardian.window import GuardianWindow

APP_ID = "org.neuronos.UpdateGuardian"


def check_titles() -> dict[str, str]:
    """Check id → title, from the shipped table. Raises: SystemAccessError table-invalid."""
    whole = tables.load(resources() / "updates/checks.toml")
    return {check.get("id", str): check.get("title", str) for check in whole.tables("check")}


def start(*, entry: str = "", roll_back: str = "") -> int:
    """Show the window until it is closed; ``entry`` is chosen, ``roll_back`` opens the preview at once.

    Returns the exit status.
    """
    if not has_display(list(os.environ)):
        sys.stderr.write("There is no display here. “neuron-update-guardian --help” lists the commands.\n")
        return 3
    app = application(app_id=APP_ID, name=translate("Guardian", "Update Guardian"))
    with LoopThread() as loop:

        def window() -> GuardianWindow:
            made = GuardianWindow(HelperSource(loop, Root()), check_titles(), chosen=entry or roll_back)
            if roll_back:
                made.ask_roll_back(roll_back)
            return made

        return run(app, window)
