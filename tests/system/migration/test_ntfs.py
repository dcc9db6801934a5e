"""A real NTFS drive with all that Windows puts there: all accounted for, nothing false, nothing written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from libneuron.migration import hives
from libneuron.migration.errors import MigrationError
from libneuron.migration.journal import Journal
from libneuron.migration.model import FINAL, State
from libneuron.migration.scan import Source
from libneuron.migration.session import Run
from tests.system.migration import hive, ntfs
from tests.unit.migration.maker import Lab, entries_below, progress, report, totals, tree, write

LONG = "漢" * 200 + ".txt"
"""604 bytes, but only 204 of NTFS' 255 units."""
STREAMS = 3


def fill(drive: Path, top: Path) -> None:
    """Two people, redirected folders, loops, placeholders, streams, odd names, hibernation."""
    anna = drive / "Users/Anna"
    write(
        drive,
        {
            "Windows/explorer.exe": "MZ",
            "Users/Bob/Documents/bob.txt": "bob",
            "Users/Public/Documents/x": "x",
            "Users/Default/NTUSER.DAT": "",
            "Data/Anna/letter.docx": "Dear",
            "Data/Anna/case.txt": "lower",
            "Data/Anna/CASE.TXT": "upper",
            f"Data/Anna/{LONG}": "long name",
            "Users/Anna/OneDrive/Bilder/photo.jpg": os.urandom(50_000),
            "Users/Anna/OneDrive/Bilder/cloud.jpg": "placeholder",
            "Users/Anna/Videos/dedup.mp4": "d",
            "Users/Anna/Desktop/compressed.exe": "w",
            "Users/Anna/Desktop/download.zip": "zip",
            "Users/Anna/Desktop/desktop.ini": "",
            "Users/Anna/AppData/Local/x.db": "x",
            "Users/Anna/OneDrive/away/unseen.txt": "u",
        },
    )
    hive.make(
        top / "hive",
        hives.SHELL_FOLDERS[1:],
        {
            "Personal": "C:\\Data\\Anna",
            "My Pictures": "%USERPROFILE%\\OneDrive\\Bilder",
            "My Music": "E:\\Music",
        },
    )
    (anna / "NTUSER.DAT").write_bytes((top / "hive").read_bytes())
    ntfs.junction(anna / "Application Data", "C:\\Users\\Anna\\AppData\\Roaming")
    ntfs.junction(anna / "AppData/Local/Application Data", "C:\\Users\\Anna\\AppData\\Local")
    ntfs.junction(drive / "Data/Anna/loop", "C:\\Data\\Anna")
    ntfs.reparse(anna / "OneDrive/Bilder/cloud.jpg", ntfs.CLOUD)
    ntfs.reparse(anna / "Videos/dedup.mp4", ntfs.DEDUP)
    ntfs.reparse(anna / "Desktop/compressed.exe", ntfs.WOF)
    os.setxattr(anna / "Desktop/download.zip", "user.Zone.Identifier", b"[ZoneTransfer]\r\nZoneId=3\r\n")
    os.setxattr(anna / "Desktop/download.zip", "user.notes", b"second content")
    os.setxattr(drive / "Data/Anna/letter.docx", "user.Zone.Identifier", b"[ZoneTransfer]")


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "windows.img"
    ntfs.make(path, 32 << 20)
    with ntfs.mounted(path, tmp_path / "filling") as drive:
        fill(drive, tmp_path)
    return path


@pytest.fixture
def lab(tmp_path: Path, image: Path) -> Iterator[Lab]:
    made = Lab(tmp_path)
    made.home.mkdir()
    with ntfs.mounted(image, made.source, "ro"):
        yield made


def reasons(run: Run, *states: State) -> dict[str, str]:
    with Journal(run.journal_path) as journal:
        return {os.fsdecode(row.name): row.reason for row in journal.every(*states)}


def test_a_windows_drive_is_accounted_for_whole(lab: Lab, image: Path) -> None:
    before = ntfs.digest(image)
    run = lab.migrate()
    sums = totals(run)
    # The redirected folder itself is an entry of its parent, which nobody asked for.
    scope = entries_below(lab.profile) + entries_below(lab.source / "Data/Anna")
    assert sums.seen == scope + STREAMS
    assert (sums.failed, sums.waiting) == (0, 0)
    assert reasons(run, State.UNAVAILABLE) == {
        "cloud.jpg": "cloud",
        "dedup.mp4": "deduplicated",
        "compressed.exe": "compressed",
    }
    left_out = reasons(run, State.EXCLUDED)
    assert left_out["loop"] == "link"
    assert left_out["download.zip:Zone.Identifier"] == "download-origin"
    assert left_out["download.zip:notes"] == "named-stream"
    assert ntfs.digest(image) == before


