"""Starts the window."""

from __future__ import annotations

import os

from libneuron.cli import without_display
from libneuron.system import display, tables
from libneuron.system.bus import LoopThread
from libneuron.system.files import Root
from libneuron.system.paths import resources, runtime_path
from libneuron.ui.app import application, run
from libneuron.ui.single import SingleInstance
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
    if not display.answers(os.environ):
        return without_display("neuron-update-guardian")
    app = application(app_id=APP_ID, name=translate("Guardian", "Update Guardian"))
    windows: list[GuardianWindow] = []

    def show() -> None:
        for shown in windows:
            shown.showNormal()
            shown.raise_()
            shown.activateWindow()

    wish = f"rollback {roll_back}" if roll_back else f"show {entry}" if entry else ""
    instance = SingleInstance(runtime_path(), "update-guardian", show)
    if not instance.first:
        asked = instance.ask_first(wish)
        instance.close()
        return 0 if asked else 1
    try:
        with LoopThread() as loop:

            def window() -> GuardianWindow:
                made = GuardianWindow(HelperSource(loop, Root()), check_titles(), chosen=entry or roll_back)
                windows.append(made)
                instance.wished = made.wish
                made.look_around()
                made.wish(wish)
                return made

            return run(app, window)
    finally:
        instance.close()
