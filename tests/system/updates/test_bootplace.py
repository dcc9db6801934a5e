"""Kernels that lie outside the root subvolume, on a real btrfs: the root never goes back without them."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from libneuron.errors import NeuronError
from libneuron.system import btrfs
from libneuron.updates import guardian
from libneuron.updates.store import capability, open_store
from tests.system.updates.disk import Disk, disk, kernel_image, run
from tests.system.updates.efi import EfiDisk, efi_disk


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Disk]:
    with disk(tmp_path, named="@") as made:
        yield made


@contextmanager
def mounted(machine: Disk, root: str, *options: str) -> Iterator[None]:
    """/boot is a mount of the machine's own btrfs that holds what lay there; ``root`` is what is mounted."""
    boot = machine.point / "boot"
    run("mount", *options, boot)
    with (machine.point / "proc/self/mountinfo").open("a") as file:
        file.write(f"31 30 0:30 {root} /boot rw,relatime - btrfs {machine.device} rw\n")
    try:
        yield
    finally:
        subprocess.run(["umount", boot], capture_output=True, check=False)


def other_subvolume(machine: Disk) -> None:
    """The kernels lie in @boot, beside @."""
    top = machine.work / "top"
    top.mkdir()
    run("mount", "-o", "subvolid=5", machine.device, top)
    btrfs.create(top, "@boot")
    for path in (machine.point / "boot").iterdir():
        shutil.move(path, top / "@boot" / path.name)
    run("umount", top)


def updated(machine: Disk) -> None:
    guardian.begin(machine.machine(), tool="test")
    machine.update_badly()
    guardian.end(machine.machine())


def test_kernels_in_a_mounted_subvolume_beside_the_root_are_not_in_the_root(machine: Disk) -> None:
    other_subvolume(machine)
    with mounted(machine, "/@boot", "-o", "subvol=@boot", machine.device):
        obstacle = capability(machine.machine().root)[1]
        assert obstacle is not None
        assert (obstacle.code, obstacle.params["point"]) == ("updates.separate-boot", "/boot")
        updated(machine)
        assert guardian.history(machine.machine()).updates[-1].point, "single files can be had back"
        with pytest.raises(NeuronError):
            guardian.roll_back(machine.machine(), None)
    machine._proc()  # as in a start in which it is not mounted yet
    with pytest.raises(NeuronError):
        guardian.roll_back(machine.machine(), None)
    assert not guardian.history(machine.machine()).rollbacks


def test_kernels_in_a_nested_subvolume_are_not_in_the_root(machine: Disk) -> None:
    boot = machine.point / "boot"
    boot.rename(machine.point / "was")
    btrfs.create(machine.point, "boot")
    for path in (machine.point / "was").iterdir():
        shutil.copy(path, boot)
    updated(machine)
    with pytest.raises(NeuronError) as caught:
        guardian.roll_back(machine.machine(), None)
    assert (caught.value.code, caught.value.params["point"]) == ("updates.separate-boot", "/boot")


def test_a_folder_of_the_root_that_is_mounted_on_boot_lies_in_the_root(machine: Disk) -> None:
    (machine.point / "boot").rename(machine.point / "kernels")
    (machine.point / "boot").mkdir()
    with mounted(machine, "/@/kernels", "--bind", str(machine.point / "kernels")):
        assert capability(machine.machine().root)[1] is None


def test_a_restore_point_without_a_kernel_is_refused(machine: Disk) -> None:
    updated(machine)
    point = guardian.history(machine.machine()).updates[0].point
    with open_store(machine.machine().root, machine.machine().clock) as store:
        assert store.volume is not None
        place = store.volume.path(point)
        btrfs.set_readonly(place, readonly=False)
        for path in (place / "boot").iterdir():
            path.unlink()
    with pytest.raises(NeuronError, match="no kernel image") as caught:
        guardian.roll_back(machine.machine(), None)
    assert caught.value.code == "updates.target-unsound"


def test_a_machine_whose_kernel_is_nowhere_to_be_seen_is_not_rolled_back(machine: Disk) -> None:
    for path in (machine.point / "boot").iterdir():
        path.unlink()
    updated(machine)
    with pytest.raises(NeuronError) as caught:
        guardian.roll_back(machine.machine(), None)
    assert caught.value.code == "updates.kernel-unknown"
    assert guardian.history(machine.machine()).updates[-1].point


@pytest.mark.parametrize("named", ["@", None], ids=["@", "default-subvolume"])
def test_what_an_unmounted_esp_hid_does_not_pass_for_the_esp(tmp_path: Path, named: str | None) -> None:
    """Below the mount point lies an old kernel with an entry, from the time before the ESP."""
    with efi_disk(tmp_path, named=named) as machine:
        machine.settings = replace(machine.settings, automatic=True, attempts=1)
        run("umount", machine.point / "boot")
        hide(machine.point / "boot")
        machine.mount_boot()
        before = machine.boot_tree()
        guardian.begin(machine.machine(), tool="test")
        machine.update_kernel()
        guardian.end(machine.machine())
        for _ in range(3):
            start_unmounted(machine)
            assert not guardian.fall_back(machine.machine())
        with pytest.raises(NeuronError) as caught:
            guardian.roll_back(machine.machine(), None)
        assert (caught.value.code, caught.value.params["place"]) == ("updates.boot-elsewhere", "/boot")
        assert not guardian.history(machine.machine()).rollbacks
        machine.mount_boot()
        assert guardian.fall_back(machine.machine())
        start_unmounted(machine)
        hidden = machine.boot_tree()
        waiting = guardian.resume(machine.machine())
        assert waiting is not None
        assert (waiting.outcome, machine.boot_tree()) == ("", hidden)
        machine.mount_boot()
        over = guardian.resume(machine.machine())
        assert over is not None
        assert (over.outcome, over.problems) == ("restored", ())
        assert machine.boot_tree() == before
        machine.check_clean()


def hide(boot: Path) -> None:
    (boot / "loader/entries").mkdir(parents=True)
    (boot / "loader/entries/old.conf").write_text("title Old\nlinux /vmlinuz-5\noptions x\n")
    (boot / "vmlinuz-5").write_bytes(kernel_image("5.0"))


def start_unmounted(machine: EfiDisk) -> None:
    machine.stop()
    machine.start()
    guardian.early_start(machine.machine())
