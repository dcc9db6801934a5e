"""Real firmware, real systemd-boot, a real FAT: an update that ruins kernel and modules is taken back."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.system.updates.efi_guest import efi_guarded
from tests.system.updates.guest import debian_package

RUINS = """
rm -r /usr/lib/modules/* /usr/bin/login
for image in /boot/initrd.img-*; do truncate -s 100000 "$image"; done
cp /bin/true /boot/vmlinuz-6.99.0-bad
printf 'title New\\nlinux /vmlinuz-6.99.0-bad\\noptions root=/dev/vda2\\n' >/boot/loader/entries/new.conf
echo 'default new.conf' >/boot/loader/loader.conf
"""


@pytest.mark.vm
@pytest.mark.long
def test_kernel_modules_and_root_come_back_together_through_systemd_boot(tmp_path: Path) -> None:
    with efi_guarded(tmp_path, [debian_package(tmp_path, "bad", "1", after=RUINS)]) as machine:

        def sh(text: str) -> str:
            return machine.shell.sh(text, timeout=300)

        before = sh("cd /boot; find . -type f | sort | xargs sha256sum")
        machine.apt("bad_1.deb")
        last = machine.guardian("status")["last"]
        assert {"binaries", "kernel"} <= set(last["verdict"]["regressions"]), last
        ahead = machine.guardian("rollback", "--dry-run")
        assert "/boot/loader/entries/new.conf" in ahead["boot_gone"]
        assert machine.guardian("rollback")["state"] == "waits-for-restart"
        machine.restart()
        assert "neuron.rollback=" in sh("cat /proc/cmdline"), "our own entry started it"
        rollback = machine.guardian("history")["rollbacks"][0]
        assert (rollback["state"], rollback["problems"]) == ("restored", [])
        assert sh("cd /boot; find . -type f | sort | xargs sha256sum") == before
        assert sh("awk '$5 == \"/\" {print $4}' /proc/self/mountinfo") == "/@"
        machine.restart()
        assert "neuron.rollback=" not in sh("cat /proc/cmdline"), "and then the machine's own again"
        assert "subvol=@" in sh("cat /proc/cmdline")
        assert sh("test -x /usr/bin/login && echo back") == "back"
        findings = {item["code"]: item["good"] for item in machine.guardian("doctor")["findings"]}
        assert findings["rollback"]
