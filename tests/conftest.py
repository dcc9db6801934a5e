"""Rules for every test: no unexpected log line, no warning, no Qt message (see pyproject.toml)."""

from __future__ import annotations

import logging
import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How fast an example is says how busy this machine is, and nothing about the code.
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")

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


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With NEURON_NO_SKIPS, as CI has it, a test that could not be made fails."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("NEURON_NO_SKIPS"):
        report.outcome = "failed"
        report.longrepr = f"skipped, but nothing may be: {report.longrepr}"
    return report


@pytest.fixture
def root() -> Path:
    """The checkout."""
    return ROOT
