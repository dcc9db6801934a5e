"""Kernels on an ESP: root and boot files switch together, whatever happens in between."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from libneuron.errors import NeuronError
from libneuron.system import btrfs
from libneuron.updates import guardian
from libneuron.updates.bootstage import Stage
from libneuron.updates.store import capability, open_store
from libneuron.updates.volume import Volume
from tests.system.updates.disk import RELEASE
from tests.system.updates.efi import NEWER, EfiDisk, efi_disk
from tests.system.updates.test_crashes import EFFECTS, Cutter, Power, whole


@pytest.fixture(params=["@", None], ids=["@", "default-subvolume"])
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EfiDisk]:
    with efi_disk(tmp_path, named=request.param) as made:
        yield made


def updated(machine: EfiDisk) -> dict[str, bytes]:
    """A kernel update that went wrong; returns the ESP as it was before."""
    before = machine.boot_tree()
    guardian.begin(machine.machine(), tool="test")
    machine.update_kernel()
    guardian.end(machine.machine())
    return before


def test_root_and_esp_go_back_together_and_every_other_byte_of_the_esp_stays(machine: EfiDisk) -> None:
    assert capability(machine.machine().root)[1] is None
    before = updated(machine)
    after_update = machine.boot_tree()
    guardian.roll_back(machine.machine(), None)
    now = machine.boot_tree()
    assert {
        path: data for path, data in now.items() if "neuron" not in path and "loader.conf" not in path
    } == {path: data for path, data in after_update.items() if "loader.conf" not in path}, (
        "until the restart everything lies beside what was there"
    )
    machine.restart()
    assert machine.started == "neuron-rollback-2.conf"
    assert guardian.resume(machine.machine(), early=True)
    over = guardian.resume(machine.machine())
    assert over is not None
    assert (over.outcome, over.problems) == ("restored", ())
    assert machine.boot_tree() == before
    machine.restart()
    assert machine.started == "test.conf"
    assert whole(machine) == "old"
    assert capability(machine.machine().root)[1] is None
    machine.check_clean()


def test_the_preview_says_what_the_esp_will_hold(machine: EfiDisk) -> None:
    updated(machine)
    seen = guardian.look_ahead(machine.machine(), None)
    assert seen.boot.back == ("/boot/initrd.img", "/boot/vmlinuz")
    assert seen.boot.gone == ("/boot/loader/entries/test-6.9.1.conf", "/boot/vmlinuz-6.9.1-test")


def test_the_roll_back_itself_can_be_rolled_back_with_its_kernels(machine: EfiDisk) -> None:
    updated(machine)
    newer = machine.boot_tree()
    first = guardian.roll_back(machine.machine(), None)
    machine.restart()
    guardian.resume(machine.machine())
    machine.restart()  # the recorded mount table is as old as the start
    guardian.roll_back(machine.machine(), f"r{first.id}")
    machine.restart()
    over = guardian.resume(machine.machine())
    assert over is not None
    assert (over.outcome, over.problems) == ("restored", ())
    assert machine.boot_tree() == newer
    machine.restart()
    assert (machine.point / "proc/sys/kernel/osrelease").read_text().strip() == "6.9.1-test"
    assert (machine.point / "usr/bin/extra").exists()


def test_too_little_room_on_the_esp_is_said_before_anything_is_touched(machine: EfiDisk) -> None:
    updated(machine)
    (machine.point / "boot/ballast").write_bytes(
        bytes(shutil.disk_usage(machine.point / "boot").free - (1 << 20))
    )
    before = machine.boot_tree()
    with pytest.raises(NeuronError) as caught:
        guardian.roll_back(machine.machine(), None)
    assert (caught.value.code, caught.value.params["place"]) == ("updates.no-space", "/boot")
    assert machine.boot_tree() == before
    assert not guardian.history(machine.machine()).rollbacks


def test_a_kept_boot_file_that_was_damaged_is_never_put_back(machine: EfiDisk) -> None:
    updated(machine)
    with open_store(machine.machine().root, machine.machine().clock) as store:
        kept = store.folder("1") / "boot/boot/vmlinuz"
        kept.write_bytes(kept.read_bytes()[:-1] + b"x")
    before = machine.boot_tree()
    with pytest.raises(NeuronError) as caught:
        guardian.roll_back(machine.machine(), None)
    assert caught.value.code == "updates.target-unsound"
    assert machine.boot_tree() == before


def test_a_prepared_roll_back_can_be_given_up_until_it_was_started(machine: EfiDisk) -> None:
    updated(machine)
    before = machine.boot_tree()
    guardian.roll_back(machine.machine(), None)
    assert guardian.drop(machine.machine()).outcome == "abandoned"
    assert machine.boot_tree() == before
    machine.restart()
    assert whole(machine) == "updated"
    guardian.roll_back(machine.machine(), None)
    machine.restart()
    with pytest.raises(NeuronError):
        guardian.drop(machine.machine())


def test_a_person_who_starts_the_other_entry_is_not_fought(machine: EfiDisk) -> None:
    updated(machine)
    guardian.roll_back(machine.machine(), None)
    conf = machine.point / "boot/loader/loader.conf"
    text = conf.read_text()
    conf.write_text("default test-6.9*\n")  # as choosing it in the menu once would
    machine.restart()
    conf.write_text(text)
    waiting = guardian.resume(machine.machine())
    assert waiting is not None
    assert waiting.outcome == ""
    assert whole(machine) == "updated"


def test_links_that_lie_where_boot_files_are_written_lead_nowhere(machine: EfiDisk) -> None:
    before = updated(machine)
    victim = machine.point / "srv/victim"
    (victim / "2").mkdir(parents=True)
    (victim / "2/precious").write_text("precious")
    names = [f"loader/entries/neuron-rollback-{number}.conf" for number in (2, 3)]
    for name in (".vmlinuz.neuron", *names):
        (machine.point / "boot" / name).symlink_to("/srv/victim/2/precious")
    (machine.point / "boot/neuron").symlink_to("/srv/victim")
    with pytest.raises(NeuronError) as caught:
        guardian.roll_back(machine.machine(), None)
    assert caught.value.params["reason"] == "/boot/neuron is a link"
    assert (victim / "2/precious").read_text() == "precious"
    (machine.point / "boot/neuron").unlink()
    guardian.roll_back(machine.machine(), None)
    assert (victim / "2/precious").read_text() == "precious"
    machine.restart()
    over = guardian.resume(machine.machine())
    assert over is not None
    assert (over.outcome, over.problems) == ("restored", ())
    assert machine.boot_tree() == before


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda m: (m.point / "boot/EFI/systemd/systemd-bootx64.efi").unlink(), "updates.separate-boot"),
        (lambda m: _unified(m), "updates.separate-boot"),
        (lambda m: _firmware(m, "LoaderEntryDefault", "test.conf"), "updates.firmware-default"),
        (lambda m: _firmware(m, "LoaderInfo", "GRUB 2.12"), "updates.separate-boot"),
    ],
    ids=["no systemd-boot", "unified kernel image", "default in the firmware", "GRUB with entry files"],
)
def test_what_cannot_be_switched_safely_is_refused_and_snapshots_stay(
    machine: EfiDisk, change: object, code: str
) -> None:
    updated(machine)
    change(machine)  # type: ignore[operator]
    with pytest.raises(NeuronError) as caught:
        guardian.roll_back(machine.machine(), None)
    assert caught.value.code == code
    assert guardian.begin(machine.machine(), tool="test").obstacle
    assert guardian.history(machine.machine()).updates[-1].point


def _unified(machine: EfiDisk) -> None:
    (machine.point / "boot/EFI/Linux").mkdir()
    (machine.point / "boot/EFI/Linux/arch.efi").write_text("x")


def _firmware(machine: EfiDisk, name: str, value: str) -> None:
    place = machine.point / "sys/firmware/efi/efivars"
    place.mkdir(parents=True)
    raw = b"\6\0\0\0" + value.encode("utf-16-le") + b"\0\0"
    (place / f"{name}-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f").write_bytes(raw)


STAGE_EFFECTS = [(Stage, name) for name in ("stage", "commit", "settle", "switch_back", "clear", "_copy")]


FEW = [
    (Volume, "exchange"),
    *((Stage, name) for name in ("stage", "commit", "settle", "switch_back", "clear")),
]


def one_run(work: Path, named: str | None, at: int, effects: Sequence[tuple[Any, str]]) -> tuple[str, str]:
    """As in test_crashes, and the firmware refuses a kernel without its modules at each restart."""
    with efi_disk(work, named=named, megabytes=128) as machine:
        btrfs.create(machine.point / "home", "user")
        (machine.point / "home/user/photo").write_text("photo")
        before = updated(machine)
        with pytest.MonkeyPatch.context() as monkeypatch:
            cutter = Cutter(monkeypatch, at, effects)
            try:
                guardian.roll_back(machine.machine(), None)
                machine.restart()
                guardian.resume(machine.machine())
            except Power:
                pass
        machine.restart()
        after_cut = whole(machine)
        if not guardian.history(machine.machine()).rollbacks:
            guardian.roll_back(machine.machine(), None)
        for _ in range(3):
            guardian.resume(machine.machine(), early=True)
            guardian.resume(machine.machine())
            machine.restart()
        over = guardian.history(machine.machine()).rollbacks[-1]
        assert (over.outcome, over.problems) == ("restored", ())
        assert whole(machine) == "old"
        assert machine.boot_tree() == before
        assert (machine.point / "proc/sys/kernel/osrelease").read_text().strip() == RELEASE != NEWER
        assert (machine.point / "home/user/photo").read_text() == "photo"
        machine.check_clean()
        return cutter.where, after_cut


@pytest.mark.parametrize(
    ("named", "effects"),
    [
        pytest.param("@", FEW, id="@, the steps"),
        pytest.param("@", [*EFFECTS, *STAGE_EFFECTS], id="@, all", marks=pytest.mark.long),
        pytest.param(None, [*EFFECTS, *STAGE_EFFECTS], id="default-subvolume, all", marks=pytest.mark.long),
    ],
)
def test_every_cut_leaves_a_kernel_with_its_own_modules_and_the_roll_back_resumes(
    tmp_path: Path, named: str | None, effects: list[tuple[Any, str]]
) -> None:
    seen: dict[str, set[str]] = {}
    at = 1
    while True:
        work = tmp_path / str(at)
        work.mkdir()
        where, lay = one_run(work, named, at, effects)
        if not where:
            break
        seen.setdefault(where, set()).add(lay)
        at += 1
    assert seen["before commit"] == {"updated"}
    assert seen["after commit"] == {"old"}
    assert seen["after stage"] == {"updated"}
    assert {"before settle", "after settle", "before switch_back", "after switch_back"} <= set(seen)
    assert all(seen[where] == {"old"} for where in ("before settle", "after switch_back"))
    assert at > (10 if effects is FEW else 40)
