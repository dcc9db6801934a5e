"""Fonts and the background: plain copies that Linux programs find."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.unit.migration.maker import Lab, progress, report


def a_font() -> Path:
    """A real font of this machine."""
    done = subprocess.run(
        ["fc-match", "-f", "%{file}", "DejaVu Sans"], capture_output=True, text=True, check=True
    )
    return Path(done.stdout)


def test_fontconfig_finds_the_fonts(tmp_path: Path) -> None:
    place = "AppData/Local/Microsoft/Windows/Fonts"
    lab = Lab(tmp_path).make({f"{place}/Mine.ttf": a_font().read_bytes(), f"{place}/old.fon": "x"})
    run = lab.migrate()
    done = subprocess.run(
        ["fc-list", ":", "file"],
        env={"HOME": str(lab.home), "PATH": "/usr/bin:/bin", "XDG_CACHE_HOME": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert str(lab.home / ".local/share/fonts/windows/Mine.ttf") in done.stdout
    assert not (lab.home / ".local/share/fonts/windows/old.fon").exists()
    run.undo(progress())
    assert list(lab.home.iterdir()) == []


def test_the_background_becomes_a_picture(tmp_path: Path) -> None:
    name = "AppData/Roaming/Microsoft/Windows/Themes/TranscodedWallpaper"
    lab = Lab(tmp_path).make({name: b"\xff\xd8\xff\xe0", "Pictures/a.jpg": "a"})
    run = lab.migrate()
    assert (lab.home / "Pictures/Windows background.jpg").read_bytes() == b"\xff\xd8\xff\xe0"
    assert "wallpaper" in str(report(run)["items"])
