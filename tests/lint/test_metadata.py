"""What desktops read about us is valid, and says the same in every place."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path

import pytest

RESOURCES = Path(__file__).resolve().parents[2] / "resources"
DESKTOP = sorted(RESOURCES.glob("applications/*.desktop"))
METAINFO = sorted(RESOURCES.glob("metainfo/*.xml"))


def _check(*argv: str | Path) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", DESKTOP, ids=lambda path: path.stem)
def test_desktop_files_are_valid(path: Path) -> None:
    _check("desktop-file-validate", "--warn-kde", path)


@pytest.mark.parametrize("path", METAINFO, ids=lambda path: path.stem)
def test_metainfo_is_valid(path: Path) -> None:
    _check("appstreamcli", "validate", "--no-net", "--explain", path)


def test_each_app_has_a_command_a_desktop_file_and_metainfo(root: Path) -> None:
    scripts = tomllib.loads((root / "pyproject.toml").read_text())["project"]["scripts"]
    started = {
        line.removeprefix("Exec=").split()[0]
        for path in DESKTOP
        for line in path.read_text().splitlines()
        if line.startswith("Exec=")
    }
    assert len(DESKTOP) == len(METAINFO) == 4
    assert started <= set(scripts)
    assert {path.stem for path in DESKTOP} == {path.name.removesuffix(".metainfo.xml") for path in METAINFO}


def test_the_metainfo_names_the_present_version(root: Path) -> None:
    version = tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"]
    for path in METAINFO:
        assert f'<release version="{version}"' in path.read_text(), path.name
