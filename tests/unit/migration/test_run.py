"""Whole migrations of small folders: accounting, conflicts, undo, verification."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from libneuron.errors import Cancelled
from libneuron.migration.errors import MigrationError
from libneuron.migration.home import Home
from libneuron.migration.journal import Journal
from libneuron.migration.model import State
from libneuron.migration.naming import LIMIT, fitting, others
from libneuron.migration.scan import Source
from libneuron.migration.session import Run
from libneuron.migration.verify import Extent
from libneuron.progress import Progress
from libneuron.system.clock import RealClock
from libneuron.system.files import Root
from tests.unit.migration.maker import Lab, entries_below, progress, report, totals, tree, without_run

PERSONAL: dict[str, bytes | str] = {
    "Documents/a.txt": "a",
    "Documents/deep/er/b.txt": "b",
    "Documents/empty/": "",
    "Pictures/photo.jpg": bytes(3 << 20),
    "Pictures/desktop.ini": "x",
    "projects/x.c": "int",
    "NTUSER.DAT": "",
    ".gitconfig": "[core]\r\n\tautocrlf = true\r\n",
}


TOGETHER = 'XDG_DOCUMENTS_DIR="$HOME/Mine"\nXDG_PICTURES_DIR="$HOME/Mine"\n'


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


def test_every_entry_is_accounted_for_and_content_and_times_are_kept(lab: Lab) -> None:
    lab.make(PERSONAL)
    os.utime(lab.profile / "Documents/deep", ns=(1, 1_234_567_890_123_456_700))
    run = lab.migrate()
    sums = totals(run)
    assert sums.seen == entries_below(lab.profile)
    assert (sums.failed, sums.waiting, sums.kept_both) == (0, 0, 0)
    for name in ("Documents/a.txt", "Documents/deep/er/b.txt", "Pictures/photo.jpg", "Documents/deep"):
        assert (lab.home / name).stat().st_mtime_ns == (lab.profile / name).stat().st_mtime_ns
    assert (lab.home / "Pictures/photo.jpg").read_bytes() == bytes(3 << 20)
    assert (lab.home / "From Windows/projects/x.c").read_text() == "int"
    assert (lab.home / "Documents/empty").is_dir()


def test_the_source_is_not_touched(lab: Lab) -> None:
    lab.make(PERSONAL)
    before = tree(lab.source, times=True)
    lab.migrate()
    assert tree(lab.source, times=True) == before


def test_a_plan_touches_nothing_in_the_home(lab: Lab) -> None:
    lab.make(PERSONAL, {"own": "x"})
    before = tree(lab.home, times=True)
    lab.plan()
    assert tree(lab.home, times=True) == before


def test_conflicts_keep_both(lab: Lab) -> None:
    lab.make(
        {"Documents/a.txt": "theirs"}, {"Documents/a.txt": "mine", "Documents/a (from Windows).txt": "x"}
    )
    run = lab.migrate()
    assert (lab.home / "Documents/a.txt").read_text() == "mine"
    assert (lab.home / "Documents/a (from Windows 2).txt").read_text() == "theirs"
    assert totals(run).kept_both == 1


def test_the_same_file_is_not_doubled(lab: Lab) -> None:
    lab.make({"Documents/a.txt": "same"}, {"Documents/a.txt": "same"})
    lab.migrate()
    assert os.listdir(lab.home / "Documents") == ["a.txt"]


def test_two_sources_of_one_name_both_arrive(lab: Lab) -> None:
    lab.make({"Documents/x": "1", "Pictures/x": "2"}, {".config/user-dirs.dirs": TOGETHER})
    run = lab.migrate()
    assert (totals(run).failed, totals(run).kept_both) == (0, 1)
    assert sorted(path.read_text() for path in (lab.home / "Mine").iterdir()) == ["1", "2"]


def test_a_file_where_a_folder_is_needed_is_left_alone(lab: Lab) -> None:
    lab.make({"Documents/a.txt": "a"}, {"Documents": "a file"})
    run = lab.migrate()
    assert (lab.home / "Documents").read_text() == "a file"
    assert (lab.home / "Documents (from Windows)/a.txt").read_text() == "a"
    assert totals(run).kept_both == 1


def test_links_in_the_home_are_not_followed(lab: Lab, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    lab.make({"Documents/a.txt": "a", "Pictures/b.jpg": "b"})
    (lab.home / "Documents").symlink_to(outside)
    (lab.home / "Pictures").mkdir()
    (lab.home / "Pictures/b.jpg").symlink_to(outside / "b")
    lab.migrate()
    assert list(outside.iterdir()) == []
    assert (lab.home / "Documents (from Windows)/a.txt").read_text() == "a"
    assert (lab.home / "Pictures/b (from Windows).jpg").read_text() == "b"


def test_links_in_the_source_are_listed_and_never_followed(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    lab.make({"Documents/a.txt": "a"})
    (lab.profile / "Documents/loop").symlink_to("..")
    (lab.profile / "Documents/secret").symlink_to(tmp_path / "secret")
    (lab.profile / "AppData").symlink_to(tmp_path)
    run = lab.migrate()
    with Journal(run.journal_path) as journal:
        links = {row.name: (row.state, row.reason) for row in journal.every(State.EXCLUDED)}
    assert links[b"loop"] == (State.EXCLUDED, "link")
    assert links[b"secret"] == (State.EXCLUDED, "link")
    assert not [path for path in lab.home.rglob("*") if path.is_symlink()]
    assert totals(run).seen == entries_below(lab.profile)


@pytest.mark.parametrize(
    "name",
    ["-rf", " ", "a\nb", "\\..\\..\\x", "C:\\x", "~", "$(reboot)", "é" * 127, ".neuron-migration-x", "*"],
)
def test_odd_names_arrive_as_they_are(lab: Lab, name: str) -> None:
    lab.make({f"Documents/{name}": "x", f"Documents/d{name[:100]}/{name}": "y"})
    run = lab.migrate()
    assert (lab.home / "Documents" / name).read_text() == "x"
    assert totals(run).failed == 0


def test_undecodable_names_arrive_as_they_are(lab: Lab) -> None:
    lab.make({"Documents/a": "a"})
    name = os.fsencode(lab.profile / "Documents") + b"/\xff\xfe.txt"
    Path(os.fsdecode(name)).write_text("x")
    run = lab.migrate()
    assert b"\xff\xfe.txt" in os.listdir(os.fsencode(lab.home / "Documents"))
    assert totals(run).seen == entries_below(lab.profile)


def test_undo_gives_back_a_byte_identical_home(lab: Lab) -> None:
    lab.make(PERSONAL, {"Documents/own.txt": "mine", ".config/x/y": "z", ".gitconfig": "[user]\n"})
    os.utime(lab.home / "Documents", ns=(5, 7_000_000_000))
    before = tree(lab.home, times=True)
    run = lab.migrate()
    assert tree(lab.home) != before
    done = run.undo(progress())
    assert tree(lab.home, times=True) == before
    assert done.kept == []


def test_undo_keeps_aside_what_was_changed_since(lab: Lab) -> None:
    lab.make(PERSONAL)
    run = lab.migrate()
    (lab.home / "Documents/a.txt").write_text("my own work")
    done = run.undo(progress())
    assert done.kept == ["Kept from Windows/Documents/a.txt"]
    assert (lab.home / done.kept[0]).read_text() == "my own work"
    assert not (lab.home / "Documents").exists()


def test_undo_leaves_what_was_there_before(lab: Lab) -> None:
    lab.make({"Documents/a.txt": "same"}, {"Documents/a.txt": "same"})
    run = lab.migrate()
    run.undo(progress())
    assert (lab.home / "Documents/a.txt").read_text() == "same"


def test_a_flipped_bit_is_found_and_mended_by_retry(lab: Lab) -> None:
    lab.make(PERSONAL)
    run = lab.migrate()
    path = lab.home / "Pictures/photo.jpg"
    times = path.stat()
    with path.open("r+b") as file:
        file.seek(1234567)
        file.write(b"\x01")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    found = run.verify(progress()).verification
    assert found.damaged == ["Pictures/photo.jpg"]
    assert totals(run).failed == 1
    with Source(lab.source) as source:
        outcome = run.retry(source, progress())
    assert outcome.verification.ok
    assert path.read_bytes() == bytes(3 << 20)
    assert os.listdir(path.parent) == ["photo.jpg"]
    assert totals(run).failed == 0


def test_a_file_that_the_person_changed_is_called_so(lab: Lab) -> None:
    lab.make(PERSONAL)
    run = lab.migrate()
    (lab.home / "Documents/a.txt").write_text("mine now")
    found = run.verify(progress()).verification
    assert (found.changed, found.damaged, found.ok) == (["Documents/a.txt"], [], True)


def test_a_cancelled_run_goes_on_where_it_stopped(lab: Lab) -> None:
    lab.make({f"Documents/{number}": str(number) for number in range(300)})
    run = lab.begin()
    stopping = Progress(clock=RealClock().monotonic)
    seen = []

    def listen(_view: object) -> None:
        seen.append(1)
        if len(seen) == 2:
            stopping.cancel()

    stopping._listener = listen  # the listener needs the progress it cancels
    with Source(lab.source) as source, pytest.raises(Cancelled):
        run.go_on(source, stopping)
    assert not list(lab.home.rglob(".neuron-migration-*"))
    assert Run.unfinished(lab.home) is not None
    lab.go_on(run)
    assert len(os.listdir(lab.home / "Documents")) == 300
    assert totals(run).waiting == 0
    assert Run.unfinished(lab.home) is None


def test_a_second_run_refuses_while_one_is_unfinished(lab: Lab) -> None:
    lab.make(PERSONAL)
    lab.begin()
    with pytest.raises(MigrationError) as caught:
        lab.begin()
    assert caught.value.code == "migration.unfinished"


def test_deselected_items_are_excluded_by_the_person(lab: Lab) -> None:
    lab.make(PERSONAL)
    run = lab.migrate(frozenset({"pictures"}))
    assert sorted(without_run(tree(lab.home))) == ["Pictures", "Pictures/photo.jpg"]
    sums = totals(run)
    assert sums.seen == entries_below(lab.profile)
    with Journal(run.journal_path) as journal:
        assert {row.reason for row in journal.every(State.EXCLUDED)} == {
            "by-person",
            "windows-only",
            "machine-bound",
        }


def test_a_home_inside_the_source_is_refused(lab: Lab) -> None:
    lab.make(PERSONAL)
    with pytest.raises(MigrationError) as caught:
        Run.begin(lab.plan(), Home(lab.profile, Root(lab.top)), clock=RealClock())
    assert caught.value.code == "migration.home-inside-source"


def test_settings_that_exist_are_kept_beside(lab: Lab) -> None:
    lab.make({".ssh/id_x": "-----BEGIN OPENSSH PRIVATE KEY-----\r\nx\r\n"}, {".ssh/id_x": "mine"})
    lab.migrate()
    assert (lab.home / ".ssh/id_x").read_text() == "mine"
    made = lab.home / ".ssh/id_x (from Windows)"
    assert stat.S_IMODE(made.stat().st_mode) == 0o600


# Random trees

NAME = st.sampled_from(["a", "b", "A", "c.txt", "c (from Windows).txt", "d"])
CONTENT = st.sampled_from(["", "1", "2", "longer text"])
TREE = st.dictionaries(st.lists(NAME, min_size=1, max_size=3).map("/".join), CONTENT, max_size=6)


def planted(top: Path, files: dict[str, str]) -> None:
    for name, data in files.items():
        path = top / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(data)
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            continue  # a name drawn once as a file and once as a folder


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(theirs=TREE, mine=TREE)
def test_no_file_of_the_home_is_ever_overwritten(
    tmp_path_factory: pytest.TempPathFactory, theirs: dict[str, str], mine: dict[str, str]
) -> None:
    lab = Lab(tmp_path_factory.mktemp("random")).make({"Documents/": ""})
    planted(lab.profile / "Documents", theirs)
    planted(lab.home / "Documents", mine)
    before = tree(lab.home)
    run = lab.migrate()
    after = tree(lab.home)
    assert {name: after[name] for name in before} == before
    assert totals(run).seen == entries_below(lab.profile)
    assert totals(run).failed == 0
    wanted = sorted(p.read_text() for p in lab.profile.rglob("*") if p.is_file())
    there = [p.read_text() for p in (lab.home / "Documents").rglob("*") if p.is_file()]
    for text in set(wanted):
        assert text in there
    run.undo(progress())
    assert tree(lab.home) == before


@given(st.text(min_size=1).filter(lambda text: "/" not in text and "\0" not in text))
def test_every_name_gets_one_that_fits(name: str) -> None:
    try:
        os.fsencode(name)
    except UnicodeEncodeError:
        return  # half a surrogate pair, which no file system gives
    assert len(os.fsencode(fitting(name))) <= LIMIT
    candidates = others(name)
    first, second = next(candidates), next(candidates)
    assert first != second
    assert all(len(os.fsencode(other)) <= LIMIT for other in (first, second))


def test_extent_none_reads_nothing_again(lab: Lab) -> None:
    lab.make(PERSONAL)
    assert lab.go_on(lab.begin(), Extent.NONE).verification.checked == 0


def test_a_run_that_is_being_taken_back_is_not_gone_on_with(lab: Lab) -> None:
    lab.make(PERSONAL)
    run = lab.migrate()
    with Journal(run.journal_path) as journal:
        journal.set("status", "undoing")  # as an undo that was killed leaves it
    with pytest.raises(MigrationError) as caught:
        lab.go_on(run)
    assert caught.value.code == "migration.undo-unfinished"
    run.undo(progress())
    assert list(lab.home.iterdir()) == []


def test_a_file_that_went_missing_is_told_and_brought_again(lab: Lab) -> None:
    lab.make(PERSONAL)
    run = lab.migrate()
    (lab.home / "Documents/a.txt").unlink()
    assert run.verify(progress()).verification.missing == ["Documents/a.txt"]
    with Source(lab.source) as source:
        assert run.retry(source, progress()).verification.ok
    assert (lab.home / "Documents/a.txt").read_text() == "a"


def test_a_profile_without_preferences_is_still_a_profile(lab: Lab) -> None:
    top = "AppData/Local/Google/Chrome/User Data"
    lab.make({f"{top}/Local State": "{}", f"{top}/Default/Bookmarks": "{}"})
    lab.migrate()
    assert (lab.home / ".config/google-chrome/Default/Bookmarks").exists()


def test_a_second_migration_copies_nothing_twice_and_says_so(lab: Lab) -> None:
    lab.make({"Documents/a.txt": "a", "Documents/b.txt": "b"})
    lab.migrate()
    before = tree(lab.home / "Documents")
    run = lab.migrate()
    assert tree(lab.home / "Documents") == before
    assert "there already, the same ones: 2." in str(report(run)["items"])
