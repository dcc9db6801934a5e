"""The break-it matrix on a real machine: every kind is noticed by its check, and so is putting it right.

The machine has faults of its own from before; they must never count.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.system.lab.image import Recipe
from tests.system.updates.guest import NAMED, Guarded, debian_package, guarded

FULL = Recipe(
    "guardian-full",
    packages=("login", "greetd", "openssh-server", "polkitd", "libvirt-daemon-system", "dosfstools"),
    commands=("systemctl enable greetd.service libvirtd.socket ssh.service",),
    layout=NAMED.layout,
)

FAULTS_FROM_BEFORE = """
printf '[Service]\\nType=oneshot\\nExecStart=/bin/false\\n' >/etc/systemd/system/old-fault.service
systemctl start old-fault.service || true
mkdir -p /etc/greenboot/check/required.d /etc/greenboot/check/wanted.d
printf '#!/bin/sh\\nexit 1\\n' >/etc/greenboot/check/required.d/old.sh
printf '#!/bin/sh\\nexit 0\\n' >/etc/greenboot/check/wanted.d/fine.sh
chmod 755 /etc/greenboot/check/*/*.sh
printf 'left over\\n' >/boot/vmlinuz-old
echo 'this line is none' >>/etc/fstab
truncate -s 64M /esp.img && mkfs.vfat /esp.img >/dev/null
mkdir -p /boot/efi && modprobe loop && modprobe vfat && mount /esp.img /boot/efi
"""


@dataclass(frozen=True)
class Break:
    """One kind of breakage: how, how to undo it, which check notices, and what it must name."""

    how: str
    undo: str
    check: str
    names: str


def moved(path: str) -> tuple[str, str]:
    return f"mv {path} {path}.away", f"mv {path}.away {path}"


PATHS = "PATH=/usr/sbin:/usr/bin:/sbin:/bin"
LIBRARY = "/usr/lib/x86_64-linux-gnu/libapt-pkg.so.6.0"
KINDS = {
    "missing soname": Break(*moved(f"$(readlink -f {LIBRARY})"), "binaries", "libapt-pkg"),
    "deleted binary": Break(*moved("/usr/bin/login"), "binaries", "login"),
    "truncated binary": Break(
        "cp -p /usr/bin/dpkg /root/dpkg; truncate -s 90000 /usr/bin/dpkg",
        "mv /root/dpkg /usr/bin/dpkg",
        "binaries",
        "dpkg",
    ),
    "dead display manager": Break(
        "mkdir -p /run/systemd/system/greetd.service.d;"
        " printf '[Service]\\nExecStart=\\nExecStart=/bin/false\\nRestart=no\\n'"
        " >/run/systemd/system/greetd.service.d/x.conf;"
        " systemctl daemon-reload; systemctl restart greetd || true; sleep 2",
        "rm -r /run/systemd/system/greetd.service.d; systemctl daemon-reload; systemctl reset-failed greetd;"
        " systemctl restart greetd",
        "services",
        "display-manager",
    ),
    "libvirtd dead": Break(
        "systemctl stop libvirtd.service libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket",
        "systemctl start libvirtd.socket",
        "services",
        "libvirtd",
    ),
    "modules removed": Break(*moved('/usr/lib/modules/"$(uname -r)"'), "kernel", "has no modules"),
    "truncated initramfs": Break(
        'cp /boot/initrd.img-"$(uname -r)" /root/initrd; truncate -s -4000 /boot/initrd.img-"$(uname -r)"',
        'mv /root/initrd /boot/initrd.img-"$(uname -r)"',
        "kernel",
        "initrd.img",
    ),
    "kernel without modules": Break(
        'sed "s/$(uname -r)/9.9.9-9-amd64/" /boot/vmlinuz-"$(uname -r)" >/boot/vmlinuz-9.9.9-9-amd64',
        "rm /boot/vmlinuz-9.9.9-9-amd64",
        "kernel",
        "9.9.9",
    ),
    "broken fstab": Break(
        "cp /etc/fstab /root/fstab; echo 'UUID=0000-dead /data ext4 defaults 0 2' >>/etc/fstab",
        "mv /root/fstab /etc/fstab",
        "fstab",
        "0000-dead",
    ),
    "full ESP": Break(
        "dd if=/dev/zero of=/boot/efi/ballast bs=1M 2>/dev/null || true", "rm /boot/efi/ballast",
        "boot-space", "/boot/efi",
    ),
    "wrong sshd config": Break(
        "echo 'Nonsense yes' >/etc/ssh/sshd_config.d/x.conf", "rm /etc/ssh/sshd_config.d/x.conf",
        "ssh", "bad configuration",
    ),
    "broken polkit": Break(
        "systemctl stop polkit; mv /usr/lib/polkit-1/polkitd /root/polkitd",
        "mv /root/polkitd /usr/lib/polkit-1/polkitd; systemctl reset-failed polkit || true;"
        " systemctl start polkit",
        "policy",
        "PolicyKit1",
    ),
    "package half-configured": Break(
        f"{PATHS} dpkg -i /opt/neuron/debs/half_1.deb >/dev/null 2>&1 || true",
        f"{PATHS} dpkg --purge --force-all half >/dev/null 2>&1 || true", "packages", "half",
    ),
    "deleted login shell": Break(
        "useradd -m -s /bin/dash ada; usermod -s /bin/gone ada", "userdel -r ada 2>/dev/null",
        "accounts", "/bin/gone",
    ),
    "new failed unit": Break(
        "printf '[Service]\\nType=oneshot\\nExecStart=/bin/false\\n' >/etc/systemd/system/new-fault.service;"
        " systemctl start new-fault.service || true",
        "systemctl reset-failed new-fault.service; rm /etc/systemd/system/new-fault.service",
        "failed-units",
        "new-fault",
    ),
    "read-only file system": Break(
        "mkdir -p /home; mount -t tmpfs x /home; mount -o remount,ro /home", "umount /home",
        "filesystems", "/home",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    work = tmp_path_factory.mktemp("matrix")
    half = debian_package(work, "half", "1", after="exit 1")
    with guarded(FULL, work, [half]) as made:
        made.shell.sh("systemctl is-system-running --wait >/dev/null || true", timeout=400)
        made.shell.sh(FAULTS_FROM_BEFORE, timeout=300)
        yield made


def verdict(machine: Guarded, baseline: Path) -> tuple[list[str], dict[str, Any]]:
    """(regressions, check → what is new) against the baseline, which lies in the machine.

    An emulated processor on a busy one may be too slow for a check's limit; asked again, it has an answer.
    """
    words = ("/usr/bin/neuron-update-guardian", "check", "--json", "--baseline", str(baseline))
    for _ in range(5):
        answer = json.loads(machine.shell.run(*words, timeout=400, check=False).text)
        if not answer["verdict"]["undecided"]:
            break
    return answer["regressions"] + answer["verdict"]["undecided"], answer["verdict"]["new_items"]


@pytest.mark.vm
@pytest.mark.long
def test_every_kind_is_noticed_and_nothing_else_ever(machine: Guarded) -> None:
    baseline = Path("/root/baseline.json")
    machine.shell.sh(f"neuron-update-guardian check --json >{baseline} || true", timeout=400)
    known = json.loads(machine.shell.sh(f"cat {baseline}"))
    assert {"failed-units", "fstab", "kernel"} <= {item["id"] for item in known["checks"] if not item["ok"]}
    missed, alarms = [], []
    for name, kind in KINDS.items():
        machine.shell.sh(kind.how, timeout=300)
        worse, new = verdict(machine, baseline)
        if kind.check not in worse or kind.names not in str(new.get(kind.check)):
            missed.append((name, worse, new))
        machine.shell.sh(kind.undo, timeout=300)
        left, new = verdict(machine, baseline)
        if left:
            alarms.append((name, left, new))
    print(f"{len(KINDS) - len(missed)} of {len(KINDS)} noticed, {len(alarms)} false alarms")
    assert (missed, alarms) == ([], [])
    assert len(KINDS) >= 12
