"""Bad input, each answered by a clear sentence before anything is written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from libneuron.migration import discover, notes, ntfs, session
from libneuron.migration.drives import mounted
from libneuron.migration.errors import MigrationError
from libneuron.migration.home import xdg_folders
from libneuron.migration.journal import Journal
from libneuron.migration.layouts.registry import LAYOUTS
from libneuron.migration.rules import load_rules
from libneuron.migration.scan import Source
from libneuron.migration.session import Run
from libneuron.migration.transforms.registry import TRANSFORMS
from libneuron.system.errors import SystemAccessError
from libneuron.system.filesystem import only_one
from tests.unit.migration.maker import RULES, Lab, progress, report, totals, tree

CHROME = "AppData/Local/Google/Chrome/User Data"
FIREFOX = "AppData/Roaming/Mozilla/Firefox"
MACHINE = "machine/proc/4242/"


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path).make(
        {
            f"{CHROME}/Local State": "{}",
            f"{CHROME}/Default/Preferences": "{}",
            f"{FIREFOX}/profiles.ini": "[Profile0]\nPath=Profiles/x.y\n",
            f"{FIREFOX}/Profiles/x.y/prefs.js": "",
        },
        {
            ".config/google-chrome/Local State": "{}",
            ".mozilla/firefox/own.default/prefs.js": "",
        },
    )


@pytest.mark.parametrize(
    ("lock", "target", "app"),
    [
        (".config/google-chrome/SingletonLock", "desk-4242", "Google Chrome"),
        (".mozilla/firefox/own.default/lock", "127.0.1.1:+4242", "Mozilla Firefox"),
    ],
)
def test_a_running_browser_is_named_unless_its_lock_is_old(
    lab: Lab, lock: str, target: str, app: str
) -> None:
    (lab.home / lock).symlink_to(target)
    (lab.top / MACHINE).mkdir(parents=True)
    before = tree(lab.home)
    with pytest.raises(MigrationError) as caught:
        lab.begin()
    assert caught.value.code == "migration.app-running"
    assert app in caught.value.sentence()
    assert tree(lab.home) == before
    (lab.top / MACHINE).rmdir()
    lab.begin()


def test_a_running_browser_that_was_left_out_does_not_matter(lab: Lab) -> None:
    (lab.home / ".config/google-chrome/SingletonLock").symlink_to("desk-4242")
    (lab.top / MACHINE).mkdir(parents=True)
    lab.begin(frozenset({"firefox"}))


def test_a_broken_hive_is_told_and_the_usual_folders_are_used(tmp_path: Path) -> None:
    lab = Lab(tmp_path).make({"NTUSER.DAT": b"regf" + bytes(8192), "Documents/a": "a"})
    run = lab.migrate()
    assert (lab.home / "Documents/a").read_text() == "a"
    assert "is damaged" in str(report(run)["notes"])


def test_a_damaged_journal_is_not_taken_for_one(tmp_path: Path) -> None:
    lab = Lab(tmp_path).make({"Documents/a": "a"})
    run = lab.migrate()
    run.journal_path.write_bytes(b"not a database, but long enough to be looked at" * 100)
    with pytest.raises(MigrationError) as caught:
        Run.unfinished(lab.home)
    assert caught.value.code == "migration.journal-damaged"


@pytest.mark.parametrize("place", ["", "Users", "Users/Anna"])
def test_a_drive_its_users_folder_and_one_profile_are_all_sources(tmp_path: Path, place: str) -> None:
    lab = Lab(tmp_path).make({"Documents/a": "a", "AppData/": ""})
    with Source(lab.source / place) as source:
        assert [person.name for person in discover.people(source)] == ["Anna"]


def test_people_are_found_without_regard_to_case() -> None:
    found = (discover.Person("Anna", "Users/Anna", volume=True), discover.Person("Bob", "b", volume=True))
    assert discover.choose(found, "ANNA").name == "Anna"
    with pytest.raises(MigrationError) as caught:
        discover.choose(found, None)
    assert caught.value.code == "migration.user-needed"


def test_xdg_folders_follow_the_persons_language_and_refuse_to_leave_the_home() -> None:
    text = 'XDG_DOCUMENTS_DIR="$HOME/Dokumente"\nXDG_MUSIC_DIR="$HOME/../x"\nXDG_VIDEOS_DIR="$HOME/"\n'
    found = xdg_folders(text)
    assert (found["documents"], found["music"], found["videos"]) == ("Dokumente", "Music", "Videos")


def test_the_mount_table_names_drives_of_windows_only() -> None:
    table = (
        "/dev/sda1 / ext4 rw 0 0\n"
        "/dev/sdb1 /media/anna/My\\040Disk fuseblk rw 0 0\n"
        "/dev/sdc1 /mnt/w ntfs3 ro 0 0\n"
    )
    assert mounted(table) == (
        ("/dev/sdb1", Path("/media/anna/My Disk")),
        ("/dev/sdc1", Path("/mnt/w")),
    )


@pytest.mark.parametrize(
    ("tag", "attributes", "trouble"),
    [
        (0, 0x20, ""),
        (0, 0x4000, "encrypted"),
        (0, 0x400000, "cloud"),
        (0x9000F01A, 0x400, "cloud"),
        (0x80000017, 0x400, "compressed"),
        (0xA0000003, 0x410, "link"),
        (0x12345678, 0x400, "reparse-point"),
    ],
)
def test_what_ntfs_says_is_understood(tag: int, attributes: int, trouble: str) -> None:
    assert ntfs.trouble(tag, attributes) == trouble


@pytest.mark.parametrize(
    "data", [b"", b"\x03\x00\x00\xa0", b"\x03\x00\x00\xa0\x08\x00\x00\x00", os.urandom(40)]
)
def test_damaged_reparse_data_is_no_crash(data: bytes) -> None:
    assert isinstance(ntfs.link_target(data), str)
    assert isinstance(ntfs.tag(data), int)


def test_rules_name_only_what_exists() -> None:
    for rule in RULES:
        assert rule.layout in LAYOUTS
        assert all(notes.known(code) for code in rule.advice)
        for pattern in rule.patterns.patterns:
            assert not pattern.transform or pattern.transform in TRANSFORMS


def test_a_wrong_key_in_a_rule_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text(
        '[[rule]]\nid="x"\nlabel="X"\nsource="s"\nplace=[{path="a"}]\ntarget=[{form="native",path="b"}]\n'
        'pattern=[{match="a",exclude="no-such-reason"}]\n'
    )
    with pytest.raises(SystemAccessError, match="no-such-reason"):
        load_rules(tmp_path)


def test_the_plan_of_another_source_is_not_gone_on_with(tmp_path: Path) -> None:
    lab = Lab(tmp_path).make({"Documents/a": "a"})
    run = lab.begin()
    with Source(lab.top) as other, pytest.raises(MigrationError) as caught:
        run.go_on(other, progress())
    assert caught.value.code == "migration.other-source"


def test_only_one_process_works_on_a_run(tmp_path: Path) -> None:
    lab = Lab(tmp_path).make({"Documents/a": "a"})
    run = lab.begin()
    with only_one(run.folder / "lock"), pytest.raises(MigrationError) as caught:
        lab.go_on(run)
    assert caught.value.code == "migration.busy"
    with Journal(run.journal_path) as journal:
        assert journal.totals().waiting


class Killed(BaseException):
    """The program ends without a chance to clear up."""


@pytest.mark.parametrize("step", ["make_private_directory", "_take_over", "sync_file", "sync_directory"])
def test_a_run_killed_while_it_begins_is_not_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    lab = Lab(tmp_path).make({"Documents/a": "a"}, {"mine": "mine"})
    before = tree(lab.home, times=True)
    times = lab.home.stat().st_mtime_ns
    with monkeypatch.context() as patched, pytest.raises(Killed):

        def kill(path: Path, *_args: object) -> None:
            if path != lab.home:  # the first folder made durable is the home with the note in it
                raise Killed

        patched.setattr(session, step, kill)
        lab.begin()
    half = Run.last(lab.home) is None
    assert half == (step != "sync_directory")
    run = lab.begin() if half else Run.required(lab.home)
    lab.go_on(run)
    assert totals(run).failed == 0
    assert os.listdir(lab.home / session.PLACE) == [run.folder.name]
    run.undo(progress())
    assert tree(lab.home, times=True) == before
    assert lab.home.stat().st_mtime_ns == times
