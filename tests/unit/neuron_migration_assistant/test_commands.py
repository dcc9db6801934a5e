"""The command line's contract: verbs, exit statuses, one JSON object."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from neuron_migration_assistant.__main__ import main
from tests.unit.migration.maker import Lab, entries_below, tree


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    made = Lab(tmp_path).make(
        {
            "Documents/a.txt": "a",
            "Pictures/b.jpg": "b",
            "Pictures/desktop.ini": "",
            ".npmrc": "prefix=C:\\x\r\nfund=false\r\n",
        }
    )
    (made.source / "Users/Public/Documents").mkdir(parents=True)
    return made


def call(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, Any]:
    status = main([str(word) for word in words] + ["--json"])
    return status, json.loads(capsys.readouterr().out)


def test_scan_names_people_and_counts_everything(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    status, data = call(capsys, "scan", lab.source)
    assert status == 0
    (person,) = data["people"]
    assert person["name"] == "Anna"
    assert person["totals"]["seen"] == entries_below(lab.profile)
    assert {item["id"] for item in person["items"]} == {"documents", "pictures", "npm", "other"}


def test_plan_says_where_things_go_and_touches_nothing(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    before = tree(lab.home, times=True)
    status, data = call(capsys, "plan", lab.source, "--user", "anna", "--home", lab.home)
    assert status == 0
    assert {item["id"]: item["to"] for item in data["items"]}["documents"] == "Documents"
    assert data["space"]["needed"] < data["space"]["free"]
    assert tree(lab.home, times=True) == before


def test_run_ends_with_the_contract(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    status, data = call(capsys, "run", lab.source, "--user", "Anna", "--home", lab.home, "--yes")
    assert status == 0
    assert data["ok"] is True
    sums = data["totals"]
    assert set(sums) == {"seen", "copied", "transformed", "excluded", "kept_both", "unavailable", "failed"}
    assert sums["seen"] == sum(count for word, count in sums.items() if word != "seen")
    assert sums["seen"] == entries_below(lab.profile)
    for item in data["items"]:
        assert {"id", "state", "notes"} <= set(item)
    assert {item["id"]: item["state"] for item in data["items"]}["npm"] == "transformed"
    assert Path(data["report"]).read_text().startswith("<!DOCTYPE html>")


def test_nothing_runs_without_agreement(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    status, data = call(capsys, "run", lab.source, "--user", "Anna", "--home", lab.home)
    assert (status, data["error"]["code"]) == (2, "migration.not-agreed")
    assert list(lab.home.iterdir()) == []


def test_nothing_is_taken_back_without_agreement(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    call(capsys, "run", lab.source, "--home", lab.home, "--yes")
    before = tree(lab.home, times=True)
    status, data = call(capsys, "undo", "--home", lab.home)
    assert (status, data["error"]["code"]) == (2, "migration.undo-not-agreed")
    assert "taken back" in data["error"]["message"]
    assert tree(lab.home, times=True) == before


def test_one_entry_is_not_one_entries(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", str(lab.source), "--home", str(lab.home)]) == 0
    text = capsys.readouterr().out
    assert "npm → ~/: 1 entry, " in text
    assert "Documents → ~/Documents: 2 entries, " in text


def test_only_brings_what_was_named(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    status, data = call(
        capsys, "run", lab.source, "--user", "Anna", "--home", lab.home, "--yes", "--only", "pictures", "npm"
    )
    assert status == 0
    assert {item["id"]: item["state"] for item in data["items"]} == {
        "documents": "excluded",
        "pictures": "copied",
        "npm": "transformed",
        "other": "empty",
    }


def test_a_saved_plan_can_be_run(lab: Lab, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    saved = tmp_path / "my.plan"
    call(capsys, "plan", lab.source, "--home", lab.home, "--save", saved, "--only", "documents")
    status, data = call(capsys, "run", lab.source, "--home", lab.home, "--yes", "--plan", saved)
    assert (status, data["totals"]["copied"]) == (0, 2)


def test_verify_report_and_undo_find_the_run_by_the_home(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    call(capsys, "run", lab.source, "--home", lab.home, "--yes")
    assert call(capsys, "verify", "--home", lab.home)[1]["verified"]["checked"] == 3
    assert call(capsys, "report", "--home", lab.home)[0] == 0
    assert call(capsys, "retry", "--home", lab.home)[0] == 0
    (lab.home / "Documents/a.txt").unlink()
    status, data = call(capsys, "verify", "--home", lab.home)
    assert (status, data["ok"], data["verified"]["missing"]) == (1, False, ["Documents/a.txt"])
    status, data = call(capsys, "undo", "--home", lab.home, "--yes")
    assert (status, data["ok"]) == (0, True)
    assert list(lab.home.iterdir()) == []


def test_verify_says_at_the_terminal_what_it_found(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    call(capsys, "run", lab.source, "--home", lab.home, "--yes")
    assert main(["verify", "--home", str(lab.home)]) == 0
    assert "Read again: 3 files, all as they arrived\n" in capsys.readouterr().out
    (lab.home / "Documents/a.txt").unlink()
    assert main(["verify", "--home", str(lab.home)]) == 1
    assert ", missing 1\n  Missing: Documents/a.txt\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code", "exit_status"),
    [
        (["scan", "missing"], "migration.source-missing", 3),
        (["scan", "empty"], "migration.not-windows", 3),
        (["plan", "windows", "--user", "Bob"], "migration.user-not-found", 3),
        (["plan", "windows", "--only", "nothing"], "migration.item-not-found", 2),
        (["run", "windows", "--yes", "--home", "missing"], "migration.home-missing", 3),
        (["verify", "--home", "empty"], "migration.nothing-to-resume", 3),
        (["undo", "--home", "empty", "--yes"], "migration.nothing-to-resume", 3),
    ],
)
def test_bad_input_is_a_clear_sentence(
    lab: Lab,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    code: str,
    exit_status: int,
) -> None:
    monkeypatch.chdir(lab.top)
    (lab.top / "empty").mkdir()
    status, data = call(capsys, *words)
    assert (status, data["error"]["code"]) == (exit_status, code)
    assert data["error"]["message"].endswith(".")
    assert data["error"]["hint"].endswith(".")
