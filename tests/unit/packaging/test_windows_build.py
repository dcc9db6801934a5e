"""The Windows bundle: what is in it, and what it refuses to be made of."""

from __future__ import annotations

import hashlib
import json
import runpy
import zipfile
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def script(root: Path) -> dict[str, Any]:
    return runpy.run_path(str(root / "packaging" / "windows" / "build.py"))


def python_for_windows(folder: Path, number: str = "311") -> Path:
    """The outline of an embeddable package."""
    folder.mkdir()
    for name in ("python.exe", f"python{number}.dll", "_ssl.pyd", "LICENSE.txt"):
        (folder / name).write_bytes(name.encode())
    with zipfile.ZipFile(folder / f"python{number}.zip", "w") as archive:
        archive.writestr("os.pyc", b"")
    return folder


def test_the_bundle_holds_the_agent_its_python_and_nothing_for_the_host(
    script: dict[str, Any], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    script["build"](python_for_windows(tmp_path / "python"), out)
    agent = out / "agent"
    assert (agent / "python311._pth").read_text() == "python311.zip\n.\napp\n"
    assert (agent / "app" / "neuron_guest" / "platform" / "windows" / "service_main.py").is_file()
    assert (agent / "app" / "libneuron" / "guest" / "wire" / "channel.py").is_file()
    assert not (agent / "app" / "neuron_guest" / "platform" / "linux").exists()
    assert not (agent / "app" / "libneuron" / "guest" / "client.py").exists()
    assert not (agent / "app" / "libneuron" / "system").exists()


def test_the_manifest_has_every_file_with_its_checksum(script: dict[str, Any], tmp_path: Path) -> None:
    out = tmp_path / "out"
    script["build"](python_for_windows(tmp_path / "python"), out, version="9.8.7")
    agent = out / "agent"
    manifest = json.loads((agent / "manifest.json").read_text())
    found = {item.relative_to(agent).as_posix() for item in agent.rglob("*") if item.is_file()}
    assert set(manifest["files"]) == found - {"manifest.json"}
    assert manifest["version"] == "9.8.7"
    assert 'VERSION = "9.8.7"' in (agent / "app" / "neuron_guest" / "__init__.py").read_text()
    python = (agent / "python.exe").read_bytes()
    assert manifest["files"]["python.exe"] == hashlib.sha256(python).hexdigest()


def test_setup_is_a_batch_file_with_windows_line_ends(script: dict[str, Any], tmp_path: Path) -> None:
    script["build"](python_for_windows(tmp_path / "python"), tmp_path / "out")
    text = (tmp_path / "out" / "setup.cmd").read_bytes()
    assert text.count(b"\r\n") == text.count(b"\n")
    assert rb'"%~dp0agent\python.exe" -I -m neuron_guest.platform.windows.setup install' in text


def test_a_folder_without_a_usable_python_is_refused(
    script: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    assert script["main"](["--python", str(tmp_path / "empty"), "--out", str(tmp_path / "a")]) == 1
    assert "no python.exe" in capsys.readouterr().err
    old = python_for_windows(tmp_path / "old", "310")
    assert script["main"](["--python", str(old), "--out", str(tmp_path / "b")]) == 1
    assert "too old" in capsys.readouterr().err
