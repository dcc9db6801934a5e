"""Real firmware, real systemd-boot, a real FAT: an update that ruins kernel and modules is taken back, and it
is the helper behind its walls that does it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.system.updates.efi_guest import efi_guarded
from tests.system.updates.guest import debian_package
from tests.system.updates.guest_bus import ask_helper, refused_to_nobody

RUINS = """
rm -r /usr/lib/modules/* /usr/bin/login /usr/bin/su /usr/bin/capable
for image in /boot/initrd.img-*; do truncate -s 100000 "$image"; done
cp /bin/true /boot/vmlinuz-6.99.0-bad
printf 'title New\\nlinux /vmlinuz-6.99.0-bad\\noptions root=/dev/vda2\\n' >/boot/loader/entries/new.conf
echo 'default new.conf' >/boot/loader/loader.conf
"""

# A program with a capability of its own: CAP_NET_RAW, as ping has it (linux/capability.h, vfs_cap_data).
CAPABLE = """
cp /bin/true /usr/bin/capable
python3 - <<'EOF'
import os, struct
os.setxattr("/usr/bin/capable", "security.capability", struct.pack("<5I", 0x02000001, 1 << 13, 0, 0, 0))
EOF
"""
CAPABILITY = 'python3 -c \'import os; print(os.getxattr("/usr/bin/capable", "security.capability").hex())\''


@pytest.mark.vm
@pytest.mark.long
def test_kernel_modules_and_root_come_back_together_through_systemd_boot(tmp_path: Path) -> None:
    with efi_guarded(tmp_path, [debian_package(tmp_path, "bad", "1", after=RUINS)]) as machine:

        def sh(text: str) -> str:
            return machine.shell.sh(text, timeout=300)

        sh(CAPABLE)
        programs = sh("stat -c '%n %a %U' /usr/bin/su /usr/bin/capable"), sh(CAPABILITY)
        assert "/usr/bin/su 4755 root" in programs[0]
        before = sh("cd /boot; find . -type f | sort | xargs sha256sum")
        machine.apt("bad_1.deb")
        last = machine.guardian("status")["last"]
        assert {"binaries", "kernel"} <= set(last["verdict"]["regressions"]), last
        for path in ("/usr/bin/su", "/usr/bin/capable"):
            done = ask_helper(machine.shell, "UpdatesRestoreFile", "ss", last["id"], path)
            assert done == {"path": path, "kept": ""}
        back = sh("stat -c '%n %a %U' /usr/bin/su /usr/bin/capable"), sh(CAPABILITY)
        assert back == programs, "setuid and capabilities too"
        ahead = machine.guardian("rollback", "--dry-run")
        assert "/boot/loader/entries/new.conf" in ahead["boot_gone"]
        assert "helper.denied" in refused_to_nobody(machine.shell, "UpdatesRollback", "s", last["id"])
        done = ask_helper(machine.shell, "UpdatesRollback", "s", last["id"])
        assert done["state"] == "waits-for-restart"
        assert sh("systemctl show -P ProtectSystem neuron-helper") == "strict"
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
