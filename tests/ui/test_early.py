"""The first picture: nothing that takes long is imported before it, and the rest comes after."""

from __future__ import annotations

import os
import subprocess
import sys

from PySide6.QtCore import QSize
from pytestqt.qtbot import QtBot

from libneuron.ui.early import EarlyWindow

_PROGRAM = """
import sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from neuron_hardware_advisor import window
def furnish():
    import PySide6.QtCore
    modules = sorted(name for name in sys.modules if name.startswith("libneuron."))
    print("Qt" in vars(PySide6.QtCore), *modules)
    QApplication.quit()
early = window.AdvisorWindow.wait_with
window.AdvisorWindow.wait_with = lambda self, sentence, _: early(self, sentence, furnish)
window.main()
"""


def test_little_is_imported_before_the_advisors_first_picture() -> None:
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM], env=environment, check=True, capture_output=True, text=True
    )
    namespace, *modules = done.stdout.split()
    assert namespace == "False", "the namespace Qt costs a quarter of a bare start"
    assert modules == [
        "libneuron.system", "libneuron.system.paths", "libneuron.system.places", "libneuron.ui",
        "libneuron.ui.early", "libneuron.ui.frame", "libneuron.ui.sizes", "libneuron.ui.text",
    ]  # fmt: skip


def test_the_rest_comes_once_and_after_the_first_picture(qtbot: QtBot) -> None:
    window = EarlyWindow("x", size=QSize(300, 200))
    qtbot.addWidget(window)
    came: list[bool] = []
    window.wait_with("Wait", lambda: came.append(window.isVisible()))
    assert not came
    window.show()
    qtbot.waitUntil(lambda: bool(came))
    window.repaint()
    qtbot.wait(1)
    assert came == [True]


def test_a_window_that_nobody_sees_is_furnished_all_the_same(qtbot: QtBot) -> None:
    window = EarlyWindow("x", size=QSize(300, 200))
    qtbot.addWidget(window)
    came: list[int] = []
    window.wait_with("Wait", lambda: came.append(1))
    qtbot.waitUntil(lambda: bool(came))
