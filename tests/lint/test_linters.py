"""Linters are tests: one way to run them, here, on CI and in `./dev lint`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = {
    "ruff finds nothing": [sys.executable, "-m", "ruff", "check", "."],
    "ruff would format nothing": [sys.executable, "-m", "ruff", "format", "--check", "."],
    "mypy --strict finds nothing": [sys.executable, "-m", "mypy"],
    "mypy --strict finds nothing in packaging": [
        sys.executable,
        "-m",
        "mypy",
        "--config-file=",
        "--strict",
        "packaging/checkout.py",
    ],
    "the layers hold": [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
    "shellcheck finds nothing": ["shellcheck", "dev", ".ci/run"],
}


@pytest.mark.parametrize("tool", TOOLS)
def test_linter(tool: str, root: Path) -> None:
    done = subprocess.run(TOOLS[tool], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_module_is_over_700_lines(root: Path) -> None:
    listed = subprocess.run(["git", "ls-files", "*.py"], cwd=root, capture_output=True, text=True, check=True)
    long = [name for name in listed.stdout.split() if len((root / name).read_text().splitlines()) > 700]
    assert long == []
