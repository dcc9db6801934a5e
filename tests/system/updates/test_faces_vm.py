"""Roll back from the notification and the window, through the helper behind its walls, on a real machine;
and by itself where the machine no longer starts.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from libneuron.errors import english
from libneuron.system.bus import LoopThread
from libneuron.system.files import Root
from libneuron.ui.app import application
from libneuron.ui.dialogs import ErrorDialog
from libneuron.updates.published import PUBLIC
from neuron_update_guardian.notifier import news
from neuron_update_guardian.source import HelperSource, read_timeline
from neuron_update_guardian.window import GuardianWindow
from tests.system.lab.shell import until
from tests.system.updates.guest import NAMED, Guarded, debian_package, guarded
from tests.system.updates.guest_bus import HELPED, PORT, bridge_bus, install_helper, wait_unused
from tests.unit.updates.test_notifier import daemon, tell_and_press

# These run as the scripts of a package, in the guest.
BREAKS = """
systemd-inhibit --list --no-legend >/root/inhibitors || true
rm -f /usr/bin/login
"""
UNIT = "[Unit]\\nBefore=multi-user.target\\n[Service]\\nType=oneshot\\nExecStart=/bin/systemctl reboot -ff\\n"
LOOPS = f"""
printf '{UNIT}[Install]\\nRequiredBy=multi-user.target\\n' >/etc/systemd/system/loop.service
systemctl enable -q loop.service
"""


def shown(condition: Callable[[], bool], *, seconds: float = 600) -> None:
    """Let Qt work until ``condition``."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        QTest.qWait(50)


def as_published(machine: Guarded, work: Path) -> Root:
    """The guest's published history, where the window looks for it."""
    place = work / "seen" / PUBLIC.lstrip("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(machine.shell.read(PUBLIC))
    return Root(work / "seen")


@pytest.mark.vm
@pytest.mark.long
def test_from_the_notification_through_the_window_and_the_helper_to_a_verified_system(
    tmp_path: Path, qapp: QApplication
) -> None:
    packages = [debian_package(tmp_path, "bad", "1", after=BREAKS)]
    with guarded(HELPED, tmp_path, packages, ports=(PORT,)) as machine, LoopThread() as loop:
        install_helper(machine.shell)
        bridge_bus(machine.shell)
        machine.apt("bad_1.deb")
        assert "Update Guardian" in machine.shell.sh("cat /root/inhibitors"), "no shutdown amid the update"
        assert "Update Guardian" not in machine.shell.sh("systemd-inhibit --list --no-legend")

        root = as_published(machine, tmp_path)
        told = news(read_timeline(root), "", english)
        assert told is not None
        assert "rollback" in told.note.actions
        with daemon("actions body") as address:
            choice, _ = loop.wait(tell_and_press(address, tmp_path / "told", "rollback"), timeout=120)
        assert choice == "rollback"

        application(app_id="org.neuronos.UpdateGuardian", name="Update Guardian")
        address = f"unix:path={machine.machine.port(PORT)}"
        window = GuardianWindow(HelperSource(loop, root, address=address), {}, chosen=told.entry)
        window.show()
        window.wish(f"rollback {told.entry}")
        shown(lambda: window.preview is not None)
        assert window.preview is not None
        changes = window.preview.changes
        texts = [changes.item(at).text() for at in range(changes.count())]
        assert any("bad 1" in text for text in texts), texts
        wait_unused(machine.shell)
        QTest.keyClick(window.preview.roll_back, Qt.Key.Key_Space)
        shown(window.panel.isVisible)
        shown(window.panel.isHidden)
        said = window.findChild(ErrorDialog)
        assert said is None, said.report + machine.shell.sh(
            "journalctl -b --no-pager -n 60 -u neuron-helper -u polkit"
        )
        window.close()
        assert machine.guardian("status")["pending_rollback"]["state"] == "waits-for-restart"
        assert machine.shell.sh("systemctl show -P ProtectSystem neuron-helper") == "strict"

        machine.restart()
        rollback = machine.guardian("history")["rollbacks"][0]
        assert (rollback["state"], rollback["problems"]) == ("restored", [])
        assert machine.shell.sh("test -x /usr/bin/login && echo back") == "back"


@pytest.mark.vm
@pytest.mark.long
def test_a_machine_that_no_longer_starts_rolls_back_by_itself(tmp_path: Path) -> None:
    """Each start ends before multi-user.target; after the second one of those it has had enough."""
    packages = [debian_package(tmp_path, "bad", "1", after=LOOPS)]
    with guarded(NAMED, tmp_path, packages) as machine:
        machine.shell.sh("neuron-update-guardian settings --automatic on --attempts 2")
        machine.apt("bad_1.deb")
        before = machine.shell.sh("cat /proc/sys/kernel/random/boot_id")
        machine.shell.start("/bin/systemctl", "reboot")

        def restored() -> bool:
            try:
                now = machine.shell.sh("cat /proc/sys/kernel/random/boot_id")
                found = machine.guardian("history")["rollbacks"] if now != before else []
            except (RuntimeError, OSError, ValueError):
                return False
            return bool(found) and found[0]["state"] == "restored"

        until(restored, timeout=1200, what="the failed starts, the roll back and its proof", every=2)
        (rollback,) = machine.guardian("history")["rollbacks"]
        assert (rollback["automatic"], rollback["problems"]) == (True, [])
        assert machine.shell.sh("test -e /etc/systemd/system/loop.service || echo gone") == "gone"
