"""A paired VM whose agent, system or host-side program goes away in the middle: usable again by itself."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from libneuron.guest.client import BlockingGuest
from libneuron.guest.errors import GuestError
from libneuron.guest.hypervisor.channel import somebody_is_connected
from libneuron.guest.hypervisor.connection import Hypervisor
from tests.system.conftest import NAME, PATIENCE
from tests.system.guest.bridge import Bridge
from tests.system.lab.domain import Domain
from tests.system.lab.shell import GuestFailedError, until

pytestmark = pytest.mark.vm

_BOOT = "cat /proc/sys/kernel/random/boot_id"
TEXT = "0123456789abcdef" * (512 * 1024)  # 8 MiB: over a second under emulated encryption


def in_background(client: BlockingGuest, outcome: list[Any]) -> threading.Thread:
    """Start a transfer that takes a while; what came of it is appended to ``outcome``."""

    def work() -> None:
        try:
            client.run(lambda api: api.set_clipboard_text(TEXT))
            outcome.append(None)
        except GuestError as error:
            outcome.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def pid_of_agent(guest: Domain) -> str:
    return guest.shell.sh("systemctl show -p MainPID --value neuron-guest")


def test_the_agent_is_killed_in_the_middle_of_a_transfer(guest: Domain, client: BlockingGuest) -> None:
    before = pid_of_agent(guest)
    outcome: list[Any] = []
    thread = in_background(client, outcome)
    guest.shell.sh(f"kill -9 {before}")
    thread.join(PATIENCE)
    assert outcome, "the request hangs"
    assert outcome[0] is None or outcome[0].code in ("guest.disconnected", "guest.timeout")
    client.wait_ready(PATIENCE)
    client.run(lambda api: api.set_clipboard_text("after"))
    assert client.run(lambda api: api.clipboard_text()) == "after"
    assert pid_of_agent(guest) != before


def test_the_agent_is_stopped_and_its_silence_is_a_state_of_its_own(
    guest: Domain, client: BlockingGuest
) -> None:
    guest.shell.sh("systemctl stop neuron-guest")
    with pytest.raises(GuestError) as silent:
        client.run(lambda api: api.ping(timeout=3))
    assert silent.value.code in ("guest.timeout", "guest.disconnected", "guest.agent-silent")
    guest.shell.sh("systemctl start neuron-guest")
    client.wait_ready(PATIENCE)
    client.run(lambda api: api.ping(timeout=PATIENCE))


def test_the_host_side_is_killed_in_the_middle_of_a_transfer(
    paired: Bridge, hypervisor: Hypervisor, tmp_path: Path
) -> None:
    channel = hypervisor.domain(NAME).channel_path
    assert channel is not None
    large = tmp_path / "large.txt"
    large.write_text(TEXT)
    with large.open() as stdin:
        process = paired.start("clipboard", "set", NAME, stdin=stdin)

    def connected() -> bool:
        return somebody_is_connected(Path("/proc/net/unix").read_text(), channel)

    until(connected, timeout=PATIENCE, what="the program to connect", every=0.01)
    assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=PATIENCE)
    paired.run("clipboard", "set", NAME, "after the kill")
    assert paired.run("clipboard", "get", NAME)["text"] == "after the kill"


def answers(client: BlockingGuest) -> bool:
    """Whether a ping comes back."""
    try:
        client.run(lambda api: api.ping(timeout=5))
    except GuestError:
        return False
    return True


def test_the_vm_goes_back_to_a_snapshot_and_the_sessions_of_then_and_now_do_not_mix(
    guest: Domain, client: BlockingGuest
) -> None:
    client.run(lambda api: api.set_clipboard_text("before the snapshot"))
    snapshot = guest.handle.snapshotCreateXML("<domainsnapshot><name>then</name></domainsnapshot>", 0)
    try:
        client.run(lambda api: api.set_clipboard_text("after the snapshot"))
        guest.handle.revertToSnapshot(snapshot, 0)
        until(lambda: answers(client), timeout=PATIENCE, what="the client to come back")
        assert client.run(lambda api: api.clipboard_text()) == "before the snapshot"
    finally:
        snapshot.delete(0)


def test_the_vm_restarts_in_the_middle_and_the_client_comes_back_by_itself(
    guest: Domain, client: BlockingGuest
) -> None:
    boot = guest.shell.sh(_BOOT)
    client.run(lambda api: api.power("reboot"))

    def restarted() -> bool:
        try:
            return guest.shell.sh(_BOOT) != boot
        except GuestFailedError:
            return False

    until(restarted, timeout=3 * PATIENCE, what="the VM to restart", every=0.5)

    until(lambda: answers(client), timeout=PATIENCE, what="the client to come back", every=0.5)
    client.run(lambda api: api.set_clipboard_text("after the restart"))
    assert client.run(lambda api: api.clipboard_text()) == "after the restart"
