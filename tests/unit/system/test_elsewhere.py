"""Programs started elsewhere: in another tree, or as a service of their own."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from libneuron.system.elsewhere import ChrootRunner, ServiceRunner
from libneuron.system.errors import SystemAccessError
from libneuron.system.runner import DryRunner, RealRunner


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """A tree with one program that needs nothing else."""
    source = tmp_path / "main.c"
    source.write_text(
        "#include <stdio.h>\n#include <unistd.h>\n"
        'int main(int n, char **v) { puts(access("/only-here", 0) ? "outside" : "inside"); return n - 1; }\n'
    )
    (tmp_path / "bin").mkdir()
    (tmp_path / "only-here").write_text("")
    subprocess.run(["cc", "-static", "-o", tmp_path / "bin/where", source], check=True)
    return tmp_path


def test_a_program_of_the_other_tree_sees_only_that_tree(other: Path) -> None:
    done = ChrootRunner(RealRunner(), other).run(("/bin/where",), timeout=20)
    assert done.text == "inside\n"


def test_a_program_is_found_where_the_other_tree_keeps_it(
    other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/usr/sbin:/usr/bin")
    assert ChrootRunner(RealRunner(), other).run(("where",), timeout=20).text == "inside\n"


def test_its_status_is_told(other: Path) -> None:
    with pytest.raises(SystemAccessError) as caught:
        ChrootRunner(RealRunner(), other).run(("/bin/where", "x"), timeout=20)
    assert caught.value.params["status"] == "1"


def test_a_program_that_the_other_tree_lacks_is_not_taken_from_this_one(other: Path) -> None:
    assert shutil.which("true")
    with pytest.raises(SystemAccessError) as caught:
        ChrootRunner(RealRunner(), other).run(("true",), timeout=20)
    assert caught.value.params["status"] == "127"


def test_a_service_is_waited_for_and_ended_by_systemd_when_it_takes_too_long() -> None:
    dry = DryRunner(RealRunner())
    ServiceRunner(dry).run(("update-grub", "--x"), timeout=600, env={"A": "b"}, changes=True)
    (words,) = dry.skipped
    assert words[0] == "systemd-run"
    assert {"--wait", "--pipe", "--property=RuntimeMaxSec=600", "--setenv=A=b"} <= set(words)
    assert words[words.index("--") :] == ("--", "update-grub", "--x")
