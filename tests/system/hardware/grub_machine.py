"""A real Debian machine with GRUB's scripts, and our helper and command installed."""

from __future__ import annotations

from tests.system.lab.image import Image, Recipe

RECIPE = Recipe("grub", packages=("grub-pc-bin", "grub2-common", "polkitd"))

# Unpacked where packages would lie; the console goes to the serial port, and the menu waits for nobody.
_INSTALL = r"""
mkdir -p /opt/neuron
tar -C /opt/neuron -xf /dev/vdb
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


def _words(image: Image) -> str:
    """The lab's words without those that say where the root is: GRUB's own scripts find that out."""
    words = image.command_line.split()
    return " ".join(word for word in words if not word.startswith("root") and word not in ("rw", "quiet"))


def install_script(image: Image) -> str:
    """What installs our programs and /etc/default/grub in a guest that sees the code as /dev/vdb."""
    return _INSTALL.replace("WORDS", _words(image))
