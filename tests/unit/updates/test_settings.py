"""The administrator's choices: read, written, and refused where they make no sense."""

from __future__ import annotations

from pathlib import Path

import pytest

from libneuron.system.clock import RealClock
from libneuron.system.errors import SystemAccessError
from libneuron.system.files import Root
from libneuron.system.paths import resources
from libneuron.system.runner import RealRunner
from libneuron.updates.leader import find_leader, find_manager
from libneuron.updates.machine import Machine
from libneuron.updates.settings import Settings, load_settings, save_settings

PLACE = "etc/neuron/guardian.toml"


def test_what_is_saved_is_what_is_read_and_the_file_before_is_kept(tmp_path: Path) -> None:
    root = Root(tmp_path)
    assert load_settings(root) == Settings()
    save_settings(root, Settings(keep=4))
    (tmp_path / PLACE).write_text("keep = 4 # by hand\n")
    wished = Settings(keep=3, free_mib=100, automatic=True, attempts=2, skip=("libvirt", "script.r.x.sh"))
    save_settings(root, wished)
    assert load_settings(root) == wished
    assert (tmp_path / f"{PLACE}.before").read_text() == "keep = 4 # by hand\n"


@pytest.mark.parametrize(
    "text",
    ["keep = 1", "attempts = 0", "keep = true", "free_mib = -1", "kep = 3", 'skip = ["a b"]', "skip = [1]"],
)
def test_what_makes_no_sense_is_refused_and_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "etc/neuron").mkdir(parents=True)
    (tmp_path / PLACE).write_text(text)
    with pytest.raises(SystemAccessError) as caught:
        load_settings(Root(tmp_path))
    assert caught.value.code == "system.table-invalid"


def test_nothing_is_written_that_could_not_be_read_again(tmp_path: Path) -> None:
    with pytest.raises(SystemAccessError):
        save_settings(Root(tmp_path), Settings(keep=1))
    assert not (tmp_path / PLACE).exists()


def test_a_check_that_is_left_out_is_not_made(tmp_path: Path) -> None:
    shipped = resources() / "updates/checks.toml"
    settings = Settings(skip=("libvirt", "kernel"))
    machine = Machine(Root(tmp_path), RealRunner(), RealClock(), None, shipped, settings)
    left = {check.id for check in machine.checks()}
    assert not {"libvirt", "kernel"} & left
    assert {check.id for check in machine.all_checks()} - left == {"libvirt", "kernel"}


def processes(top: Path, rows: list[tuple[int, str, int]]) -> Root:
    """/proc with ``rows`` of (process, name, parent)."""
    for pid, name, parent in rows:
        folder = top / f"proc/{pid}"
        folder.mkdir(parents=True)
        fields = ["S", str(parent), *(["0"] * 17), str(pid * 100)]
        (folder / "stat").write_text(f"{pid} ({name}) {' '.join(fields)}\n")
    return Root(top)


def test_unattended_upgrades_is_the_leader_of_all_the_runs_of_apt_it_makes(tmp_path: Path) -> None:
    rows = [(1, "systemd", 0), (50, "unattended-upgr", 1), (60, "sh", 50), (61, "neuron", 60), (70, "sh", 50)]
    root = processes(tmp_path, rows)
    assert find_leader(root, 61) == find_leader(root, 70) == "unattended-upgr 50 5000"
    assert find_manager(root, 61) == 50


def test_a_person_who_calls_apt_twice_has_no_leader(tmp_path: Path) -> None:
    rows = [(1, "systemd", 0), (40, "bash", 1), (50, "apt-get", 40), (60, "sh", 50)]
    root = processes(tmp_path, rows)
    assert find_leader(root, 60) == ""
    assert find_manager(root, 60) == 50
    assert find_manager(root, 40) == 0


def test_the_system_of_an_aur_helper_in_another_helper_is_the_topmost_one(tmp_path: Path) -> None:
    rows = [(1, "systemd", 0), (40, "topgrade", 1), (50, "yay", 40), (55, "sudo", 50), (60, "pacman", 55)]
    root = processes(tmp_path, rows)
    assert find_leader(root, 60) == "topgrade 40 4000"
    assert find_manager(root, 60) == 40


def test_links_where_settings_lie_lead_nobody_out_of_the_machine(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("keep = 9\n")
    (tmp_path / "etc/neuron").mkdir(parents=True)
    for name in (PLACE, f"{PLACE}.before"):
        (tmp_path / name).symlink_to(victim)
    save_settings(Root(tmp_path), Settings(keep=3))
    assert victim.read_text() == "keep = 9\n"
    assert load_settings(Root(tmp_path)).keep == 3
