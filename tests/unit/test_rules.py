"""The rules of tests/conftest.py are rules: each is broken once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

_SKIPS = """
import pytest
def test_one():
    pytest.skip("Wine is not installed")
"""
_LOGS = """
import logging
def test_one():
    logging.getLogger("x").warning("unexpected")
"""


def _outcome(root: Path, folder: Path, source: str, **environment: str) -> int:
    (folder / "conftest.py").write_bytes((root / "tests" / "conftest.py").read_bytes())
    (folder / "test_it.py").write_text(source)
    kept = {name: value for name, value in os.environ.items() if name != "NEURON_NO_SKIPS"}
    words = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(folder),
        str(folder),
    ]
    done = subprocess.run(words, env={**kept, **environment}, cwd=folder, capture_output=True, check=False)
    return done.returncode


def test_a_skipped_test_passes_for_a_newcomer_and_fails_in_ci(root: Path, tmp_path: Path) -> None:
    assert _outcome(root, tmp_path, _SKIPS) == pytest.ExitCode.OK
    assert _outcome(root, tmp_path, _SKIPS, NEURON_NO_SKIPS="1") == pytest.ExitCode.TESTS_FAILED
    assert "NEURON_NO_SKIPS=1" in (root / ".ci" / "run").read_text()


def test_an_unexpected_log_line_fails(root: Path, tmp_path: Path) -> None:
    assert _outcome(root, tmp_path, _LOGS) == pytest.ExitCode.TESTS_FAILED
