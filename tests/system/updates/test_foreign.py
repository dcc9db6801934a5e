"""snapper and Timeshift beside us: the real snapperd on a bus of its own, Timeshift's layout as it is."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from libneuron.system import btrfs
from libneuron.system.bus import LoopThread
from libneuron.system.calls import BlockingBus
from libneuron.updates import guardian
from libneuron.updates.errors import UpdateError
from libneuron.updates.guardian import Machine
from libneuron.updates.store import open_store
from tests.system.lab.shell import until
from tests.system.updates.disk import Disk, disk, run

BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path={socket}</listen><auth>EXTERNAL</auth>
<policy user="root"><allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/></policy>
</busconfig>
"""
START = """
mount --bind {work}/snapper /etc/snapper
mount --bind {work}/default /etc/default/snapper
dbus-daemon --config-file={work}/bus.conf --nofork &
while [ ! -S {work}/bus ]; do :; done
export DBUS_SYSTEM_BUS_ADDRESS=unix:path={work}/bus
exec /usr/sbin/snapperd -s
"""


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Disk]:
    with disk(tmp_path, named="@") as made:
        yield made


@contextmanager
def snapperd(machine: Disk) -> Iterator[tuple[Machine, int]]:
    """The machine with snapper set up for its root and the real daemon; (machine, its pid)."""
    work = machine.work
    config = f'SUBVOLUME="{machine.point}"\\nFSTYPE="btrfs"\\n'.replace("\\n", "\n")
    for place in (work / "snapper/configs", machine.point / "etc/snapper/configs"):
        place.mkdir(parents=True)
        (place / "root").write_text(config)
    (work / "default").write_text('SNAPPER_CONFIGS="root"\n')
    (work / "bus.conf").write_text(BUS.format(socket=work / "bus"))
    btrfs.create(machine.point, ".snapshots")
    process = subprocess.Popen(
        ["unshare", "-m", "sh", "-c", START.format(work=work)],
        start_new_session=True,
        stdin=subprocess.DEVNULL,
    )
    try:
        until((work / "bus").exists, timeout=30, what="the bus")
        with LoopThread() as loop:
            bus = BlockingBus(loop, address=f"unix:path={work / 'bus'}")
            daemon = "org.freedesktop.DBus"

            def there() -> bool:
                answer = bus.call(
                    daemon, "/org/freedesktop/DBus", daemon, "NameHasOwner", "s", ("org.opensuse.Snapper",)
                )
                return bool(answer[0])

            until(there, timeout=30, what="snapperd")
            yield replace(machine.machine(), bus=bus), process.pid
            bus.close()
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


def test_an_update_is_a_pair_of_snappers_snapshots_and_they_are_listed(machine: Disk) -> None:
    with snapperd(machine) as (here, _):
        guardian.begin(here, tool="test")
        machine.update_badly()
        guardian.end(here)
        assert [(item.tool, item.id, item.description) for item in guardian.others(here)] == [
            ("snapper", "1", "Update Guardian 1"),
            ("snapper", "2", "Update Guardian, after it"),
        ]
    snapshots = machine.point / ".snapshots"
    assert (snapshots / "1/snapshot/usr/bin/app").exists()
    assert not (snapshots / "2/snapshot/usr/bin/app").exists()
    info = (snapshots / "2/info.xml").read_text()
    assert "<type>post</type>" in info
    assert "<pre_num>1</pre_num>" in info


def test_a_dead_snapperd_stops_the_update_and_leaves_nothing_behind(machine: Disk) -> None:
    with snapperd(machine) as (here, daemon):
        os.kill(daemon, signal.SIGKILL)
        with pytest.raises(UpdateError) as caught:
            guardian.begin(here, tool="test")
        assert caught.value.code == "updates.snapper-failed"
        assert guardian.history(here).updates[-1].stage.value == "abandoned"
        with open_store(here.root, here.clock) as store:
            assert store.volume is not None
            assert store.volume.names("@neuron/points") == ()
        assert guardian.begin(here, tool="test", without_snapshot=True).obstacle


def test_snapshots_that_timeshift_made_are_listed_and_kept(machine: Disk) -> None:
    top = machine.work / "top"
    top.mkdir()
    run("mount", "-o", "subvolid=5", machine.device, top)
    try:
        place = top / "timeshift-btrfs/snapshots/2026-01-02_03-04-05"
        place.mkdir(parents=True)
        btrfs.snapshot(top / "@", place, "@", readonly=False)
        (place / "info.json").write_text('{"created": "1767323045", "comments": "before the party"}')
        (place.parent / "empty").mkdir()
    finally:
        run("umount", top)
    (item,) = guardian.others(machine.machine())
    assert (item.tool, item.id, item.description) == ("timeshift", "2026-01-02_03-04-05", "before the party")
    assert item.at is not None
    assert item.at.isoformat() == "2026-01-02T03:04:05+00:00"
