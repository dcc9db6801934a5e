"""A real Chromium opens what came over and finds everything in it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.system.migration.databases import running_over_100_mb
from tests.system.migration.windows_chrome import Probe
from tests.unit.migration.maker import Lab, entries_below, report, totals

DATA = "AppData/Local/Google/Chrome/User Data"


@pytest.fixture(scope="module")
def probe(tmp_path_factory: pytest.TempPathFactory) -> Probe:
    return Probe(tmp_path_factory.mktemp("probe") / "extension")


@pytest.fixture(scope="module")
def windows(probe: Probe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """User data with two profiles, as Windows has them."""
    data = tmp_path_factory.mktemp("made") / "User Data"
    probe.fill(data, "Default", "anna")
    probe.fill(data, "Profile 1", "work")
    probe.relay(data)
    return data


@pytest.fixture
def lab(tmp_path: Path, windows: Path) -> Lab:
    made = Lab(tmp_path).make({"Documents/": ""})
    shutil.copytree(windows, made.profile / DATA)
    return made


def named(data: Path) -> set[str]:
    return set(json.loads((data / "Local State").read_text())["profile"]["info_cache"])


def test_a_fresh_home_opens_with_everything(lab: Lab, probe: Probe) -> None:
    run = lab.migrate()
    assert totals(run).seen == entries_below(lab.profile)
    assert totals(run).failed == 0
    data = lab.home / ".config/google-chrome"
    assert "os_crypt" not in json.loads((data / "Local State").read_text())
    assert probe.ask(data, "Default") == {"bookmarks": ["anna"], "history": 3, "note": "anna"}
    assert probe.ask(data, "Profile 1") == {"bookmarks": ["work"], "history": 3, "note": "work"}
    assert named(data) >= {"Default", "Profile 1"}
    assert "locked to Windows: 2." in str(report(run)["items"])


def test_a_home_in_use_keeps_its_profile_and_gets_the_others(lab: Lab, probe: Probe, tmp_path: Path) -> None:
    data = lab.home / ".config/google-chrome"
    data.parent.mkdir(parents=True)
    mine = Probe(tmp_path / "mine")
    mine.fill(data, "Default", "mine")
    run = lab.migrate()
    assert totals(run).failed == 0
    assert probe.ask(data, "Profile 1") == {"bookmarks": ["work"], "history": 3, "note": "work"}
    assert probe.ask(data, "Profile 2") == {"bookmarks": ["anna"], "history": 3, "note": "anna"}
    assert named(data) >= {"Default", "Profile 1", "Profile 2"}
    bookmarks = json.loads((data / "Default/Bookmarks").read_text())
    assert bookmarks["roots"]["bookmark_bar"]["children"][0]["name"] == "mine"


def test_a_database_over_100_mb_and_rows_still_in_the_wal_come_along(lab: Lab, probe: Probe) -> None:
    with running_over_100_mb(lab.profile / DATA / "Default/History") as database:
        # A fourth visit, otherwise like the third.
        database.execute("CREATE TEMP TABLE page AS SELECT * FROM urls WHERE url LIKE '%/visited/3'")
        database.execute(
            "CREATE TEMP TABLE seen AS SELECT visits.* FROM visits JOIN page ON page.id = visits.url"
        )
        database.execute("UPDATE page SET id = NULL, url = replace(url, '/3', '/4')")
        new = database.execute("INSERT INTO urls SELECT * FROM page").lastrowid
        database.execute("UPDATE seen SET id = NULL, url = ?", (new,))
        database.execute("INSERT INTO visits SELECT * FROM seen")
    run = lab.migrate()
    assert totals(run).failed == 0
    found = probe.ask(lab.home / ".config/google-chrome", "Default")
    assert found == {"bookmarks": ["anna"], "history": 4, "note": "anna"}


def test_without_turning_paths_the_extension_would_be_lost(
    windows: Path, probe: Probe, tmp_path: Path
) -> None:
    """What the transform is for, shown with the files as Windows has them."""
    data = tmp_path / "data"
    shutil.copytree(windows, data)
    with pytest.raises(RuntimeError):
        probe.ask(data, "Default")
