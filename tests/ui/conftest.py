"""The application that every UI test shares, and what must be true after each."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence

import pytest
import shiboken6
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication, QWidget

from libneuron.ui.app import application
from libneuron.ui.tasks import tasks
from libneuron.ui.theme import Look, theme
from tests.ui.audit.run import findings


@pytest.fixture(scope="session")
def qapp() -> Iterator[QApplication]:
    """One application for the process, as the apps set it up."""
    app = application(app_id="org.neuronos.GuestBridge", name="Test", look=Look.LIGHT)
    font = app.font()
    font.setFamilies(["DejaVu Sans"])
    font.setPointSizeF(10)
    app.setFont(font)
    yield app
    tasks().close()
    # Without a desktop's clipboard Qt keeps a copy in a static, and deleting something made by Python
    # after Python has ended crashes.
    app.clipboard().clear()


@pytest.fixture(autouse=True)
def nothing_left(qapp: QApplication) -> Iterator[None]:
    """After each test: no window, no task; garbage is collected here, on Qt's thread."""
    yield
    tasks().close()
    windows = QApplication.topLevelWidgets()
    for window in windows:
        if shiboken6.isValid(window):
            window.setParent(None)
            window.close()
            window.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    qapp.processEvents()
    theme().look = Look.LIGHT
    if windows:
        gc.collect()


Audit = Callable[..., None]


@pytest.fixture
def audit(qapp: QApplication) -> Audit:
    """``audit(make_window, data=("win11",))``: fails on any finding in any variant."""

    def check(make: Callable[[], QWidget], *, data: Sequence[str] = ()) -> None:
        found = findings(qapp, make, data=data)
        lines = [f"{variant}: {finding}" for variant, all_of in found.items() for finding in all_of]
        assert not lines, "\n".join(lines)

    return check
