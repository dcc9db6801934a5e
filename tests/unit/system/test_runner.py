"""Programs start from lists, in a clean environment, with a time limit."""

from __future__ import annotations

from pathlib import Path

import pytest

from libneuron.errors import Exit
from libneuron.system.errors import SystemAccessError
from libneuron.system.runner import DryRunner, RealRunner, clean_environment, launch, spawn


def test_arguments_reach_the_program_as_they_are() -> None:
    nasty = "a'b\"c $(id) `id` \n;"
    done = RealRunner().run(["printf", "%s", nasty], timeout=10)
    assert done.text == nasty


def test_the_environment_is_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_PRELOAD_TRAP", "1")
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    text = RealRunner().run(["env"], timeout=10, env={"EXTRA": "yes"}).text
    assert "LD_PRELOAD_TRAP" not in text
    assert "LC_ALL=C.UTF-8" in text
    assert "EXTRA=yes" in text


def test_standard_input_is_what_was_given_or_empty() -> None:
    assert RealRunner().run(["cat"], timeout=10).stdout == b""
    assert RealRunner().run(["cat"], timeout=10, stdin=b"\x00\xff").stdout == b"\x00\xff"


def test_a_failure_shows_the_command_and_what_it_said() -> None:
    with pytest.raises(SystemAccessError) as refused:
        RealRunner().run(["ls", "/no such place"], timeout=10)
    assert refused.value.code == "system.program-failed"
    assert "$ ls '/no such place'" in refused.value.details
    assert "No such file" in refused.value.details


def test_a_failure_may_be_wanted() -> None:
    assert RealRunner().run(["false"], timeout=10, check=False).status == 1


def test_a_missing_program_says_install_it() -> None:
    with pytest.raises(SystemAccessError) as refused:
        RealRunner().run(["no-such-program-here"], timeout=10)
    assert refused.value.exit is Exit.CANNOT


def test_a_program_that_hangs_is_stopped() -> None:
    with pytest.raises(SystemAccessError) as refused:
        RealRunner().run(["sleep", "600"], timeout=0.2)
    assert refused.value.code == "system.program-timeout"


def test_a_dry_run_looks_but_does_not_touch() -> None:
    dry = DryRunner(RealRunner())
    assert dry.run(["echo", "look"], timeout=10).text == "look\n"
    assert dry.run(["false"], timeout=10, changes=True).status == 0
    assert dry.skipped == [("false",)]


def test_a_long_lived_program_is_the_callers() -> None:
    process = spawn(["sleep", "600"])
    process.terminate()
    assert process.wait(10) == -15


def test_a_persons_own_program_gets_the_sessions_environment_and_is_reaped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_MESSAGES", "ar")
    process = launch(["sh", "-c", 'echo "$LC_MESSAGES" "$0" > "$1"', "$(id)", str(tmp_path / "said")])
    assert process.wait(60) == 0
    assert (tmp_path / "said").read_text() == "ar $(id)\n"


def test_without_any_path_a_distributions_tools_for_root_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PATH")
    assert "/usr/sbin" in clean_environment()["PATH"].split(":")


def test_a_program_that_may_not_be_run_is_not_called_missing(tmp_path: Path) -> None:
    program = tmp_path / "tool"
    program.write_text("#!/bin/sh\n")
    for start in (lambda: RealRunner().run([str(program)], timeout=10), lambda: spawn([str(program)])):
        with pytest.raises(SystemAccessError) as refused:
            start()
        assert refused.value.code == "system.program-forbidden"
        assert str(program) in refused.value.sentence()
