"""The power goes at every flush of a roll back: wholly the old system or wholly the new, and it resumes."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from libneuron.system import btrfs
from libneuron.updates import guardian
from tests.system.lab.image import build
from tests.system.lab.machine import Machine
from tests.system.updates.disk import attached, disk
from tests.system.updates.guest import NAMED, code_disc
from tests.system.updates.test_crashes import whole
from tests.system.updates.writelog import cuts, read_log

_ROLL_BACK = """
mkdir -p /opt/neuron /mnt/machine
tar -C /opt/neuron -xf /dev/vdb
mount -o {options} /dev/vdc /mnt/machine
echo '30 1 0:30 /{root} / rw - btrfs /dev/vdc rw' >/mnt/machine/proc/self/mountinfo
sync
export PYTHONPATH=/opt/neuron:/opt/neuron/apps
python3 -m neuron_update_guardian rollback --root /mnt/machine --json
umount /mnt/machine
"""


def recorded(work: Path, named: str | None) -> tuple[Path, Path]:
    """A machine after a bad update, and the log of the writes that rolled it back inside a guest."""
    with disk(work, named=named, megabytes=128) as machine:
        btrfs.create(machine.point / "home", "user")
        (machine.point / "home/user/photo").write_text("photo")
        guardian.begin(machine.machine(), tool="test")
        machine.update_badly()
        guardian.end(machine.machine())
        root = machine.root_path
    script = _ROLL_BACK.format(options=f"subvol={named}" if named else "rw", root=root)
    base, log = work / "base.img", work / "writes.log"
    shutil.copy(work / "disk.img", base)
    log.touch()
    nodes = (
        "-drive", f"file={code_disc(work, [])},format=raw,if=virtio,readonly=on",
        "-blockdev", f"driver=file,filename={work / 'disk.img'},node-name=data",
        "-blockdev", f"driver=file,filename={log},node-name=log",
        "-blockdev", "driver=blklogwrites,file=data,log=log,log-sector-size=512,node-name=logged",
        "-device", "virtio-blk-pci,drive=logged,addr=0x10",  # behind the others: /dev/vdc
    )  # fmt: skip
    with Machine(build(NAMED), folder=work, memory=512, ports=(), arguments=nodes) as guest:
        guest.wait_ready()
        assert '"waits-for-restart"' in guest.shell.sh(script, timeout=180)
        guest.shell.start("/bin/systemctl", "poweroff")
        guest.wait_ended(timeout=120)
    return base, log


@pytest.mark.vm
@pytest.mark.parametrize(
    "named",
    [pytest.param("@", id="@"), pytest.param(None, id="default-subvolume", marks=pytest.mark.long)],
)
def test_every_flush_boundary_leaves_a_whole_system_that_can_go_on(tmp_path: Path, named: str | None) -> None:
    base, log = recorded(tmp_path, named)
    assert len(read_log(log)) > 20
    seen: list[str] = []
    for number, image in cuts(base, log):
        cut = tmp_path / "cut.img"
        subprocess.run(["cp", "--sparse=always", image, cut], check=True)
        subprocess.run(["btrfs", "check", "--readonly", cut], check=True, capture_output=True)
        with attached(cut, tmp_path, named=named) as machine:
            machine.mount()
            seen.append(whole(machine))
            past = guardian.history(machine.machine())
            if past.rollbacks:
                for _ in range(2):
                    guardian.resume(machine.machine())
                    machine.restart()
                over = guardian.resume(machine.machine()) or guardian.history(machine.machine()).rollbacks[-1]
                assert over.outcome == "restored", f"cut after request {number}: {over}"
                assert whole(machine) == "old"
                assert (machine.point / "home/user/photo").read_text() == "photo"
    assert seen == sorted(seen, reverse=True), "updated, then restored, and never back"
    assert {"updated", "old"} == set(seen), "cuts fell on both sides of the commit"
    assert len(seen) > 5
    print(f"{len(seen)} cuts, {seen.count('updated')} before the commit and {seen.count('old')} after it")
