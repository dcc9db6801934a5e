"""Roll back on a real btrfs, in both layouts."""

from __future__ import annotations

import errno
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from libneuron.errors import Cancelled, NeuronError
from libneuron.progress import Progress, ProgressView
from libneuron.system import btrfs
from libneuron.updates import guardian
from libneuron.updates.rollback import replaced
from libneuron.updates.rollback_steps import PENDING
from libneuron.updates.store import open_store
from tests.system.updates.disk import Disk, disk, run, status

LAYOUTS = ["@", None]


@pytest.fixture(params=LAYOUTS, ids=["@", "default-subvolume"])
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    with disk(tmp_path, named=request.param) as made:
        yield made


def updated(machine: Disk) -> guardian.Judged:
    guardian.begin(machine.machine(), tool="test")
    machine.update_badly()
    return guardian.end(machine.machine())


def test_a_bad_update_is_noticed_rolled_back_and_called_restored_only_after_the_restart(
    machine: Disk,
) -> None:
    judged = updated(machine)
    assert judged.verdict.regressions == ("programs",)
    assert judged.packages == {"app": ("1", "2")}

    done = guardian.roll_back(machine.machine(), None)
    assert done.outcome == ""
    assert not (machine.point / "usr/bin/app").exists(), "the running system is not touched"

    machine.restart()
    assert (machine.point / "usr/bin/app").exists()
    assert not (machine.point / "usr/bin/extra").exists()
    assert (machine.point / PENDING).exists(), "the next start's units have something to do"
    over = guardian.resume(machine.machine())
    assert over is not None
    assert (over.outcome, over.problems) == ("restored", ())
    assert not (machine.point / PENDING).exists()
    machine.check_clean()


def test_the_preview_names_packages_files_and_what_stays(machine: Disk) -> None:
    btrfs.create(machine.point / "home", "user")
    updated(machine)
    seen = guardian.look_ahead(machine.machine(), None)
    assert seen.packages == {"app": ("2", "1")}
    assert {"/usr/bin/app", "/usr/bin/extra", "/etc/app.conf", "/var/lib/dpkg/status"} <= set(seen.files)
    assert "/etc/fstab" not in seen.files
    assert seen.nested == ("home/user",)


def test_nested_subvolumes_come_along_as_they_are_now(machine: Disk) -> None:
    btrfs.create(machine.point / "home", "user")
    (machine.point / "home/user/photo").write_text("before")
    updated(machine)
    (machine.point / "home/user/photo").write_text("after")
    guardian.roll_back(machine.machine(), None)
    machine.restart()
    guardian.resume(machine.machine(), early=True)
    assert (machine.point / "home/user/photo").read_text() == "after"


def test_a_roll_back_can_be_rolled_back(machine: Disk) -> None:
    updated(machine)
    first = guardian.roll_back(machine.machine(), None)
    machine.restart()
    guardian.resume(machine.machine())
    guardian.roll_back(machine.machine(), f"r{first.id}")
    machine.restart()
    over = guardian.resume(machine.machine())
    assert over is not None
    assert over.outcome == "restored"
    assert (machine.point / "usr/bin/extra").exists()


def test_a_system_changed_after_the_restart_is_not_called_restored(machine: Disk) -> None:
    updated(machine)
    guardian.roll_back(machine.machine(), None)
    machine.restart()
    (machine.point / "var/lib/dpkg/status").write_text(status(("app", "3")))
    (machine.point / "usr/bin/app").unlink()
    over = guardian.resume(machine.machine())
    assert over is not None
    assert over.outcome == "unverified"
    assert any("packages differ" in problem for problem in over.problems)
    assert any("programs" in problem for problem in over.problems)


