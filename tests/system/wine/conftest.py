"""The Wine lab as a fixture: made once per test run, in about fifteen seconds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.system.wine.lab import WineLab, temporary_lab


@pytest.fixture(scope="session")
def wine() -> Iterator[WineLab]:
    """A Wine desktop with a Windows Python to call into."""
    lab, folder = temporary_lab()
    yield lab
    lab.close()
    folder.cleanup()
