"""What a damaged or forged source holds ends in no crash: it comes, or is told like anything else."""

from __future__ import annotations

import json
import os
from itertools import repeat
from pathlib import Path

import pytest

from libneuron.migration import hives, storable
from libneuron.migration.journal import Journal
from tests.unit.migration.maker import Lab, entries_below, progress, totals, tree

CHROME = "AppData/Local/Google/Chrome/User Data"
YEAR_2350 = 12_000_000_000
DEEP = "[" * 100_000


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path).make(
        {"Documents/a.txt": "a", "Documents/folder/b.txt": "b"}, {"Documents/mine": "m"}
    )


def check(lab: Lab) -> None:
    """Everything is accounted for, nothing fails, and it can be taken back."""
    before = tree(lab.home)
    run = lab.migrate()
    assert totals(run).seen == entries_below(lab.profile)
    assert totals(run).failed == totals(run).waiting == 0
    run.undo(progress())
    assert tree(lab.home) == before


@pytest.mark.parametrize("name", ["windows/Users/Anna/Documents/a.txt", "windows/Users/Anna/Documents/folder",
                                  "home/Documents"])  # fmt: skip
@pytest.mark.parametrize("seconds", [YEAR_2350, -YEAR_2350])
def test_dates_that_no_journal_can_hold(lab: Lab, name: str, seconds: int) -> None:
    os.utime(lab.top / name, (seconds, seconds))
    check(lab)


def test_such_a_date_arrives_as_it_is(lab: Lab) -> None:
    os.utime(lab.profile / "Documents/a.txt", (YEAR_2350, YEAR_2350))
    lab.migrate()
    assert (lab.home / "Documents/a.txt").stat().st_mtime == YEAR_2350


@pytest.mark.parametrize("number", [0, 1, (1 << 63) - 1, 1 << 63, (1 << 64) - 1])
def test_inodes_and_sizes_fit_the_journal(number: int, tmp_path: Path) -> None:
    info = os.stat_result([0, number, 0, 0, 0, 0, min(number, (1 << 63) - 1), 0, 0, 0])
    with Journal(tmp_path / "journal.db", create=True) as journal, journal.transaction():
        journal.database.execute("CREATE TABLE sizes (inode INTEGER, size INTEGER)")
        row = (storable.inode(info), storable.size_of(info))
        journal.database.executemany("INSERT INTO sizes VALUES (?, ?)", [row] * 10_000)
        assert journal.database.execute("SELECT sum(size) FROM sizes").fetchone()[0] >= 0


@pytest.mark.parametrize("text", [DEEP, '{"a":' * 100_000, "[]", "5", '{"profile":5}', "\0"])
@pytest.mark.parametrize("name", ["Local State", "Default/Preferences", "Default/Secure Preferences"])
def test_settings_of_a_browser_that_are_none(lab: Lab, name: str, text: str) -> None:
    files = {"Local State": "{}", "Default/Preferences": "{}", "Default/Secure Preferences": "{}"} | {
        name: text
    }
    lab.make({f"{CHROME}/{place}": data for place, data in files.items()})
    check(lab)


@pytest.mark.parametrize(
    "text", [DEEP, '[{"identifier": "a"}]', '[{"identifier": {"id": 5}}]', "[5, null]", '{"identifier": []}']
)
def test_a_list_of_extensions_that_is_none(lab: Lab, text: str) -> None:
    lab.make({"AppData/Roaming/Code/User/settings.json": "{}", ".vscode/extensions/extensions.json": text})
    check(lab)


def test_a_profile_that_points_out_of_the_source(lab: Lab) -> None:
    profiles = "[Profile0]\nIsRelative=1\nPath=../../../../../../etc\n"
    state = {"profile": {"info_cache": {"../../../evil": {}, "Default": [1]}}}
    lab.make({
        "AppData/Roaming/Mozilla/Firefox/profiles.ini": profiles,
        f"{CHROME}/Local State": json.dumps(state),
    })  # fmt: skip
    check(lab)
    assert {path.name for path in lab.top.iterdir()} <= {"windows", "home"} | {
        path.name for path in lab.top.glob("plan-*")
    }


def test_folders_hundreds_deep(lab: Lab) -> None:
    here = os.open(lab.profile / "Documents", os.O_RDONLY)
    for _ in range(600):
        os.mkdir("deep", dir_fd=here)
        below = os.open("deep", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    check(lab)


def test_a_forged_list_of_keys_is_looked_at_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hives, "_MANY", 7)
    assert list(hives._some(repeat("key"))) == ["key"] * 7
