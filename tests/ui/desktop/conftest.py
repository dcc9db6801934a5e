"""One desktop for all tests that need one; apps under test run in processes of their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.ui.desktop.atspi import Client
from tests.ui.desktop.session import Desktop, wait_for
from tests.ui.desktop.tray import TrayClient


@pytest.fixture(autouse=True)
def nothing_left() -> None:
    """No Qt in this process: the apps under test have their own."""


@pytest.fixture(scope="session")
def desktop() -> Iterator[Desktop]:
    """A private desktop without a tray."""
    with Desktop() as made:
        yield made


@pytest.fixture
def assistive(desktop: Desktop) -> Iterator[Client]:
    """An assistive client in that desktop."""
    with Client(desktop) as made:
        yield made


@pytest.fixture(scope="module")
def panel(desktop: Desktop) -> Iterator[TrayClient]:
    """A panel with a tray, while the tests of a module run."""
    process = desktop.start_panel()
    with TrayClient(desktop) as tray:
        yield tray
    desktop.stop(process)
    wait_for(lambda: not desktop.owns("org.kde.StatusNotifierWatcher"), "the end of the panel")
