"""A start option on a real Debian with GRUB: the power may go at any write."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.system.hardware.grub_machine import RECIPE, install_script
from tests.system.lab.image import build, mounted
from tests.system.lab.machine import Machine
from tests.system.updates.guest import code_disc
from tests.system.updates.writelog import cuts

_APPLY = """
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mkdir -p /mnt/machine
mount /dev/vdc /mnt/machine
cd /mnt/machine
cp -a /etc /boot .
mkdir -p usr dev proc sys run tmp var/lib boot/grub
for name in bin sbin lib lib64; do cp -a /$name .; done
for name in usr dev proc sys; do mount --bind /$name $name; done
chroot . update-grub
sync
touch ready
sync
cd /
neuron-hardware-advisor apply --root /mnt/machine --add intel_iommu=on --yes --json
"""


def _state(cut: Path, copy: Path) -> tuple[str, str] | None:
    """(/etc/default/grub, grub.cfg) after the journal was replayed; None before the change could begin.

    grub.cfg must be a script that GRUB can read.
    """
    subprocess.run(["cp", "--sparse=always", cut, copy], check=True)
    with mounted(copy) as top:
        if not (top / "ready").exists():
            return None
        menu = top / "boot/grub/grub.cfg"
        subprocess.run(["grub-script-check", menu], check=True, capture_output=True)
        return (top / "etc/default/grub").read_text(), menu.read_text()


@pytest.mark.vm
def test_a_power_cut_at_every_settled_write_leaves_a_machine_that_starts(tmp_path: Path) -> None:
    image = build(RECIPE)
    data, base, log = tmp_path / "data.img", tmp_path / "base.img", tmp_path / "writes.log"
    with data.open("wb") as file:
        file.truncate(160 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0", data], check=True)
    subprocess.run(["cp", "--sparse=always", data, base], check=True)
    log.touch()
    nodes = (
        "-drive", f"file={code_disc(tmp_path, [])},format=raw,if=virtio,readonly=on",
        "-blockdev", f"driver=file,filename={data},node-name=data",
        "-blockdev", f"driver=file,filename={log},node-name=log",
        "-blockdev", "driver=blklogwrites,file=data,log=log,log-sector-size=512,node-name=logged",
        "-device", "virtio-blk-pci,drive=logged,addr=0x10",  # behind the others: /dev/vdc
    )  # fmt: skip
    with Machine(image, folder=tmp_path, memory=512, ports=(), arguments=nodes) as guest:
        guest.wait_ready()
        guest.shell.sh(install_script(image), timeout=300)
        assert '"applied"' in guest.shell.sh(_APPLY, timeout=300)
        guest.shell.start("/bin/systemctl", "poweroff")
        guest.wait_ended(timeout=120)
    states = [_state(cut, tmp_path / "cut.img") for _number, cut in cuts(base, log)]
    seen = [state for state in states if state is not None]
    (old, old_menu), (new, new_menu) = seen[0], seen[-1]
    assert new == old.replace('"quiet"', '"quiet intel_iommu=on"') != old
    assert new_menu.replace(" intel_iommu=on", "") == old_menu != new_menu
    assert {setting for setting, _menu in seen} == {old, new}, "never torn"
    assert {menu for _setting, menu in seen} == {old_menu, new_menu}, "GRUB always has a whole menu"
    stages = [(setting == new, menu == new_menu) for setting, menu in seen]
    assert stages == sorted(stages), "first the setting, then the menu made of it, and never back"
    assert (True, False) in stages, "a cut fell between the two"
