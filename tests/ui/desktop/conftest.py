"""One desktop for all tests that need one; apps under test run in processes of their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.ui.desktop.atspi import Client
from tests.ui.desktop.session import Desktop


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
