"""A choice made while installing: only kernel words of ours come out of it, whatever the file holds."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libneuron.hardware import installer
from libneuron.hardware.boot import change, wishes
from libneuron.hardware.boot.cmdline import Wish
from libneuron.hardware.errors import HardwareError
from libneuron.hardware.installer import Choice
from libneuron.system.files import Root
from libneuron.system.runner import RealRunner
from tests.conftest import ROOT

ON = Choice(Wish(set=("intel_iommu=on",)))


def test_a_saved_choice_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "neuron" / installer.NAME
    installer.save(path, ON)
    assert installer.load(path) == ON
    assert path.stat().st_mode & 0o777 == 0o600


def test_where_it_cannot_be_saved_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HardwareError, match="could not be saved"):
        installer.save(tmp_path / "file/choice.json", ON)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[" * 100_000,
        b"null",
        b'{"format": 2, "add": [], "remove": []}',
        b'{"format": 1, "add": "iommu=pt", "remove": []}',
        b'{"format": 1, "add": [1], "remove": []}',
        b'{"format": 1, "add": ["init=/bin/sh"], "remove": []}',
        b'{"format": 1, "add": ["pcie_acs_override=downstream"], "remove": []}',
        b'{"format": 1, "add": [], "remove": ["root"]}',
        b"\xff\xfe",
    ],
)
def test_what_is_no_choice_of_ours_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "choice.json"
    path.write_bytes(data)
    with pytest.raises(HardwareError, match="damaged"):
        installer.load(path)


def test_no_link_and_no_pipe_is_followed(tmp_path: Path) -> None:
    installer.save(tmp_path / "real.json", ON)
    (tmp_path / "link.json").symlink_to(tmp_path / "real.json")
    os.mkfifo(tmp_path / "pipe.json")
    for name in ("link.json", "pipe.json", "missing.json"):
        with pytest.raises(HardwareError):
            installer.load(tmp_path / name)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
_word = st.sampled_from(["iommu=pt", "intel_iommu=on", "init=/x", "pcie_acs_override=downstream", "a b"])


@given(st.fixed_dictionaries({"format": st.just(1), "add": st.lists(_word) | _json, "remove": _json}) | _json)
def test_whatever_the_file_holds_only_allowed_words_come_out(data: Any) -> None:
    path = Path(os.environ.get("TMPDIR", "/tmp")) / f"choice-{os.getpid()}.json"
    path.write_text(json.dumps(data))
    try:
        found = installer.load(path)
    except HardwareError:
        return
    finally:
        path.unlink()
    assert wishes.refused(found.wish) == ()
    assert wishes.risky(found.wish) == ()


def test_the_newest_choice_of_a_session_is_found_and_no_other_users_file(tmp_path: Path) -> None:
    assert installer.find(tmp_path) is None
    own = str(os.getuid())
    installer.save(tmp_path / own / "neuron" / installer.NAME, ON)
    assert installer.find(tmp_path) == tmp_path / own / "neuron" / installer.NAME
    other = tmp_path / "1234/neuron" / installer.NAME
    installer.save(other, ON)
    os.chown(other, 4321, 4321)
    os.utime(other, (2e9, 2e9))
    assert installer.find(tmp_path) == tmp_path / own / "neuron" / installer.NAME
    os.chown(other, 1234, 1234)
    assert installer.find(tmp_path) == other


def test_a_choice_is_carried_out_in_the_target_and_recorded_there(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "tests/fixtures/boot/arch-systemd-boot/before", tmp_path, dirs_exist_ok=True)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    made = installer.carry_out(tmp_path, ON, RealRunner())
    assert made is not None
    entries = [path.read_text() for path in (tmp_path / "boot/loader/entries").glob("*.conf")]
    assert any("intel_iommu=on" in text for text in entries)
    records = tmp_path / "var/lib/neuron/hardware/changes"
    machine = change.Machine(Root(tmp_path), RealRunner(), records)
    change.undo(machine, change.history(machine)[0])
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize("choice", [Choice(Wish()), Choice(Wish(unset=("iommu=pt",)))])
def test_nothing_to_do_leaves_nothing_behind(tmp_path: Path, choice: Choice) -> None:
    shutil.copytree(ROOT / "tests/fixtures/boot/arch-systemd-boot/before", tmp_path, dirs_exist_ok=True)
    assert installer.carry_out(tmp_path, choice, RealRunner()) is None
    assert not (tmp_path / "var/lib/neuron").exists()
