"""What the tools and files of a Linux desktop say, as values."""

from __future__ import annotations

from pathlib import Path

import pytest

from neuron_guest.backend import App, Mode
from neuron_guest.platform.linux import desktop_files, screens, system

XRANDR = """Screen 0: minimum 320 x 200, current 1920 x 1080, maximum 8192 x 8192
Virtual-1 connected primary 1920x1080+0+0 (normal left inverted right x axis y axis) 0mm x 0mm
   1920x1080     60.00*+  59.96
   1280x800      59.81
Virtual-2 disconnected (normal left inverted right x axis y axis)
"""
WLR = """HEADLESS-1 "Headless output 1"
  Enabled: yes
  Modes:
    1280x720 px, 60.000000 Hz (preferred)
    1920x1080 px, 59.940000 Hz (current)
"""


def test_xrandrs_first_connected_output_is_read() -> None:
    assert screens.from_xrandr(XRANDR) == screens.Screen(
        "Virtual-1", (Mode(1920, 1080, 60), Mode(1280, 800, 60)), Mode(1920, 1080, 60)
    )
    assert screens.from_xrandr("") is None


def test_wlr_randrs_output_is_read() -> None:
    assert screens.from_wlr_randr(WLR) == screens.Screen(
        "HEADLESS-1", (Mode(1280, 720, 60), Mode(1920, 1080, 60)), Mode(1920, 1080, 60)
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("firefox %u", ("firefox",)),
        ('"/opt/my app/run" --new-window %F', ("/opt/my app/run", "--new-window")),
        ("calc --at 50%%", ("calc", "--at", "50%")),
        ('sh -c "echo $(id); x"', ("sh", "-c", "echo $(id); x")),
        ('unclosed "', ()),
    ],
)
def test_exec_lines_become_arguments_without_a_shell(text: str, words: tuple[str, ...]) -> None:
    assert desktop_files.command(text) == words


def test_only_what_a_person_starts_counts_as_an_application(tmp_path: Path) -> None:
    folder = tmp_path / "applications"
    folder.mkdir()
    head = "[Desktop Entry]\nType=Application\n"
    (folder / "a.desktop").write_text(f"{head}Name=Writer\nName[de]=Schreiber\nExec=writer --new %f\n")
    (folder / "b.desktop").write_text(f"{head}Name=Hidden\nExec=x\nNoDisplay=true\n")
    (folder / "c.desktop").write_text(f"{head}Name=Link\nType=Link\nURL=x\n")
    (folder / "d.desktop").write_text("not a desktop file")
    (folder / "e.desktop").symlink_to("gone")
    environment = {"XDG_DATA_HOME": str(tmp_path), "XDG_DATA_DIRS": "/nonexistent"}
    assert desktop_files.applications(environment, icons=False) == [App("a", "Writer", "writer", ("--new",))]
    assert desktop_files.find_program("a", environment) == ("writer", "--new")


def test_load_and_memory_are_read_from_proc(tmp_path: Path) -> None:
    (tmp_path / "stat").write_text("cpu  100 0 100 700 100 0 0 0 0 0\ncpu0 1 1 1\n")
    (tmp_path / "meminfo").write_text("MemTotal: 1000 kB\nMemFree: 1 kB\nMemAvailable: 600 kB\n")
    (tmp_path / "uptime").write_text("12.5 30.0\n")
    meter = system.Meter(tmp_path)
    assert meter.read() == {
        "cpu": 0.2, "memory_used": 400 * 1024, "memory_total": 1000 * 1024, "uptime": 12.5,
    }  # fmt: skip
    (tmp_path / "stat").write_text("cpu  150 0 100 750 100 0 0 0 0 0\n")
    assert meter.read()["cpu"] == 0.5


def test_os_release_is_read_with_and_without_quotes() -> None:
    assert system.os_release('# x\nNAME="Debian GNU/Linux"\nVERSION_ID=12\n') == {
        "NAME": "Debian GNU/Linux",
        "VERSION_ID": "12",
    }