def test_a_restore_point_whose_kernel_has_no_modules_is_refused_and_nothing_changes(machine: Disk) -> None:
    updated(machine)
    point = guardian.history(machine.machine()).updates[0].point
    with open_store(machine.machine().root, machine.machine().clock) as store:
        assert store.volume is not None
        place = store.volume.path(point)
        btrfs.set_readonly(place, readonly=False)
        (place / "usr/lib/modules/6.1.0-test/kernel/a.ko").unlink()
    with pytest.raises(NeuronError) as caught:
        guardian.roll_back(machine.machine(), None)
    assert caught.value.code == "updates.target-unsound"
    machine.restart()
    assert (machine.point / "usr/bin/extra").exists()
    assert guardian.history(machine.machine()).pending is None


def test_an_update_does_not_begin_while_a_roll_back_waits(machine: Disk) -> None:
    updated(machine)
    guardian.roll_back(machine.machine(), None)
    with pytest.raises(NeuronError) as caught:
        guardian.begin(machine.machine(), tool="test")
    assert caught.value.code == "updates.rollback-pending"


def test_versions_that_were_rolled_back_are_held_until_released(machine: Disk) -> None:
    updated(machine)
    guardian.roll_back(machine.machine(), None)
    machine.restart()
    guardian.resume(machine.machine())
    with pytest.raises(NeuronError) as caught:
        guardian.begin(machine.machine(), tool="apt", incoming={"app": "2"})
    assert caught.value.code == "updates.held"
    assert not guardian.begin(machine.machine(), tool="apt", incoming={"app": "3"}).joined
    guardian.end(machine.machine())
    guardian.confirm(machine.machine(), release_held=True)
    guardian.begin(machine.machine(), tool="apt", incoming={"app": "2"})


def test_runs_with_one_leader_are_one_update_and_others_are_not(machine: Disk) -> None:
    first = guardian.begin(machine.machine(), tool="apt", leader="unattended-upgr 7 1")
    guardian.end(machine.machine())
    again = guardian.begin(machine.machine(), tool="apt", leader="unattended-upgr 7 1")
    assert (again.update, again.joined) == (first.update, True)
    guardian.end(machine.machine())
    assert not guardian.begin(machine.machine(), tool="apt", leader="").joined


def test_an_active_swap_file_stops_the_update_with_the_reason(machine: Disk) -> None:
    swap = machine.point / "swapfile"
    with swap.open("wb"):
        pass
    run("chattr", "+C", swap)
    swap.write_bytes(bytes(8 << 20))
    swap.chmod(0o600)
    run("mkswap", swap)
    run("swapon", swap)
    try:
        with pytest.raises(NeuronError) as caught:
            guardian.begin(machine.machine(), tool="test")
    finally:
        run("swapoff", swap)
    assert caught.value.code == "updates.swapfile"
    assert guardian.history(machine.machine()).open is None


def test_too_little_space_stops_the_update_unless_the_person_insists(machine: Disk) -> None:
    machine.settings = type(machine.settings)(free_mib=100_000)
    with pytest.raises(NeuronError) as caught:
        guardian.begin(machine.machine(), tool="test")
    assert caught.value.code == "updates.no-space"
    begun = guardian.begin(machine.machine(), tool="test", without_snapshot=True)
    assert "Too little space" in begun.obstacle
    assert guardian.history(machine.machine()).updates[-1].overridden


def test_old_points_go_but_the_last_known_good_and_pinned_ones_stay(machine: Disk) -> None:
    machine.settings = type(machine.settings)(free_mib=1, keep=2)
    for number in range(1, 7):
        begun = guardian.begin(machine.machine(), tool="test")
        guardian.end(machine.machine())
        if number in (1, 2, 3):
            guardian.confirm(machine.machine(), begun.update)
        if number == 1:
            guardian.pin(machine.machine(), begun.update, pinned=True)
    left = [item.id for item in guardian.history(machine.machine()).updates if not item.removed]
    assert left == ["1", "3", "4", "5", "6"]
    with open_store(machine.machine().root, machine.machine().clock) as store:
        assert store.volume is not None
        assert store.volume.names("@neuron/points") == ("1", "3", "4", "5", "6")


