"""Installing from a checkout: planned whole, listed, removed without leaving or taking anything."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "packaging" / "checkout.py"


@pytest.fixture(scope="module")
def checkout() -> ModuleType:
    spec = importlib.util.spec_from_file_location("neuron_checkout", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["neuron_checkout"] = module
    spec.loader.exec_module(module)
    return module


def _files(top: Path) -> set[str]:
    return {str(path.relative_to(top)) for path in top.rglob("*") if path.is_file()}


def test_the_machine_gets_commands_and_desktop_files(checkout: ModuleType, tmp_path: Path) -> None:
    assert checkout.install(checkout.Target(tmp_path, None)) == []
    names = _files(tmp_path)
    assert "usr/local/share/applications/org.neuronos.GuestBridge.desktop" in names
    text = (tmp_path / "usr/local/share/applications/org.neuronos.GuestBridge.desktop").read_text()
    assert "\nExec=/usr/local/bin/neuron-guest-bridge\n" in text


def test_a_person_gets_nothing_that_needs_root(checkout: ModuleType, tmp_path: Path) -> None:
    home = tmp_path / "home/me/.local"
    assert checkout.install(checkout.Target(tmp_path, home)) == []
    assert all(name.startswith("home/me/.local/") for name in _files(tmp_path))


def test_uninstall_removes_exactly_what_was_placed(checkout: ModuleType, tmp_path: Path) -> None:
    mine = tmp_path / "usr/local/share/applications/mine.desktop"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    target = checkout.Target(tmp_path, None)
    checkout.install(target)
    assert checkout.uninstall(target) == []
    assert _files(tmp_path) == {"usr/local/share/applications/mine.desktop"}


def test_a_file_that_is_not_ours_stops_everything(checkout: ModuleType, tmp_path: Path) -> None:
    foreign = tmp_path / "usr/local/share/applications/org.neuronos.GuestBridge.desktop"
    foreign.parent.mkdir(parents=True)
    foreign.write_text("somebody's")
    assert checkout.install(checkout.Target(tmp_path, None)) == [foreign]
    assert _files(tmp_path) == {"usr/local/share/applications/org.neuronos.GuestBridge.desktop"}
    assert foreign.read_text() == "somebody's"


def test_a_changed_file_is_kept_and_named(checkout: ModuleType, tmp_path: Path) -> None:
    target = checkout.Target(tmp_path, None)
    checkout.install(target)
    changed = tmp_path / "usr/local/share/applications/org.neuronos.GuestBridge.desktop"
    changed.write_text("edited")
    assert checkout.uninstall(target) == [changed]
    assert changed.read_text() == "edited"


def test_installing_again_is_the_same(checkout: ModuleType, tmp_path: Path) -> None:
    target = checkout.Target(tmp_path, None)
    checkout.install(target)
    before = _files(tmp_path)
    assert checkout.install(target) == []
    assert _files(tmp_path) == before
