"""Taking a change back from a machine that lived on since, or that fails in the middle of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from libneuron.hardware.boot import change
from libneuron.hardware.boot.change import Change, Machine, State
from libneuron.hardware.boot.cmdline import Wish
from libneuron.hardware.boot.errors import BootError
from libneuron.hardware.boot.plan import plan
from libneuron.system.errors import SystemAccessError
from libneuron.system.files import Root, write_atomic
from tests.unit.hardware.boot.test_change import Recorder

WISH = Wish(set=("intel_iommu=on",), unset=("iommu=off",))
GRUB = 'GRUB_CMDLINE_LINUX_DEFAULT="quiet"\n'
ENTRY = "title Arch\nlinux /vmlinuz\noptions root=UUID=1 quiet iommu=off\n"
OURS = "title Arch\nlinux /vmlinuz\noptions root=UUID=1 quiet intel_iommu=on\n"
WINDOWS = "title Windows\nefi /EFI/Microsoft/bootmgfw.efi\n"
MODULES = "/etc/mkinitcpio.conf.d/neuron-vfio.conf"
ENTRIES = "/efi/loader/entries"
SYSTEMD_BOOT = {
    "/efi/EFI/systemd/systemd-bootx64.efi": "",
    f"{ENTRIES}/old.conf": ENTRY,
    f"{ENTRIES}/windows.conf": WINDOWS,
    "/etc/kernel/cmdline": "root=UUID=1 quiet iommu=off\n",
}
WITH_GRUB = {"/etc/default/grub": GRUB, "/usr/sbin/update-grub": "", "/etc/mkinitcpio.conf": ""}


@pytest.fixture
def make(tmp_path: Path) -> Callable[[dict[str, str]], Machine]:
    def made(files: dict[str, str]) -> Machine:
        machine = Machine(Root(tmp_path / "root"), Recorder(), tmp_path / "records")
        for name, text in files.items():
            write(machine, name, text)
        return machine

    return made


Make = Callable[[dict[str, str]], Machine]


def write(machine: Machine, name: str, text: str) -> None:
    path = machine.root.path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def tree(machine: Machine) -> dict[str, str]:
    top = machine.root.prefix
    return {f"/{path.relative_to(top)}": path.read_text() for path in top.rglob("*") if path.is_file()}


def applied(machine: Machine, wish: Wish = WISH) -> Change:
    return change.apply(machine, wish, plan(machine.root, wish))


def runner(machine: Machine) -> Recorder:
    assert isinstance(machine.runner, Recorder)
    return machine.runner


# A failure in the middle


def refuse(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """From now on files of these names cannot be written."""

    def writing(path: Path, data: bytes, *, mode: int = 0o644, durable: bool = True) -> None:
        if path.name in names:
            raise OSError(28, "No space left on device")
        write_atomic(path, data, mode=mode, durable=durable)

    monkeypatch.setattr(change, "write_atomic", writing)


def test_what_a_person_saved_while_a_program_ran_is_not_overwritten_when_it_fails(make: Make) -> None:
    machine = make(WITH_GRUB)

    def fail(count: int) -> bool:
        if count == 1:
            write(machine, "/etc/default/grub", 'GRUB_CMDLINE_LINUX_DEFAULT="splash intel_iommu=on"\n')
        return count == 1

    runner(machine).fail = fail
    with pytest.raises(SystemAccessError):
        applied(machine)
    assert machine.root.text("/etc/default/grub") == 'GRUB_CMDLINE_LINUX_DEFAULT="splash"'
    assert change.pending(machine) is None


def test_one_file_that_cannot_be_put_back_does_not_keep_the_others_from_it(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = make(SYSTEMD_BOOT | {"/etc/mkinitcpio.conf": ""})
    before = tree(machine)
    made = plan(machine.root, WISH, modules=("vfio_pci",))
    assert [edit.path for edit in made.edits] == [MODULES, f"{ENTRIES}/old.conf", "/etc/kernel/cmdline"]

    def fail(_count: int) -> bool:
        refuse(monkeypatch, "cmdline")
        return True

    runner(machine).fail = fail
    with pytest.raises(BootError) as failed:
        change.apply(machine, WISH, made)
    assert failed.value.code == "hardware.half-undone", "nobody says that everything is as it was"
    assert failed.value.params["left"] == "/etc/kernel/cmdline"
    assert {path for path, text in tree(machine).items() if before.get(path) != text} == {
        "/etc/kernel/cmdline"
    }
    assert len(runner(machine).ran) == 1, "no program runs on files that are half of each"
    cut = change.pending(machine)
    assert cut is not None
    monkeypatch.undo()
    runner(machine).fail = lambda _count: False
    assert change.undo(machine, cut).state is State.UNDONE
    assert tree(machine) == before


def test_a_file_that_could_not_be_written_starts_no_program(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = make(WITH_GRUB)
    before = tree(machine)
    made = plan(machine.root, WISH, modules=("vfio_pci",))
    refuse(monkeypatch, "grub")
    with pytest.raises(BootError) as failed:
        change.apply(machine, WISH, made)
    assert failed.value.code == "hardware.file-unwritable"
    assert tree(machine) == before
    assert runner(machine).ran == [], "an initramfs on a full disk is better left alone"
    assert change.pending(machine) is None


def test_a_file_that_a_person_saves_just_before_its_turn_is_left_to_them(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = make(WITH_GRUB)
    made = plan(machine.root, WISH, modules=("vfio_pci",))

    def writing(path: Path, data: bytes, *, mode: int = 0o644, durable: bool = True) -> None:
        write(machine, "/etc/default/grub", "mine")
        write_atomic(path, data, mode=mode, durable=durable)

    monkeypatch.setattr(change, "write_atomic", writing)
    with pytest.raises(BootError) as failed:
        change.apply(machine, WISH, made)
    assert failed.value.code == "hardware.file-changed"
    assert machine.root.text("/etc/default/grub") == "mine"
    assert not machine.root.exists(MODULES)


def test_a_program_that_fails_twice_leaves_a_change_to_be_taken_back(make: Make) -> None:
    machine = make(WITH_GRUB)
    runner(machine).fail = lambda _count: True
    with pytest.raises(BootError) as failed:
        applied(machine)
    assert (failed.value.code, failed.value.params["left"]) == ("hardware.half-undone", "update-grub")
    assert machine.root.text("/etc/default/grub") == GRUB.strip()
    assert change.pending(machine) is not None


def test_an_undo_tries_every_file_and_names_those_that_are_left(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = make(SYSTEMD_BOOT)
    before = tree(machine)
    done = applied(machine)
    refuse(monkeypatch, "cmdline")
    with pytest.raises(BootError) as failed:
        change.undo(machine, done)
    assert failed.value.params["left"] == "/etc/kernel/cmdline"
    assert machine.root.text(f"{ENTRIES}/old.conf") == ENTRY.strip()
    monkeypatch.undo()
    again = change.pending(machine)
    assert again is not None
    change.undo(machine, again)
    assert tree(machine) == before


# A machine that lived on


def test_an_entry_that_a_new_kernel_made_from_our_words_loses_them_too(make: Make) -> None:
    mine = ENTRY.replace("iommu=off", "intel_iommu=on nomodeset")
    machine = make(SYSTEMD_BOOT | {f"{ENTRIES}/mine.conf": mine})
    before = tree(machine)
    done = change.apply(machine, WISH, plan(machine.root, WISH))
    assert machine.root.text(f"{ENTRIES}/mine.conf") == mine.strip(), "it has the words already"
    write(machine, f"{ENTRIES}/new.conf", OURS)
    write(machine, f"{ENTRIES}/other.conf", "linux /vmlinuz\noptions root=UUID=2\n")
    change.undo(machine, done)
    assert tree(machine) == before | {
        f"{ENTRIES}/new.conf": ENTRY,
        f"{ENTRIES}/other.conf": "linux /vmlinuz\noptions root=UUID=2\n",
    }


def test_an_entry_of_a_kernel_that_was_removed_stays_gone(make: Make) -> None:
    machine = make(SYSTEMD_BOOT)
    done = applied(machine)
    machine.root.path(f"{ENTRIES}/old.conf").unlink()
    assert change.undo(machine, done).state is State.UNDONE
    assert not machine.root.exists(f"{ENTRIES}/old.conf")
    assert machine.root.text("/etc/kernel/cmdline") == SYSTEMD_BOOT["/etc/kernel/cmdline"].strip()


MOUNTED = "21 1 8:2 / / rw - ext4 /dev/sda2 rw\n"
ESP = "22 21 8:1 / /boot rw - vfat /dev/sda1 rw\n"
LIMINE = "/N\n    protocol: linux\n    cmdline: root=UUID=1 quiet iommu=off\n"


def _away(machine: Machine, *names: str) -> None:
    for name in names:
        machine.root.path(name).rename(machine.root.prefix / "away")
        (machine.root.path(name)).mkdir(exist_ok=True)


def test_an_efi_partition_that_is_not_mounted_is_not_taken_for_removed_entries(make: Make) -> None:
    machine = make(SYSTEMD_BOOT)
    done = applied(machine)
    _away(machine, "/efi")
    before = tree(machine)
    with pytest.raises(BootError) as refused:
        change.undo(machine, done)
    assert (refused.value.code, refused.value.params["path"]) == (
        "hardware.out-of-reach",
        f"{ENTRIES}/old.conf",
    )
    assert tree(machine) == before, "nothing was touched"
    assert change.history(machine)[0].state is State.APPLIED


@pytest.mark.parametrize(("mounted", "gone"), [(MOUNTED, False), (MOUNTED + ESP, True)])
def test_what_fstab_mounts_above_a_file_must_be_mounted(make: Make, mounted: str, *, gone: bool) -> None:
    """A kernel below /boot shows although the partition that hides it is away."""
    machine = make(
        {
            "/boot/limine.conf": LIMINE,
            "/boot/vmlinuz": "",
            "/etc/fstab": "# x\nUUID=2 / ext4 defaults 0 1\nUUID=1 /boot vfat defaults 0 2\n",
            "/proc/self/mountinfo": mounted,
        }
    )
    done = applied(machine)
    machine.root.path("/boot/limine.conf").unlink()
    if gone:
        assert change.undo(machine, done).state is State.UNDONE
        return
    with pytest.raises(BootError) as refused:
        change.undo(machine, done)
    assert refused.value.code == "hardware.out-of-reach"


def test_a_file_that_is_there_but_cannot_be_read_is_not_taken_for_gone(make: Make) -> None:
    machine = make(WITH_GRUB)
    done = applied(machine)
    path = machine.root.path("/etc/default/grub")
    path.unlink()
    path.mkdir()  # root may read everything else
    with pytest.raises(BootError) as refused:
        change.undo(machine, done)
    assert refused.value.code == "hardware.out-of-reach"


def test_a_record_of_an_older_release_is_taken_back_as_it_was_then(make: Make) -> None:
    machine = make(SYSTEMD_BOOT)
    before = tree(machine)
    applied(machine)
    record = machine.records / "000001.json"
    data = json.loads(record.read_text())
    del data["left_alone"]
    record.write_text(json.dumps(data))
    write(machine, f"{ENTRIES}/new.conf", OURS)
    change.undo(machine, change.history(machine)[0])
    assert tree(machine) == before | {f"{ENTRIES}/new.conf": OURS}, "it may have been the person's"
