"""The Wine lab as a fixture: made once per test run, in about fifteen seconds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.system.wine.lab import WineLab, temporary_lab
from tests.system.wine.runtime import WrongPythonError


@pytest.fixture(scope="session")
def wine() -> Iterator[WineLab]:
    """A Wine desktop with a Windows Python to call into."""
    try:
        lab, folder = temporary_lab()
    except WrongPythonError as error:
        pytest.skip(str(error))
    yield lab
    lab.close()
    folder.cleanup()
