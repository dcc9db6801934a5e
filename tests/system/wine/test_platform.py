"""Single parts of the Windows platform against Windows' own functions."""

from __future__ import annotations

import os
import random

from libneuron.guest.wire.content import ENROLMENT_FILE
from neuron_guest.platform.windows.security import ADMINISTRATORS_ONLY
from tests.system.wine.lab import WineLab
from tests.system.wine.test_desktop import do


def test_windows_own_parser_reads_our_command_lines_back(wine: WineLab) -> None:
    seed = random.Random(1)
    marks = ["a", "b c", " ", "\t", '"', "\\", "\\\\", "'", "$", "^", "%PATH%", "é", "😀", "&", "|", "\n"]

    def word() -> str:
        return "".join(seed.choices(marks, k=seed.randrange(8)))

    lists = [[word() for _ in range(seed.randrange(5))] for _ in range(3000)]
    assert wine.call("platform_parts.parsed_back", lists=lists) == lists


def test_a_program_gets_its_arguments_unharmed(wine: WineLab) -> None:
    words = ["a b", 'say "x"', "c:\\d\\", "%PATH%", "$(id)", "é😀", "", "&calc"]
    target = r"C:\arguments.json"
    code = "import json,os,sys;p=sys.argv[1];json.dump(sys.argv[2:],open(p+'1','w'));os.replace(p+'1',p)"
    python = wine.call("platform_parts.interpreter")
    assert do(wine, "launch", python, ["-c", code, target, *words]) > 0
    assert wine.call("platform_parts.wait_for_arguments", path=target) == words


def test_the_person_has_an_identity_and_a_session(wine: WineLab) -> None:
    assert wine.call("platform_parts.own_sid").startswith("S-1-5-21-")
    said = wine.call("platform_parts.sessions")
    assert said["console"] == said["own"]
    assert [session["number"] for session in said["listed"]] == [said["own"]]


def test_a_hand_over_is_found_on_the_disc_that_is_in_a_drive(wine: WineLab) -> None:
    assert wine.call("platform_parts.discs") == []
    wine.insert_disc({ENROLMENT_FILE: b'{"id": "x"}'})
    assert wine.call("platform_parts.discs") == [b'{"id": "x"}']
    wine.insert_disc({"another.json": b"{}"})
    assert wine.call("platform_parts.discs") == []


def test_shutting_down_is_asked_for_with_its_privilege(wine: WineLab) -> None:
    assert do(wine, "power", "explode")["refused"] == "bad-argument"
    assert do(wine, "power", "reboot") is None  # Wine takes the request and stays


def test_rights_are_set_and_nothing_is_inherited(wine: WineLab) -> None:
    folder = wine.prefix / "drive_c" / "protected"
    folder.mkdir()
    said = wine.call("platform_parts.protected", path=r"C:\protected", sddl=ADMINISTRATORS_ONLY)
    assert ";;;SY)" in said
    assert "BU" not in said


def test_a_folder_that_somebody_else_made_in_advance_is_set_aside(wine: WineLab) -> None:
    folder = wine.prefix / "drive_c" / "premade"
    (folder / "keys").mkdir(parents=True)
    os.chown(folder, 65534, 65534)
    said = wine.call("platform_parts.made_private", path=r"C:\premade")
    assert ";;;SY)" in said
    assert list(folder.iterdir()) == []
    (aside,) = folder.parent.glob("premade.foreign-*")
    assert (aside / "keys").is_dir()


def test_our_own_folder_is_kept_with_what_is_in_it(wine: WineLab) -> None:
    wine.call("platform_parts.made_private", path=r"C:\ours")
    folder = wine.prefix / "drive_c" / "ours"
    (folder / "keys").mkdir()
    wine.call("platform_parts.made_private", path=r"C:\ours")
    assert [item.name for item in folder.parent.glob("ours*")] == ["ours"]
    assert (folder / "keys").is_dir()
