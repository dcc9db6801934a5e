"""A hundred times the same interruption: usable again each time within two seconds of the port being there,
and nothing leaks on either side.

"The port is there" is the moment from which bytes can pass: the guest's side has it open. QEMU tells
(VSERPORT_CHANGE), and from that libvirt says ``state='connected'`` in the channel's description. Where the
port stays open throughout, it is the moment the interruption ends: a new host begins to connect, or the
machine that was put back runs again. "Usable" is an answered ping. What an agent needs to start (seconds,
where Python is emulated) and a machine to boot comes before; it is shown beside, not judged.

This computer may have other work and keep the emulated machine waiting. The kernel counts for how long, and
the longest wait of any one thread is taken off (:class:`tests.system.guest.soaking.Stalls`): next to nothing
on a computer with nothing else to do. ``pytest -s`` shows both figures.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator

import libvirt
import libvirt_qemu
import pytest

from libneuron.guest.client import BlockingGuest
from libneuron.guest.errors import GuestError
from libneuron.guest.hypervisor.connection import Hypervisor
from tests.system.conftest import connected
from tests.system.guest.bridge import Bridge
from tests.system.guest.soaking import Moment, Port, Stalls, judged
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


def recovered(client: BlockingGuest, what: str) -> float:
    """Wait until the client works again; when that was."""
    until(lambda: answers(client), timeout=PATIENCE, what=what, every=0.02)
    return time.monotonic()


def held() -> tuple[int, int]:
    """Descriptors and threads of this process."""
    return len(os.listdir("/proc/self/fd")), threading.active_count()


def held_in(guest: Domain, process: str) -> tuple[int, int]:
    """Descriptors and threads of a process in the guest, which a shell word names."""
    files, tasks = guest.shell.sh(f"p={process}; ls /proc/$p/fd | wc -l; ls /proc/$p/task | wc -l").split()
    return int(files), int(tasks)


@contextlib.contextmanager
def nothing_leaks() -> Iterator[None]:
    """No descriptors and no threads of this process, but for a few that libraries keep."""
    before = held()
    yield
    after = held()
    assert after[0] <= before[0] + 2, f"descriptors leak: {before} {after}"
    assert after[1] <= before[1] + 2, f"threads leak: {before} {after}"


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


def soak(
    what: str,
    times: int,
    interrupt: Callable[[], object],
    guest: Domain,
    client: BlockingGuest,
    port: Port,
) -> None:
    """Interrupt the agent and recover, again and again."""
    recovered(client, "the client to be ready")
    stalls = Stalls(guest)
    with nothing_leaks(), judged(what) as record:
        for number in range(times):
            began = time.monotonic()
            interrupt()
            gone = port.wait_gone(began, PATIENCE)
            ready = recovered(client, f"recovery {number} from {what}")
            there = port.wait_there(gone, PATIENCE)
            record.add(there, ready, stalls.since(there.waits), until_the_port_was_there=there.at - gone)


def wait_for_the_helper(client: BlockingGuest) -> None:
    """Until the person's session is served again."""
    until(
        lambda: client.run(lambda api: api.info())["session"] == "active", timeout=PATIENCE, what="the helper"
    )


def test_the_agent_restarts_again_and_again(
    guest: Domain, client: BlockingGuest, port: Port, signed_in: None
) -> None:
    del signed_in
    wait_for_the_helper(client)
    helper = held_in(guest, _HELPER)
    soak("a killed agent", AGENT_RESTARTS, lambda: guest.shell.sh(f"kill -9 {_AGENT}"), guest, client, port)
    wait_for_the_helper(client)
    assert held_in(guest, _HELPER) == helper, "the session's helper leaks"


def test_the_host_reconnects_again_and_again(guest: Domain, paired: Bridge, hypervisor: Hypervisor) -> None:
    agent = guest.shell.sh(f"echo {_AGENT}")
    stalls = Stalls(guest)

    def once() -> float:
        with connected(paired, hypervisor) as client:
            client.run(lambda api: api.ping(timeout=PATIENCE))
            return time.monotonic()

    once()
    inside = held_in(guest, _AGENT)
    with nothing_leaks(), judged("a new host") as record:
        for _ in range(HOST_RECONNECTS):
            there = stalls.moment()
            record.add(there, once(), stalls.since(there.waits))
    assert guest.shell.sh(f"echo {_AGENT}") == agent
    after = held_in(guest, _AGENT)
    assert after[0] <= inside[0] + 1, "the agent's descriptors leak"
    assert after[1] <= inside[1] + 4, "the agent's threads leak"  # its workers are four


def test_the_vm_goes_back_to_a_snapshot_again_and_again(guest: Domain, client: BlockingGuest) -> None:
    recovered(client, "the client to be ready")
    snapshot = guest.handle.snapshotCreateXML("<domainsnapshot><name>soak</name></domainsnapshot>", 0)
    try:
        recovered(client, "the client after the snapshot was made")
        with nothing_leaks(), judged("a snapshot") as record:
            for number in range(REVERTS):
                client.run(lambda api: api.set_clipboard_text("of a future that is taken back"))
                guest.handle.revertToSnapshot(snapshot, 0)
                ran = time.monotonic()
                stalls = Stalls(guest)  # now: it may be another process
                there = Moment(ran, stalls.now())
                ready = recovered(client, f"recovery {number} from the snapshot")
                record.add(there, ready, stalls.since(there.waits))
    finally:
        snapshot.delete(0)


def test_the_vm_restarts_again_and_again(guest: Domain, client: BlockingGuest, port: Port) -> None:
    def restart() -> None:
        guest.wait_ready(timeout=PATIENCE)
        with contextlib.suppress(GuestFailedError):  # it may be gone before it could say so
            guest.shell.start("/bin/systemctl", "--no-block", "reboot")

    soak("a restarted VM", REBOOTS, restart, guest, client, port)
