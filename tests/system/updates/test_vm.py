"""A real machine under systemd: an update through apt breaks it, it is noticed, rolled back, and proved."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.system.updates.guest import DEFAULT, NAMED, Guarded, debian_package, guarded

BREAKS = """
printf '[Service]\\nType=oneshot\\nExecStart=/bin/false\\n' >/etc/systemd/system/broken.service
systemctl start broken.service || true
rm -f /usr/bin/login /usr/lib/x86_64-linux-gnu/libapt-pkg.so.*
truncate -s 100000 /boot/initrd.img-*
echo 'UUID=00000000-dead /data ext4 defaults 0 2' >>/etc/fstab
"""


def good_update(machine: Guarded) -> None:
    assert machine.apt("good_1.deb") == 0
    good = machine.guardian("status")["last"]
    assert (good["tool"], good["healthy"]) == ("apt", True), good
    machine.restart()
    assert machine.guardian("status")["last"]["stage"] == "confirmed", "the first healthy start confirms"


def bad_update(machine: Guarded) -> None:
    machine.apt("bad_1.deb")
    bad = machine.guardian("status")["last"]
    assert bad["healthy"] is False
    assert {"binaries", "kernel", "fstab", "failed-units"} <= set(bad["verdict"]["regressions"]), bad[
        "verdict"
    ]

    ahead = machine.guardian("rollback", "--dry-run")
    assert ahead["packages"] == {"bad": ["1", ""]}
    assert "/usr/bin/login" in ahead["files"]
    assert machine.guardian("rollback")["state"] == "waits-for-restart"
    assert machine.shell.sh("test -e /usr/bin/login || echo gone") == "gone"
    machine.restart()

    rollback = machine.guardian("history")["rollbacks"][0]
    assert (rollback["state"], rollback["problems"]) == ("restored", [])
    assert machine.shell.sh("test -x /usr/bin/login && echo back") == "back"
    gone = machine.shell.sh("dpkg-query -W -f '${Status}' bad 2>/dev/null || true")
    assert gone in ("", "unknown ok not-installed")
    assert machine.apt("bad_1.deb") != 0, "the version that was rolled back is held"


def packages(work: Path) -> list[Path]:
    return [debian_package(work, "good", "1"), debian_package(work, "bad", "1", after=BREAKS)]


@pytest.mark.vm
def test_a_bad_update_is_rolled_back_on_a_named_root(tmp_path: Path) -> None:
    with guarded(NAMED, tmp_path, packages(tmp_path)) as machine:
        bad_update(machine)


@pytest.mark.vm
@pytest.mark.long
def test_the_whole_story_on_the_default_subvolume(tmp_path: Path) -> None:
    with guarded(DEFAULT, tmp_path, packages(tmp_path)) as machine:
        good_update(machine)
        bad_update(machine)
