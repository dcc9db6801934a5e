"""A real Debian machine with GRUB, and our helper and command installed."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.system.lab.image import Image, Recipe, build
from tests.system.lab.machine import Machine
from tests.system.updates.guest import code_disc

RECIPE = Recipe("grub", packages=("grub-pc-bin", "grub2-common", "polkitd"))

# Unpacked where packages would lie; the console goes to the serial port, and the menu waits for nobody. An
# emulated machine needs more than the 25 s that the bus gives a service to start, and systemd's 90 s.
_INSTALL = r"""
mkdir -p /opt/neuron
tar -C /opt/neuron -xf /dev/vdb
python3 -m compileall -q /opt/neuron/libneuron /opt/neuron/apps /opt/neuron/dbus_fast || true
cat >/etc/dbus-1/system-local.conf <<'EOF'
<busconfig><limit name="service_start_timeout">600000</limit></busconfig>
EOF
mkdir -p /etc/systemd/system.conf.d
printf '[Manager]\nDefaultTimeoutStartSec=600\n' >/etc/systemd/system.conf.d/lab.conf
for name in helper hardware-advisor; do
    case $name in helper) to=/usr/libexec/neuron-helper ;; *) to=/usr/bin/neuron-$name ;; esac
    module=neuron_$(echo $name | tr - _)
    printf '#!/bin/sh\nPYTHONPATH=/opt/neuron:/opt/neuron/apps exec python3 -m %s "$@"\n' $module >$to
    chmod 755 $to
done
cd /opt/neuron/resources
cp dbus/system.d/* /usr/share/dbus-1/system.d/
cp systemd/system/neuron-helper.service /etc/systemd/system/
cp dbus/system-services/* /usr/share/dbus-1/system-services/
cp polkit/* /usr/share/polkit-1/actions/
echo "UUID=$(blkid -o value -s UUID /dev/vda) / ext4 defaults 0 1" >/etc/fstab
cp /usr/share/grub/default/grub /etc/default/grub
sed -i 's/^GRUB_TIMEOUT=.*/GRUB_TIMEOUT=0/' /etc/default/grub
sed -i 's/^GRUB_CMDLINE_LINUX=.*/GRUB_CMDLINE_LINUX="WORDS"/' /etc/default/grub
"""


_GRUB = """
grub-install --target=i386-pc --force --modules='ext2 biosdisk' /dev/vda
LANG=C.UTF-8 update-grub  # which systemd gives every service, also ours: GRUB's menu names its language
sync
"""


def _words(image: Image) -> str:
    """The lab's words without those that say where the root is: GRUB's own scripts find that out."""
    # On a busy machine an emulated timer is late; a kernel that remaps interrupts panics at that.
    words = [*image.command_line.split(), "no_timer_check"]
    return " ".join(word for word in words if not word.startswith("root") and word not in ("rw", "quiet"))


def install_script(image: Image) -> str:
    """What installs our programs and /etc/default/grub in a guest that sees the code as /dev/vdb."""
    return _INSTALL.replace("WORDS", _words(image))


@contextmanager
def grub_machine(work: Path, *devices: str) -> Iterator[Machine]:
    """Install GRUB on the disk from inside the guest, then start the same disk through GRUB.

    The started machine has an IOMMU, a graphics card on the root bus and ``devices`` (QEMU's ``-device``).
    """
    image = build(RECIPE)
    disk = work / "disk.raw"
    subprocess.run(["cp", "--sparse=always", image.disk, disk], check=True)
    drives = (
        "-drive", f"file={disk},format=raw,if=virtio,cache=unsafe",
        "-drive", f"file={code_disc(work, [])},format=raw,if=virtio,readonly=on",
    )  # fmt: skip
    kernel = (
        "-kernel", str(image.kernel), "-initrd", str(image.initrd), "-append", image.command_line,
    )  # fmt: skip
    with Machine(None, folder=work, memory=512, ports=(), arguments=(*drives, *kernel)) as guest:
        guest.wait_ready()
        guest.shell.sh(install_script(image) + _GRUB, timeout=300)
        guest.shell.start("/bin/systemctl", "poweroff")
        guest.wait_ended(timeout=120)
    parts = ("intel-iommu,intremap=on", "VGA", *devices)
    more = tuple(word for part in parts for word in ("-device", part))
    with Machine(None, folder=work, memory=512, ports=(), arguments=(*more, *drives)) as machine:
        machine.wait_ready()
        yield machine
    disk.unlink()
