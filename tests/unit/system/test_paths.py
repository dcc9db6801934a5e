"""The suite's own directories."""

from __future__ import annotations

from pathlib import Path

import pytest

from libneuron.system import paths


def test_directories_follow_xdg(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("CONFIG", "DATA", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "RUN"))
    found = paths.user_paths()
    assert found.config == tmp_path / "CONFIG" / "neuron"
    assert found.runtime == tmp_path / "RUN" / "neuron"


def test_without_a_session_sockets_lie_in_a_place_of_the_persons_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert paths.user_paths().runtime == tmp_path / "neuron" / "run"


def test_the_checkouts_resources_are_found() -> None:
    assert (paths.resources() / "applications").is_dir()
