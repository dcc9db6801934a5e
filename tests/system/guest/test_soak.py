"""A hundred times the same interruption: usable again each time, and nothing leaks on either side.

Under emulation the agent's own start is seconds of processor, so three times are told apart: from the end of
the old connection, from the moment the agent opened its port (QEMU tells), and after a restart of the machine
from the moment udev had made the port's node (the guest's own clock). Printed, not judged: see ``pytest -s``.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import libvirt
import libvirt_qemu
import pytest

from libneuron.guest.client import BlockingGuest
from libneuron.guest.errors import GuestError
from libneuron.guest.hypervisor.connection import Hypervisor
from libneuron.guest.hypervisor.domains import CHANNEL
from tests.system.conftest import connected
from tests.system.guest.bridge import Bridge
from tests.system.lab.domain import Domain
from tests.system.lab.shell import GuestFailedError, until

pytestmark = [pytest.mark.vm, pytest.mark.long]

AGENT_RESTARTS, HOST_RECONNECTS, REBOOTS, REVERTS = 100, 100, 30, 10
PATIENCE = 600.0  # seconds for anything: a wait, not a judgement

_AGENT = "$(systemctl show -p MainPID --value neuron-guest)"
_HELPER = "$(grep -lzx 'sessio[n]' /proc/[0-9]*/cmdline 2>/dev/null | head -n 1 | cut -d/ -f3)"


def answers(client: BlockingGuest) -> bool:
    """Whether a ping comes back."""
    try:
        client.run(lambda api: api.ping(timeout=5))
    except GuestError:
        return False
    return True


def held() -> tuple[int, int]:
    """Descriptors and threads of this process."""
    return len(os.listdir("/proc/self/fd")), threading.active_count()


def held_in(guest: Domain, process: str) -> tuple[int, int]:
    """Descriptors and threads of a process in the guest, which a shell word names."""
    files, tasks = guest.shell.sh(f"p={process}; ls /proc/$p/fd | wc -l; ls /proc/$p/task | wc -l").split()
    return int(files), int(tasks)


def spent(guest: Domain) -> float:
    """Processor seconds the machine has used: what a recovery costs, however busy this host is."""
    return float(guest.handle.info()[4]) / 1e9


class Port:
    """When the guest last opened and closed our port, by QEMU's own event."""

    def __init__(self, guest: Domain) -> None:
        (self._alias,) = [
            channel.find("alias").get("name")  # type: ignore[union-attr]  # a running machine's always has one
            for channel in guest.live().iter("channel")
            if channel.find("target").get("name") == CHANNEL  # type: ignore[union-attr]  # so has it a target
        ]
        self.gone = threading.Event()
        self.closed = self.opened = 0.0

    def told(self, *event: object) -> None:
        """libvirt's callback: connection, domain, name, seconds, microseconds, details, opaque."""
        details = json.loads(str(event[5]))
        if details["id"] != self._alias:
            return
        if details["open"]:
            self.opened = time.monotonic()
        else:
            self.closed = time.monotonic()
            self.gone.set()


@pytest.fixture
def port(connection: libvirt.virConnect, guest: Domain, paired: Bridge) -> Iterator[Port]:
    """The port under observation."""
    del paired
    made = Port(guest)
    number = libvirt_qemu.qemuMonitorEventRegister(
        connection, guest.handle, "VSERPORT_CHANGE", made.told, None, 0
    )
    yield made
    libvirt_qemu.qemuMonitorEventDeregister(connection, number)


