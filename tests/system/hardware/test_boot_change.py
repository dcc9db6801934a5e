"""Start options and a card for vfio-pci on a real Debian with GRUB: made, seen after a restart, taken back,
gone after the next; and the power may go at any write.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.system.hardware.grub_machine import RECIPE, grub_machine, install_script
from tests.system.lab.image import build, mounted
from tests.system.lab.machine import Machine
from tests.system.lab.shell import until
from tests.system.updates.guest import code_disc
from tests.system.updates.writelog import cuts

# What a window does: the system bus starts the helper in its walls; root needs no polkit agent.
_THROUGH_THE_HELPER = """
import json, sys
sys.path[:0] = ["/opt/neuron", "/opt/neuron/apps"]
from libneuron.hardware.boot.cmdline import Wish
from libneuron.system.bus import LoopThread
from neuron_hardware_advisor.boot_source import HelperBoot
with LoopThread() as loop:
    boot = HelperBoot(loop)
    told = {}
    if "apply" in sys.argv:
        shown = boot.plan(Wish(set=("intel_iommu=on",), bind=tuple(sys.argv[2:])))
        told = {"diff": "".join(diff for _path, diff in shown.diffs), "commands": shown.commands}
        boot.apply(shown, "")
    if "undo" in sys.argv:
        boot.undo(boot.changes()[-1].number)
    print(json.dumps(told | {"states": [made.state.value for made in boot.changes()]}))
"""
_FILES = "cat /etc/default/grub /boot/grub/grub.cfg /etc/initramfs-tools/modules; ls /etc/modprobe.d"
_CARDS = (
    "pcie-root-port,id=one,chassis=3,addr=1c.0", "secondary-vga,bus=one,addr=0.0,multifunction=on",
    "intel-hda,bus=one,addr=0.1",
    "pcie-root-port,id=two,chassis=4,addr=1d.0", "secondary-vga,bus=two,addr=0.0",
)  # fmt: skip
"""Twins: the numbers of both are the same, only the address tells them apart."""
_TAKEN = "cd /sys/bus/pci/devices; for at in *; do echo $at $(cat $at/class) $(readlink $at/driver); done"


def helper(machine: Machine, *words: str) -> dict[str, Any]:
    """Ask the helper in the guest for ``words``; always returns the states of all changes, too."""
    done = machine.shell.run("/usr/bin/python3", "/root/ask.py", *words, timeout=600)
    found: dict[str, Any] = json.loads(done.text)
    return found


def restart(machine: Machine) -> list[str]:
    """Restart as a person does; returns the words that the next kernel was started with."""
    before = machine.shell.sh("cat /proc/sys/kernel/random/boot_id")
    machine.shell.start("/bin/systemctl", "reboot")

    def again() -> bool:
        try:
            machine.shell.ping()
            return machine.shell.sh("cat /proc/sys/kernel/random/boot_id") != before
        except (RuntimeError, OSError):
            return False

    until(again, timeout=400, what="the restart", every=1)
    return machine.shell.sh("cat /proc/cmdline").split()


def drivers(machine: Machine) -> dict[str, tuple[str, str]]:
    """Address → (class, driver or nothing) of every device in the guest."""
    rows = [row.split() for row in machine.shell.sh(_TAKEN).splitlines()]
    return {
        address: (kind, driver[0].rpartition("/")[2] if driver else "") for address, kind, *driver in rows
    }


@pytest.mark.vm
@pytest.mark.long  # GRUB reads through an emulated BIOS: each start takes it about a minute
def test_a_change_counts_after_a_restart_and_is_gone_after_it_was_taken_back(tmp_path: Path) -> None:
    with grub_machine(tmp_path, *_CARDS) as machine:
        shell = machine.shell
        shell.write("/root/ask.py", _THROUGH_THE_HELPER.encode())
        assert "BOOT_IMAGE=" in shell.sh("cat /proc/cmdline"), "GRUB started it"
        before = shell.sh(_FILES)
        one, two = sorted(at for at, (kind, _) in drivers(machine).items() if kind.startswith("0x0380"))
        card = (one, f"{one[:-1]}1")
        done = helper(machine, "apply", *card)
        assert done["states"] == ["applied"]
        assert done["commands"] == [["update-initramfs", "-u", "-k", "all"], ["update-grub"]]
        assert "+GRUB_CMDLINE_LINUX_DEFAULT=" in done["diff"]
        assert "intel_iommu" not in shell.sh("cat /proc/cmdline"), "it counts from the next start on"
        assert helper(machine)["states"] == ["applied"], "nothing is verified before"
        assert "intel_iommu=on" in restart(machine)
        taken = drivers(machine)
        assert [taken[at][1] for at in (*card, two)] == ["vfio-pci", "vfio-pci", ""]
        assert helper(machine)["states"] == ["verified"]
        assert helper(machine, "undo")["states"] == ["undone"]
        assert shell.sh(_FILES) == before, "GRUB's menu too is what it was, to the byte"
        assert "intel_iommu=on" not in restart(machine)
        assert "vfio-pci" not in {driver for _, driver in drivers(machine).values()}
        assert helper(machine)["states"] == ["undone"]


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
