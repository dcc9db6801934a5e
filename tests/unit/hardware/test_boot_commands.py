"""``apply``, ``undo``, ``verify`` on another tree: nothing before somebody agreed, and back to the byte."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from neuron_hardware_advisor.__main__ import main
from tests.unit.hardware.test_commands import tree

Run = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    top = tree(tmp_path, "arch-systemd-boot")
    (tmp_path / "proc/sys/kernel/random").mkdir(parents=True)
    _boot(tmp_path, "first", "quiet")

    def call(*words: str) -> tuple[int, dict[str, Any]]:
        status = main([*words, "--root", top, "--json"])
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return status, found

    return call


def _boot(top: Path, name: str, line: str) -> None:
    (top / "proc/sys/kernel/random/boot_id").write_text(name)
    (top / "proc/cmdline").write_text(line)


def _files(top: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in top.rglob("*.conf") if "var/lib" not in str(path)}


def test_what_would_help_is_applied_verified_and_taken_back(run: Run, tmp_path: Path) -> None:
    before = _files(tmp_path)
    status, found = run("apply", "--yes")
    assert status == 0
    assert (found["change"]["state"], found["change"]["add"]) == ("applied", ["intel_iommu=on"])
    assert _files(tmp_path) != before
    assert run("verify")[1]["changes"][0]["state"] == "applied"
    _boot(tmp_path, "second", "quiet intel_iommu=on")
    status, found = run("verify")
    assert (status, found["changes"][0]["state"], found["verified"]) == (0, "verified", True)
    assert run("undo")[1]["change"]["state"] == "undone"
    assert _files(tmp_path) == before
    assert run("undo")[1]["error"]["code"] == "hardware.nothing-to-undo"


def test_a_boot_that_does_not_show_it_fails_the_check(run: Run, tmp_path: Path) -> None:
    run("apply", "--yes")
    _boot(tmp_path, "second", "quiet")
    status, found = run("verify")
    assert (status, found["changes"][0]["state"], found["verified"]) == (1, "failed-check", False)


def test_without_agreement_nothing_changes(run: Run, tmp_path: Path) -> None:
    before = _files(tmp_path)
    status, found = run("apply")
    assert (status, found["error"]["code"]) == (2, "hardware.not-agreed")
    assert _files(tmp_path) == before


def test_the_override_wants_its_own_words_not_a_yes(run: Run, tmp_path: Path) -> None:
    before = _files(tmp_path)
    risky = ("apply", "--add", "pcie_acs_override=downstream")
    status, found = run(*risky, "--yes")
    assert (status, found["error"]["code"]) == (2, "hardware.not-confirmed")
    assert "protection" in found["error"]["details"]
    assert _files(tmp_path) == before
    assert run(*risky, "--confirm", "pcie_acs_override=downstream")[0] == 0
    assert _files(tmp_path) != before


def test_a_foreign_word_is_refused(run: Run) -> None:
    assert run("apply", "--yes", "--add", "init=/bin/sh")[1]["error"]["code"] == "hardware.argument-refused"


def test_a_record_is_not_needed_to_look_at_it(run: Run, tmp_path: Path) -> None:
    assert run("verify") == (0, {"changes": [], "verified": True})
    assert not (tmp_path / "var").exists(), "looking leaves nothing behind"


def test_a_change_that_was_cut_off_comes_first(run: Run, tmp_path: Path) -> None:
    before = _files(tmp_path)
    run("apply", "--yes")
    (record,) = (tmp_path / "var/lib/neuron/hardware/changes").glob("*.json")
    record.write_text(record.read_text().replace('"applied"', '"started"'))
    status, found = run("verify")
    assert (status, found["changes"][0]["state"]) == (1, "started")
    assert run("apply", "--yes", "--add", "iommu=pt")[1]["error"]["code"] == "hardware.change-cut"
    run("undo", "1")
    assert _files(tmp_path) == before
    assert run("apply", "--yes", "--add", "iommu=pt")[0] == 0


def test_a_number_that_is_none_is_a_wrong_use(run: Run) -> None:
    for number in ("0", "-1", "x", "1000000"):
        with pytest.raises(SystemExit):
            run("undo", number)
