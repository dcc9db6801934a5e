"""Counting starts that never complete, and what follows from it, on a real btrfs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from libneuron.updates import guardian
from tests.system.updates.disk import Disk, disk
from tests.system.updates.efi import EfiDisk, efi_disk

LAYOUTS = ["@", None]


@pytest.fixture(params=LAYOUTS, ids=["@", "default-subvolume"])
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    with disk(tmp_path, named=request.param) as made:
        yield made


@pytest.fixture(params=LAYOUTS, ids=["@", "default-subvolume"])
def efi_machine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EfiDisk]:
    with efi_disk(tmp_path, named=request.param) as made:
        yield made


def updated(machine: Disk) -> guardian.Judged:
    guardian.begin(machine.machine(), tool="test")
    machine.update_badly()
    return guardian.end(machine.machine())


def test_the_first_healthy_start_confirms_the_update(machine: Disk) -> None:
    guardian.begin(machine.machine(), tool="test")
    guardian.end(machine.machine())
    assert guardian.after_start(machine.machine()) is None, "not before the restart"
    machine.restart()
    judged = guardian.after_start(machine.machine())
    assert judged is not None
    assert guardian.history(machine.machine()).updates[-1].known_good


def start_counted(machine: Disk) -> bool:
    """Whether a start, in which the early units run and no others, rolls back."""
    machine.restart()
    guardian.early_start(machine.machine())
    return guardian.fall_back(machine.machine())


def test_starts_that_never_complete_roll_back_by_themselves_once(machine: Disk) -> None:
    machine.settings = type(machine.settings)(free_mib=1, automatic=True, attempts=2)
    updated(machine)
    assert (machine.point / "etc/neuron/update-unjudged").exists(), "the early unit has something to do"
    assert [start_counted(machine) for _ in range(3)] == [False, False, True]
    machine.restart()
    assert (machine.point / "usr/bin/app").exists()
    over = guardian.resume(machine.machine())
    assert over is not None
    assert (over.outcome, over.automatic) == ("restored", True)
    assert [start_counted(machine) for _ in range(4)] == [False] * 4, "never twice"


def test_a_start_that_completes_ends_the_counting(machine: Disk) -> None:
    machine.settings = type(machine.settings)(free_mib=1, automatic=True, attempts=1)
    updated(machine)
    assert not start_counted(machine)
    judged = guardian.after_start(machine.machine())
    assert judged is not None
    assert not judged.verdict.healthy, "a complete start of a bad update is for a person to decide"
    assert [start_counted(machine) for _ in range(3)] == [False] * 3


def test_without_the_persons_consent_nothing_rolls_back_by_itself(machine: Disk) -> None:
    updated(machine)
    assert [start_counted(machine) for _ in range(5)] == [False] * 5
    assert not (machine.point / "etc/neuron/update-unjudged").exists()


def test_before_the_esp_is_mounted_a_root_never_goes_back_without_its_kernel(efi_machine: EfiDisk) -> None:
    machine = efi_machine
    machine.settings = replace(machine.settings, automatic=True, attempts=1)
    before = machine.boot_tree()
    guardian.begin(machine.machine(), tool="test")
    machine.update_kernel()
    guardian.end(machine.machine())
    for _ in range(4):
        machine.stop()
        machine.start()  # refuses a kernel without its modules, as a real start would
        guardian.early_start(machine.machine())
        assert not guardian.fall_back(machine.machine())
        assert not guardian.history(machine.machine()).rollbacks
    machine.mount_boot()
    assert guardian.fall_back(machine.machine())
    machine.restart()
    over = guardian.resume(machine.machine())
    assert over is not None
    assert (over.outcome, over.automatic) == ("restored", True)
    assert machine.boot_tree() == before
