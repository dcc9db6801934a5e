"""The helper's verbs for restore points on a real btrfs, over a real bus: what callers may name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from libneuron.system.errors import SystemAccessError
from libneuron.system.helper import INTERFACE, NAME, PATH
from libneuron.updates import guardian
from libneuron.updates.published import PUBLIC
from libneuron.updates.settings import load_settings
from tests.system.updates.disk import Disk, disk
from tests.unit.neuron_helper.lab import Answer, Lab, lab


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Disk]:
    with disk(tmp_path, named="@") as made:
        place = made.point / "home/ada"
        place.mkdir()
        (place / "diary").write_text("of yesterday\n")
        guardian.begin(made.machine(), tool="test")
        made.update_badly()
        guardian.end(made.machine())
        (place / "diary").write_text("of today\n")
        yield made


@pytest.fixture
def here(tmp_path_factory: pytest.TempPathFactory, machine: Disk) -> Iterator[Lab]:
    with lab(tmp_path_factory.mktemp("bus")) as made, made.helper(machine.point):
        yield made


def call(here: Lab, member: str, signature: str = "", *body: Any) -> Any:
    bus = here.bus()
    try:
        return json.loads(here.loop.wait(bus.call(NAME, PATH, INTERFACE, member, signature, body))[0])
    finally:
        here.loop.wait(bus.close())


def refused(here: Lab, member: str, signature: str = "", *body: Any) -> str:
    """The code of the error."""
    with pytest.raises(SystemAccessError) as caught:
        call(here, member, signature, *body)
    return str(json.loads(str(caught.value.params["error"]))["code"])


def test_a_file_comes_back_and_only_those_that_the_helper_found_itself(here: Lab, machine: Disk) -> None:
    files = call(here, "UpdatesFiles", "s", "1")["files"]
    assert "/etc/app.conf" in files
    done = call(here, "UpdatesRestoreFile", "ss", "1", "/etc/app.conf")
    assert done == {"path": "/etc/app.conf", "kept": "/etc/app.conf.before-restore"}
    assert (machine.point / "etc/app.conf").read_text() == "old settings\n"
    for path in ("/etc/fstab", "/etc/../etc/app.conf", "//etc/app.conf2", "/proc/self/mem", "/usr/bin/extra"):
        assert refused(here, "UpdatesRestoreFile", "ss", "1", path) == "updates.not-in-point"
    for path in ("etc/app.conf", "", "/" + "x" * 5000):
        assert refused(here, "UpdatesRestoreFile", "ss", "1", path) == "helper.bad-argument"
    assert refused(here, "UpdatesRestoreFile", "ss", "9", "/etc/app.conf") == "updates.no-such-point"


def test_a_person_who_turns_their_folder_into_a_link_gains_nothing(
    here: Lab, machine: Disk, tmp_path: Path
) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "diary").write_text("precious\n")
    assert "/home/ada/diary" in call(here, "UpdatesFiles", "s", "1")["files"]
    (machine.point / "home/ada").rename(machine.point / "home/away")
    (machine.point / "home/ada").symlink_to(victim)
    code = refused(here, "UpdatesRestoreFile", "ss", "1", "/home/ada/diary")
    assert code in ("updates.restore-failed", "updates.not-in-point")
    assert (victim / "diary").read_text() == "precious\n"
    assert [path.name for path in victim.iterdir()] == ["diary"]


def test_a_link_where_the_history_is_published_is_replaced_and_not_followed(here: Lab, machine: Disk) -> None:
    place = machine.point / PUBLIC.lstrip("/")
    place.unlink()
    place.symlink_to("/etc/app.conf")
    call(here, "UpdatesPin", "sb", "1", True)
    assert (machine.point / "etc/app.conf").read_text() == "new settings\n"
    assert not place.is_symlink()
    assert json.loads(place.read_text())["updates"][0]["pinned"] is True


def test_what_needs_no_password_tells_no_names_of_files(here: Lab) -> None:
    """The preview and the sizes are for whoever sits at the machine; lists of files are not."""
    seen = call(here, "UpdatesPreview", "s", "1")
    assert seen["packages"] == {"app": ["2", "1"]}
    assert seen["files"] == []
    assert "diary" not in json.dumps([seen, call(here, "UpdatesHoldings")])
    asked = {action for _, action, _ in here.authority.asked}
    assert asked == {"org.neuronos.updates.read"}


def test_settings_are_written_within_limits_or_not_at_all(here: Lab, machine: Disk) -> None:
    root = machine.machine().root
    call(here, "UpdatesConfigure", "ssbss", "4", "100", True, "2", "libvirt,ssh")
    now = load_settings(root)
    assert (now.keep, now.free_mib, now.automatic, now.attempts, now.skip) == (
        4,
        100,
        True,
        2,
        ("libvirt", "ssh"),
    )
    for body in (
        ("1", "100", True, "2", ""),
        ("999", "100", True, "2", ""),
        ("4", "-1", True, "2", ""),
        ("4", "100", True, "0", ""),
        ("٤", "100", True, "2", ""),
        ("4", "100", True, "2", 'x"]\nautomatic = true #'),
    ):
        assert refused(here, "UpdatesConfigure", "ssbss", *body) == "helper.bad-argument"
    assert load_settings(root) == now


def test_the_report_holds_what_was_seen_and_nobody_gets_it_against_polkits_word(here: Lab) -> None:
    found = call(here, "UpdatesReport")
    assert [event["kind"] for event in found["journal"]][:2] == ["update-beginning", "update-begun"]
    assert {"before", "end"} <= set(found["results"]["1"])
    assert found["damaged"] == 0
    here.authority.answer = Answer.NO
    for verb, signature, body in (
        ("UpdatesReport", "", ()),
        ("UpdatesFiles", "s", ("1",)),
        ("UpdatesRestoreFile", "ss", ("1", "/etc/app.conf")),
    ):
        assert refused(here, verb, signature, *body) == "helper.denied"