def test_redirected_folders_arrive_where_they_belong(lab: Lab) -> None:
    run = lab.migrate()
    assert (lab.home / "Documents/letter.docx").read_text() == "Dear"
    assert (lab.home / "Documents/case.txt").read_text() == "lower"
    assert (lab.home / "Documents/CASE.TXT").read_text() == "upper"
    photo = lab.profile / "OneDrive/Bilder/photo.jpg"
    assert (lab.home / "Pictures/photo.jpg").read_bytes() == photo.read_bytes()
    notes = report(run)["notes"]
    assert isinstance(notes, list)
    assert any("E:\\Music" in note for note in notes)


def test_a_hibernated_windows_is_read_and_told(tmp_path: Path, image: Path) -> None:
    with ntfs.mounted(image, tmp_path / "filling") as drive:
        write(drive, {"hiberfil.sys": b"hibr" + bytes(4096)})
    before = ntfs.digest(image)
    lab = Lab(tmp_path)
    lab.home.mkdir()
    with ntfs.mounted(image, lab.source):  # the driver itself refuses to write
        run = lab.migrate()
    assert "Windows was not fully shut down" in str(report(run)["notes"])
    assert totals(run).failed == 0
    assert ntfs.digest(image) == before


def test_nothing_false_arrives(lab: Lab) -> None:
    lab.migrate()
    for path in lab.home.rglob("*"):
        assert not path.is_symlink(), f"dangling: {path}"
    names = {path.name for path in lab.home.rglob("*")}
    assert not names & {"cloud.jpg", "dedup.mp4", "compressed.exe", "loop", "Application Data"}
    for path in lab.home.rglob("*"):
        if path.is_file() and path.stat().st_size and ".local" not in path.parts:
            assert path.read_bytes().strip(b"\0"), f"only zeros: {path}"


def test_a_name_too_long_for_linux_is_shortened_and_told(lab: Lab) -> None:
    run = lab.migrate()
    (made,) = (lab.home / "Documents").glob("漢*.txt")
    assert made.read_text() == "long name"
    assert len(os.fsencode(made.name)) <= 255
    assert "shortened" in str(report(run)["items"])


def test_a_hidden_cloud_folder_is_one_unavailable_entry(tmp_path: Path, image: Path) -> None:
    with ntfs.mounted(image, tmp_path / "filling") as drive:
        ntfs.reparse(drive / "Users/Anna/OneDrive", ntfs.CLOUD)
    lab = Lab(tmp_path)
    lab.home.mkdir()
    with ntfs.mounted(image, lab.source, "ro"):
        run = lab.migrate()
        assert reasons(run, State.UNAVAILABLE)["OneDrive"] == "cloud"
        assert totals(run).seen == sum(1 for _ in _walk(lab)) + STREAMS


def _walk(lab: Lab) -> Iterator[str]:
    for top in (lab.profile, lab.source / "Data/Anna"):
        for _folder, names, files in os.walk(top):
            yield from [*names, *files]


def test_undo_takes_it_all_back(lab: Lab) -> None:
    before = tree(lab.home, times=True)
    lab.migrate().undo(progress())
    assert tree(lab.home, times=True) == before


def test_a_drive_that_goes_away_stops_politely_and_can_be_gone_on_with(tmp_path: Path, image: Path) -> None:
    with ntfs.mounted(image, tmp_path / "filling") as drive:
        write(drive, {f"Data/Anna/many/{number}": os.urandom(2000) for number in range(300)})
    lab = Lab(tmp_path)
    lab.home.mkdir()
    driver = ntfs.driver(image, lab.source)
    try:
        run = lab.begin()
        with Source(lab.source) as source:
            driver.kill()
            driver.wait()
            with pytest.raises(MigrationError) as caught:
                run.go_on(source, progress())
    finally:
        ntfs.unmount(lab.source)
    assert caught.value.code == "migration.source-gone"
    with ntfs.mounted(image, lab.source, "ro"):
        lab.go_on(run)
        assert totals(run).failed == totals(run).waiting == 0
        assert len(os.listdir(lab.home / "Documents/many")) == 300


def test_every_final_state_is_counted_once(lab: Lab) -> None:
    run = lab.migrate()
    with Journal(run.journal_path) as journal:
        assert sum(1 for _ in journal.every(*FINAL)) == totals(run).seen
