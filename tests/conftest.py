"""Rules for every test: no unexpected log line, no warning, no Qt message (see pyproject.toml)."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# A small laptop's screen: what does not fit there at 200 % text does not fit.
os.environ.setdefault("QT_QPA_PLATFORM", f"offscreen:configfile={ROOT}/tests/ui/screen.json")


@pytest.fixture(autouse=True)
def quiet_log(request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail a test that logs a warning or worse, unless it is marked ``expect_log(logger)``."""
    expected = [mark.args[0] for mark in request.node.iter_markers("expect_log")]
    yield
    for when in ("setup", "call"):
        for record in caplog.get_records(when):
            if record.levelno >= logging.WARNING and not any(
                record.name.startswith(name) for name in expected
            ):
                pytest.fail(f"unexpected log line: {record.name}: {record.getMessage()}")


@pytest.fixture
def root() -> Path:
    """The checkout."""
    return ROOT
