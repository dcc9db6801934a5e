"""A real Firefox opens what came over by itself and finds everything in it, passwords included."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.system.migration import windows_firefox
from tests.system.migration.databases import running_over_100_mb
from tests.unit.migration.maker import Lab, entries_below, totals

DATA = "AppData/Roaming/Mozilla/Firefox"
ANNA = {
    "bookmarks": ["anna"],
    "history": 30,
    "logins": ["anna: secret of anna"],
    "addon": True,
}


@pytest.fixture(scope="module")
def windows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("made")
    windows_firefox.make(top / "home", top / "Firefox")
    return top / "Firefox"


@pytest.fixture
def lab(tmp_path: Path, windows: Path) -> Lab:
    made = Lab(tmp_path).make({"Documents/": ""})
    shutil.copytree(windows, made.profile / DATA)
    return made


def found(home: Path, *flags: str) -> tuple[dict[str, object], list[str], str]:
    made = windows_firefox.ask(home, *flags)
    return {key: made[key] for key in ANNA}, made["profiles"], Path(made["folder"]).name


def test_a_firefox_that_was_never_run_starts_with_the_profile(lab: Lab) -> None:
    run = lab.migrate()
    assert totals(run).seen == entries_below(lab.profile)
    assert totals(run).failed == 0
    values, profiles, folder = found(lab.home)
    assert values == ANNA
    assert folder == "abc0.anna"
    assert {"anna", "work"} <= set(profiles)


def test_a_firefox_that_was_run_before_starts_with_the_profile_and_keeps_its_own(lab: Lab) -> None:
    _values, before, own = found(lab.home)
    run = lab.migrate()
    assert totals(run).failed == 0
    values, profiles, folder = found(lab.home)
    assert values == ANNA
    assert folder == "abc0.anna"
    assert set(before) | {"anna", "work"} <= set(profiles)
    assert list(lab.home.rglob(own)), "its own profile is gone"


@pytest.mark.long
def test_the_second_profile_works_too(lab: Lab) -> None:
    lab.migrate()
    values, _profiles, folder = found(lab.home, "-P", "work")
    assert folder == "abc1.work"
    assert values["logins"] == ["work: secret of work"]


def test_a_database_over_100_mb_and_rows_still_in_the_wal_come_along(lab: Lab) -> None:
    place = lab.profile / DATA / "Profiles/abc0.anna/places.sqlite"
    with running_over_100_mb(place) as database:
        database.execute("UPDATE moz_bookmarks SET title = 'only in the wal' WHERE title = 'anna'")
    lab.migrate()
    values, _profiles, _folder = found(lab.home)
    assert values["bookmarks"] == ["only in the wal"]
    assert values["history"] == 30
