"""Programs of Windows and their equivalents: a table that holds together, and matching to be trusted."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from libneuron.migration.programs import Advice, Programs, family, load_programs
from libneuron.system.errors import SystemAccessError
from libneuron.system.paths import resources
from tests.unit.migration.maker import Lab, report


@pytest.fixture(scope="module")
def table() -> Programs:
    return load_programs(resources() / "migration")


def test_well_known_programs_have_equivalents_with_their_sources(table: Programs) -> None:
    assert len(table.entries) >= 150
    for names, one in table.entries:
        assert names
        assert one.source.startswith(("https://flathub.org/apps/", "https://packages.debian.org/",
                                      "https://archlinux.org/packages/"))  # fmt: skip
        if one.flatpak:
            assert re.fullmatch(r"[A-Za-z_][\w-]*(\.[A-Za-z_0-9][\w-]*){2,}", one.flatpak)
            assert one.source.endswith(one.flatpak)
        for package in (one.debian, one.arch, one.fedora):
            assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9+._-]*|", package)


def test_no_pattern_is_hidden_by_an_earlier_one(table: Programs) -> None:
    for names, one in table.entries:
        for name in names:
            assert table.equivalent(name.replace("*", "9")) is one, name


@pytest.mark.parametrize(
    ("installed", "linux"),
    [
        ("Mozilla Firefox (x64 de)", "Firefox"),
        ("7-Zip 23.01 (x64)", "Ark"),
        ("Microsoft 365 - de-de", "LibreOffice"),
        ("Notepad++ (64-bit x64)", "Kate"),
        ("µTorrent", "qBittorrent"),
        ("Git", "Git"),
        ("PuTTY release 0.78 (64-bit)", "PuTTY"),
        ("Microsoft Visual Studio Code (User)", "Visual Studio Code"),
        ("VLC media player", "VLC"),
        ("Steam", "Steam"),
    ],
)
def test_names_as_windows_lists_them_are_recognized(table: Programs, installed: str, linux: str) -> None:
    found = table.equivalent(installed)
    assert found is not None
    assert found.linux == linux


def test_the_distributions_own_package_is_preferred(table: Programs) -> None:
    found = table.equivalent("VLC media player")
    assert found is not None
    assert found.command("debian") == "sudo apt install vlc"
    assert found.command("arch") == "sudo pacman -S vlc"
    assert found.command("fedora") == "sudo dnf install vlc"
    assert found.command("") == "flatpak install flathub org.videolan.VLC"


def test_parts_of_windows_are_not_listed_and_unknown_programs_are(table: Programs) -> None:
    names = (
        "Microsoft Visual C++ 2022 Redistributable (x64)",
        "NVIDIA Graphics Driver 551",
        "Zorkmaker 3",
    )
    assert table.advise((*names, "Spotify", "spotify "), "debian") == (
        Advice("spotify", "Spotify", "flatpak install flathub com.spotify.Client",
               "https://flathub.org/apps/com.spotify.Client"),
        Advice("Zorkmaker 3"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('ID=debian\nVERSION_ID="12"', "debian"),
        ('ID=linuxmint\nID_LIKE="ubuntu debian"', "debian"),
        ("ID=neuronos\nID_LIKE=arch", "arch"),
        ("ID=fedora", "fedora"),
        ('ID="opensuse-tumbleweed"\nID_LIKE="opensuse suse"', ""),
        ("", ""),
    ],
)
def test_the_family_is_read_from_os_release(text: str, expected: str) -> None:
    assert family(text) == expected


def test_an_entry_without_any_package_is_refused(tmp_path: Path) -> None:
    (tmp_path / "programs.toml").write_text('[[program]]\nnames = ["A"]\nlinux = "B"\nsource = "x"\n')
    with pytest.raises(SystemAccessError) as caught:
        load_programs(tmp_path)
    assert "program[0].linux" in caught.value.sentence()


def test_without_hives_the_folders_of_programs_are_told(tmp_path: Path) -> None:
    lab = Lab(tmp_path).make({"Documents/a": "a"})
    for name in ("Mozilla Firefox", "Common Files", "Zorkmaker"):
        (lab.source / "Program Files" / name).mkdir(parents=True)
    (lab.top / "machine/etc").mkdir(parents=True)
    (lab.top / "machine/etc/os-release").write_text("ID=arch\n")
    run = lab.migrate()
    assert report(run)["programs"] == [
        {"windows": "Mozilla Firefox", "linux": "Firefox", "command": "sudo pacman -S firefox",
         "source": "https://flathub.org/apps/org.mozilla.firefox"},
        {"windows": "Zorkmaker", "linux": "", "command": "", "source": ""},
    ]  # fmt: skip
    page = (run.folder / "report.html").read_text()
    assert "<code>" not in page
    assert "sudo pacman -S firefox" in page
    assert "Nothing is known about it" in page
