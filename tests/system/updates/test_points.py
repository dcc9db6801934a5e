"""Files out of restore points, and what restore points take, on a real btrfs."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from libneuron.system import mounts
from libneuron.updates import guardian
from libneuron.updates.errors import UpdateError
from tests.system.updates.disk import Disk, disk

SECRET = "of the administrator\n"


@pytest.fixture(params=["@", None], ids=["@", "default-subvolume"])
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    with disk(tmp_path, named=request.param) as made:
        folder = made.point / "etc/app.d"
        folder.mkdir(mode=0o750)
        folder.chmod(0o750)
        (folder / "deep.conf").write_text("deep\n")
        (made.point / "etc/link").symlink_to("app.conf")
        (made.point / "etc/app.conf").chmod(0o640)
        os.chown(made.point / "etc/app.conf", 12, 34)
        os.setxattr(made.point / "etc/app.conf", "user.note", b"mine")
        guardian.begin(made.machine(), tool="test")
        made.update_badly()
        (made.point / "etc/link").unlink()
        (folder / "deep.conf").unlink()
        folder.rmdir()
        yield made


def test_a_changed_file_comes_back_whole_and_the_present_one_is_kept(machine: Disk) -> None:
    place = machine.point / "etc/app.conf"
    place.unlink()
    place.write_text("written by the person\n")
    done = guardian.restore_file(machine.machine(), None, "/etc/app.conf")
    info = place.stat()
    assert place.read_text() == "old settings\n"
    assert (info.st_uid, info.st_gid, stat.S_IMODE(info.st_mode)) == (12, 34, 0o640)
    assert os.getxattr(place, "user.note") == b"mine"
    assert done.kept == "/etc/app.conf.before-restore"
    assert (machine.point / "etc/app.conf.before-restore").read_text() == "written by the person\n"
    place.write_text("again\n")
    assert guardian.restore_file(machine.machine(), "1", "/etc/app.conf").kept.endswith("before-restore-2")
    assert [item.name for item in place.parent.glob(".*")] == []
    machine.check_clean()


def test_a_removed_file_comes_back_with_its_folder_and_a_link_as_a_link(machine: Disk) -> None:
    assert guardian.restore_file(machine.machine(), None, "/etc/app.d/deep.conf").kept == ""
    folder = machine.point / "etc/app.d"
    assert (folder / "deep.conf").read_text() == "deep\n"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o750
    guardian.restore_file(machine.machine(), None, "/etc/link")
    assert os.readlink(machine.point / "etc/link") == "app.conf"


def test_only_what_differs_is_offered_and_nothing_else_can_be_named(machine: Disk) -> None:
    offered = guardian.changed_files(machine.machine(), None)
    assert {"/usr/bin/app", "/etc/app.conf", "/etc/link", "/etc/app.d/deep.conf"} <= set(offered)
    assert not {"/etc/fstab", "/usr/bin/extra", "/etc/app.d", "/etc"} & set(offered)
    for path in ("/etc/fstab", "/usr/bin/extra", "/etc", "/../etc/app.conf", "/etc/../etc/app.conf", "", "/"):
        with pytest.raises(UpdateError) as caught:
            guardian.restore_file(machine.machine(), None, path)
        assert caught.value.code == "updates.not-in-point"


def test_a_link_put_in_the_way_leads_nowhere(machine: Disk, tmp_path: Path) -> None:
    """The folder is gone; somebody who may write beside it puts a link there that leads out."""
    victim = tmp_path / "victim"
    victim.mkdir()
    (machine.point / "etc/app.d").symlink_to(victim)
    with pytest.raises(UpdateError) as caught:
        guardian.restore_file(machine.machine(), None, "/etc/app.d/deep.conf")
    assert caught.value.code == "updates.restore-failed"
    assert list(victim.iterdir()) == []


def test_a_link_in_the_files_own_place_is_kept_and_not_followed(machine: Disk, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text(SECRET)
    place = machine.point / "etc/app.conf"
    place.unlink()
    place.symlink_to(victim)
    done = guardian.restore_file(machine.machine(), None, "/etc/app.conf")
    assert victim.read_text() == SECRET
    assert place.read_text() == "old settings\n"
    assert (machine.point / done.kept.lstrip("/")).is_symlink()


def test_a_link_that_comes_between_looking_and_writing_is_not_followed(
    machine: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The race is run at its worst moment: after everything was looked at, before the names are exchanged."""
    victim = tmp_path / "victim"
    victim.write_text(SECRET)
    place = machine.point / "etc/app.conf"
    real = mounts.exchange

    def swapped(one: Path, other: Path) -> None:
        place.unlink()
        place.symlink_to(victim)
        real(one, other)

    monkeypatch.setattr(mounts, "exchange", swapped)
    guardian.restore_file(machine.machine(), None, "/etc/app.conf")
    assert victim.read_text() == SECRET
    assert place.read_text() == "old settings\n"


def test_what_appears_where_a_removed_file_was_is_not_overwritten(
    machine: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = machine.point / "usr/bin/app"
    real = os.link

    def late(*arguments: str, **named: object) -> None:
        place.write_text("just made by the person\n")
        real(*arguments, **named)  # type: ignore[arg-type]  # handed on

    monkeypatch.setattr(os, "link", late)
    with pytest.raises(UpdateError) as caught:
        guardian.restore_file(machine.machine(), None, "/usr/bin/app")
    assert caught.value.code == "updates.restore-failed"
    assert place.read_text() == "just made by the person\n"
    assert sorted(item.name for item in place.parent.iterdir()) == ["app", "extra"], "no leavings"


def test_a_full_disk_leaves_the_present_file(machine: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UpdateError) as caught:
        guardian.restore_file(machine.machine(), None, "/etc/app.conf")
    assert "No space" in str(caught.value.sentence())
    assert (machine.point / "etc/app.conf").read_text() == "new settings\n"
    assert sorted(item.name for item in (machine.point / "etc").glob("*app*")) == ["app.conf"]


def test_the_space_of_a_restore_point_is_what_only_it_holds(machine: Disk) -> None:
    big = machine.point / "usr/bin/big"
    with big.open("wb") as file:
        file.write(os.urandom(3 << 20))
    guardian.end(machine.machine())
    guardian.begin(machine.machine(), tool="test")
    before = guardian.holdings(machine.machine())
    assert before.space["2"] < 1 << 20, "everything is shared with the running system"
    big.unlink()
    after = guardian.holdings(machine.machine())
    assert 3 << 20 <= after.space["2"] < 4 << 20
    assert after.free > 0