@dataclass
class Record:
    """What the repetitions of one interruption came to; shown at the end of a ``with``, whatever ends it."""

    what: str
    series: dict[str, list[float]] = field(default_factory=dict)

    def add(self, **seconds: float) -> None:
        for name, value in seconds.items():
            self.series.setdefault(name, []).append(value)

    def __enter__(self) -> Record:
        return self

    def __exit__(self, *_: object) -> None:
        for name, values in self.series.items():
            ranked = sorted(values)
            middle, last = ranked[len(ranked) // 2], ranked[-1]
            within = sum(value <= 2 for value in ranked)
            print(
                f"\n{self.what}, {len(ranked)} times, {name.replace('_', ' ')}: median {middle:.2f} s,"
                f" longest {last:.2f} s, {within} within 2 s",
                end="",
                flush=True,
            )


@contextlib.contextmanager
def nothing_leaks() -> Iterator[None]:
    """No descriptors and no threads of this process, but for a few that libraries keep."""
    before = held()
    yield
    after = held()
    assert after[0] <= before[0] + 2, f"descriptors leak: {before} {after}"
    assert after[1] <= before[1] + 2, f"threads leak: {before} {after}"


def recovered(client: BlockingGuest, what: str) -> float:
    """Wait until the client works again; when that was."""
    until(lambda: answers(client), timeout=PATIENCE, what=what, every=0.02)
    return time.monotonic()


def soak(
    times: int,
    interrupt: Callable[[], object],
    record: Record,
    guest: Domain,
    client: BlockingGuest,
    port: Port,
    *,
    also: Callable[[float], dict[str, float]] = lambda _ready: {},
) -> None:
    """Interrupt the agent and recover, again and again."""
    recovered(client, "the client to be ready")
    with record, nothing_leaks():
        for number in range(times):
            used = spent(guest)
            port.gone.clear()
            interrupt()
            assert port.gone.wait(PATIENCE), "the agent does not go"
            ready = recovered(client, f"recovery {number} from {record.what}")
            record.add(
                since_the_old_agent_went=ready - port.closed,
                since_the_agent_opened_the_port=ready - port.opened,
                processor=spent(guest) - used,
                **also(ready),
            )


def test_the_agent_restarts_again_and_again(
    guest: Domain, client: BlockingGuest, port: Port, signed_in: None
) -> None:
    del signed_in
    until(
        lambda: client.run(lambda api: api.info())["session"] == "active", timeout=PATIENCE, what="the helper"
    )
    helper = held_in(guest, _HELPER)
    soak(
        AGENT_RESTARTS,
        lambda: guest.shell.sh(f"kill -9 {_AGENT}"),
        Record("a killed agent"),
        guest,
        client,
        port,
    )
    until(
        lambda: client.run(lambda api: api.info())["session"] == "active", timeout=PATIENCE, what="the helper"
    )
    assert held_in(guest, _HELPER) == helper, "the session's helper leaks"


def test_the_host_reconnects_again_and_again(guest: Domain, paired: Bridge, hypervisor: Hypervisor) -> None:
    agent = guest.shell.sh(f"echo {_AGENT}")
    record = Record("a new host")

    def once() -> None:
        began = time.monotonic()
        with connected(paired, hypervisor) as client:
            client.run(lambda api: api.ping(timeout=PATIENCE))
            record.add(until_it_was_answered=time.monotonic() - began)

    once()
    inside = held_in(guest, _AGENT)
    with record, nothing_leaks():
        for _ in range(HOST_RECONNECTS):
            once()
    assert guest.shell.sh(f"echo {_AGENT}") == agent
    after = held_in(guest, _AGENT)
    assert after[0] <= inside[0] + 1, "the agent's descriptors leak"
    assert after[1] <= inside[1] + 4, "the agent's threads leak"  # its workers are four


def test_the_vm_goes_back_to_a_snapshot_again_and_again(guest: Domain, client: BlockingGuest) -> None:
    recovered(client, "the client to be ready")
    record = Record("a snapshot")
    snapshot = guest.handle.snapshotCreateXML("<domainsnapshot><name>soak</name></domainsnapshot>", 0)
    try:
        recovered(client, "the client after the snapshot was made")
        with record, nothing_leaks():
            for number in range(REVERTS):
                client.run(lambda api: api.set_clipboard_text("of a future that is taken back"))
                guest.handle.revertToSnapshot(snapshot, 0)
                began = time.monotonic()
                ready = recovered(client, f"recovery {number} from the snapshot")
                record.add(since_the_machine_ran_again=ready - began)
    finally:
        snapshot.delete(0)


def test_the_vm_restarts_again_and_again(guest: Domain, client: BlockingGuest, port: Port) -> None:
    there = (
        f"udevadm info -q property -n /dev/virtio-ports/{CHANNEL} | sed -n 's/^USEC_INITIALIZED=//p';"
        "cut -d' ' -f1 /proc/uptime"
    )

    def restart() -> None:
        with contextlib.suppress(GuestFailedError):  # it may be gone before it could say so
            guest.shell.start("/bin/systemctl", "--no-block", "reboot")

    def since_the_node(ready: float) -> dict[str, float]:
        guest.wait_ready(timeout=PATIENCE)
        asked = time.monotonic()
        initialized, uptime = guest.shell.sh(there, timeout=PATIENCE).split()
        return {"since_the_port_was_there": float(uptime) - int(initialized) / 1e6 - (asked - ready)}

    soak(
        REBOOTS,
        restart,
        Record("a restarted VM"),
        guest,
        client,
        port,
        also=since_the_node,
    )
