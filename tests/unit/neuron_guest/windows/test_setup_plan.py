"""Bundles, folders, health: each decision of the installer."""

from __future__ import annotations

from pathlib import PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuron_guest.platform.windows import setup_plan
from neuron_guest.platform.windows.setup_plan import BundleError
from neuron_guest.platform.windows.status import Told

DIGEST = "0" * 64
FILES = {"python.exe": DIGEST}
PROGRAMS = PureWindowsPath(r"C:\Program Files\NeuronGuest")


def test_a_whole_manifest_is_taken() -> None:
    found = setup_plan.bundle({"version": "1.2.3", "files": {**FILES, "app/neuron_guest/x.py": DIGEST}})
    assert found.version == "1.2.3"


@pytest.mark.parametrize(
    "manifest",
    [
        None, [], {}, {"version": "1.2.3"}, {"version": "../1", "files": FILES},
        {"version": "1.2.3", "files": {}},
        *({"version": "1.2.3", "files": {**FILES, name: DIGEST}} for name in (
            "../x", "/x", "C:/x", "a\\b", "a//b", "a/../b", "a/ ./b", "", "a:b",
        )),
        {"version": "1.2.3", "files": {"python.exe": "0" * 63}},
        {"version": "1.2.3", "files": {"python.exe": None}},
    ],
)  # fmt: skip
def test_any_other_is_refused(manifest: object) -> None:
    with pytest.raises(BundleError):
        setup_plan.bundle(manifest)


@given(st.lists(st.sampled_from(["1.0.0", "1.0.0_2", "1.0.0_3", "2.0.0"]), unique=True))
def test_a_folder_in_use_is_never_chosen(taken: list[str]) -> None:
    name = setup_plan.folder_name("1.0.0", taken)
    assert name not in taken
    assert name.startswith("1.0.0")


def test_the_services_command_is_quoted_and_names_its_folder() -> None:
    line = setup_plan.command(PROGRAMS / "1.0.0", ["--port", r"\\.\COM5"])
    assert line.startswith(r'"C:\Program Files\NeuronGuest\1.0.0\python.exe" -I -m ')


@pytest.mark.parametrize(
    ("told", "was_open", "well"),
    [
        (Told("1.0.0", 7, ""), True, True),
        (Told("1.0.0", 7, "access denied"), True, False),
        (Told("1.0.0", 7, None), True, False),
        (Told("1.0.0", 7, "no such port"), False, True),
        (Told("0.9.0", 7, ""), True, False),
        (Told("1.0.0", 8, ""), True, False),
        (None, False, False),
    ],
)
def test_health_is_the_right_version_in_the_running_process_with_the_port(
    told: Told | None, was_open: bool, well: bool
) -> None:
    assert setup_plan.healthy(told, version="1.0.0", process=7, port_was_open=was_open) is well


def test_leftovers_are_all_but_what_is_kept() -> None:
    assert setup_plan.leftovers(["1.0.0", "1.1.0", "1.2.0.partial"], ["1.1.0"]) == ["1.0.0", "1.2.0.partial"]


@pytest.mark.parametrize(
    ("owner", "link", "kept"),
    [
        ("S-1-5-18", False, True),
        ("S-1-5-32-544", False, True),
        ("S-1-5-21-1-2-3-1001", False, True),
        ("S-1-5-21-1-2-3-1002", False, False),
        ("S-1-5-32-545", False, False),
        ("S-1-5-32-544", True, False),
    ],
)
def test_a_folder_for_the_keys_is_kept_only_if_an_administrator_made_it(
    owner: str, link: bool, kept: bool
) -> None:
    assert setup_plan.trusted(owner, installer="S-1-5-21-1-2-3-1001", link=link) is kept