def test_links_in_a_restore_point_never_lead_out_of_it(machine: Disk) -> None:
    outside = machine.work / "outside"
    outside.mkdir()
    (outside / "db.lck").write_text("mine")
    (outside / "fstab").write_text(f"{machine.device} / btrfs subvol=/{machine.root_path},subvolid=256 0 0\n")
    (machine.point / "var/lib/pacman").symlink_to(outside)
    (machine.point / "etc/fstab").unlink()
    (machine.point / "etc/fstab").symlink_to(outside / "fstab")
    (machine.point / "etc/neuron").symlink_to(outside)
    guardian.begin(machine.machine(), tool="test")
    machine.update_badly()
    guardian.end(machine.machine())
    guardian.roll_back(machine.machine(), None)
    assert (outside / "db.lck").read_text() == "mine"
    assert "subvolid=256" in (outside / "fstab").read_text()
    assert sorted(path.name for path in outside.iterdir()) == ["db.lck", "fstab"]


def test_a_link_in_the_place_of_our_own_subvolumes_is_refused(machine: Disk) -> None:
    updated(machine)
    with open_store(machine.machine().root, machine.machine().clock) as store:
        assert store.volume is not None
        points = store.volume.path("@neuron/points")
        points.rename(points.parent / "elsewhere")
        points.symlink_to("/")
    with pytest.raises(NeuronError):
        guardian.roll_back(machine.machine(), None)


def test_a_cancelled_roll_back_leaves_nothing_and_does_not_happen_by_itself_later(machine: Disk) -> None:
    updated(machine)

    def listen(view: ProgressView) -> None:
        if view.item == "prepare":  # the last moment: it is heard before the commit
            progress.cancel()

    progress = Progress(clock=itertools.count().__next__, listener=listen)
    with pytest.raises(Cancelled):
        guardian.roll_back(machine.machine(), None, progress=progress)
    past = guardian.history(machine.machine())
    assert (past.pending, past.rollbacks[-1].outcome) == (None, "abandoned")
    machine.restart()
    assert guardian.resume(machine.machine()) is None
    assert not (machine.point / "usr/bin/app").exists(), "the updated system goes on"
    assert guardian.begin(machine.machine(), tool="test").update, "and further updates start"


def test_a_roll_back_that_fails_is_given_up(machine: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    updated(machine)

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("libneuron.updates.rollback_steps.fit", full)
    with pytest.raises(NeuronError, match="No space") as caught:
        guardian.roll_back(machine.machine(), None)
    assert caught.value.code == "updates.rollback-failed"
    assert guardian.history(machine.machine()).pending is None
    with open_store(machine.machine().root, machine.machine().clock) as store:
        assert store.volume is not None
        assert store.volume.names("@neuron/roots") == ()


def test_a_link_in_the_way_of_a_nested_subvolume_leads_nowhere_and_is_said(
    machine: Disk, tmp_path: Path
) -> None:
    """In the restore point the folder is a link that leads out; since then it is one with a subvolume."""
    victim = tmp_path / "victim"
    victim.mkdir()
    (machine.point / "srv").symlink_to(victim)
    guardian.begin(machine.machine(), tool="test")
    machine.update_badly()
    guardian.end(machine.machine())
    (machine.point / "srv").unlink()
    (machine.point / "srv").mkdir()
    btrfs.create(machine.point / "srv", "vm")
    (machine.point / "srv/vm/disk").write_text("precious")
    rollback = guardian.roll_back(machine.machine(), None)
    machine.restart()
    guardian.resume(machine.machine(), early=True)
    over = guardian.resume(machine.machine())
    assert over is not None
    assert over.outcome == "unverified"
    assert any("a link lies in its way" in problem for problem in over.problems)
    assert list(victim.iterdir()) == []
    with open_store(machine.machine().root, machine.machine().clock) as store:
        assert store.volume is not None
        old = store.volume.path(replaced(rollback))
        assert (old / "srv/vm/disk").read_text() == "precious", "it is where it was, in the replaced system"
