"""The application that every UI test shares, and what must be true after each."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
import shiboken6
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication

from libneuron.ui.app import application
from libneuron.ui.tasks import tasks
from libneuron.ui.theme import Look, theme


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


@pytest.fixture(autouse=True)
def nothing_left(qapp: QApplication) -> Iterator[None]:
    """After each test: no window, no task; garbage is collected here, on Qt's thread."""
    yield
    tasks().close()
    for window in QApplication.topLevelWidgets():
        if shiboken6.isValid(window):
            window.setParent(None)
            window.close()
            window.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    qapp.processEvents()
    theme().look = Look.LIGHT
    gc.collect()
