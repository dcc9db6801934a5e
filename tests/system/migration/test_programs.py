"""Installed programs read from real registry hives."""

from __future__ import annotations

from pathlib import Path

from tests.system.migration import hive
from tests.unit.migration.maker import Lab, report

UNINSTALL = "Microsoft\\Windows\\CurrentVersion\\Uninstall"


def test_programs_of_the_machine_and_of_the_person_are_told_once(tmp_path: Path) -> None:
    lab = Lab(tmp_path).make({"Documents/a": "a"})
    config = lab.source / "Windows/System32/config"
    config.mkdir(parents=True)
    hive.make_keys(
        config / "SOFTWARE",
        {
            f"{UNINSTALL}\\VLC": {"DisplayName": "VLC media player"},
            f"{UNINSTALL}\\{{1234}}": {"DisplayName": "Part of VLC", "SystemComponent": 1},
            f"{UNINSTALL}\\KB1": {"DisplayName": "A patch", "ParentKeyName": "VLC"},
            f"{UNINSTALL}\\nameless": {"Publisher": "nobody"},
            f"WOW6432Node\\{UNINSTALL}\\Steam": {"DisplayName": "Steam"},
        },
    )
    hive.make_keys(
        lab.profile / "NTUSER.DAT",
        {
            f"Software\\{UNINSTALL}\\Code": {"DisplayName": "Microsoft Visual Studio Code (User)"},
            f"Software\\{UNINSTALL}\\Steam": {"DisplayName": "Steam"},
        },
    )
    run = lab.migrate()
    told = report(run)["programs"]
    assert isinstance(told, list)
    assert [(one["windows"], one["linux"]) for one in told] == [
        ("Microsoft Visual Studio Code (User)", "Visual Studio Code"),
        ("Steam", "Steam"),
        ("VLC media player", "VLC"),
    ]


def test_a_broken_list_of_programs_is_told_and_the_folders_are_used(tmp_path: Path) -> None:
    lab = Lab(tmp_path).make({"Documents/a": "a"})
    config = lab.source / "Windows/System32/config"
    config.mkdir(parents=True)
    (config / "SOFTWARE").write_bytes(b"regf" + bytes(5000))
    (lab.source / "Program Files/GIMP 2").mkdir(parents=True)
    made = report(lab.migrate())
    assert "Windows/System32/config/SOFTWARE" in str(made["notes"])
    assert isinstance(made["programs"], list)
    assert [one["linux"] for one in made["programs"]] == ["GIMP"]
