"""What the service leaves for the installer."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from neuron_guest import VERSION
from neuron_guest.platform.windows.status import Status, Told, read


def test_it_is_told_once_the_service_runs(tmp_path: Path) -> None:
    path = tmp_path / "made" / "status.json"
    status = Status(lambda: path)
    status.port("")
    assert read(path) is None
    status.begin()
    assert read(path) == Told(VERSION, os.getpid(), None)
    status.port("access denied")
    assert read(path) == Told(VERSION, os.getpid(), "access denied")
    status.port("")
    assert read(path) == Told(VERSION, os.getpid(), "")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 5}', '{"version": "1", "process": -1}'])
def test_anything_else_is_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "s").write_text(text)
    assert read(tmp_path / "s") is None
