"""A hundred times the same interruption: usable again each time, and nothing leaks on either side."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

import pytest

from libneuron.guest.client import BlockingGuest
from libneuron.guest.errors import GuestError
from tests.system.conftest import NAME
from tests.system.guest.bridge import Bridge
from tests.system.lab.domain import Domain
from tests.system.lab.shell import GuestFailedError, until

pytestmark = [pytest.mark.vm, pytest.mark.long]

AGENT_RESTARTS, HOST_RECONNECTS, REBOOTS = 100, 100, 30


def answers(client: BlockingGuest) -> bool:
    """Whether a ping comes back."""
    try:
        client.run(lambda api: api.ping(timeout=2))
    except GuestError:
        return False
    return True


def held() -> tuple[int, int]:
    """Descriptors and threads of this process."""
    return len(os.listdir("/proc/self/fd")), threading.active_count()


def spent(guest: Domain) -> float:
    """Processor seconds the machine has used: what a recovery costs, however busy this host is."""
    return float(guest.handle.info()[4]) / 1e9


def soak(times: int, interrupt: Callable[[], None], guest: Domain, client: BlockingGuest, what: str) -> None:
    """Interrupt and recover again and again; print how long it took from the interruption's end."""
    until(lambda: answers(client), timeout=120, what="the client to be ready")
    before, took, cost = held(), [], []
    for number in range(times):
        interrupt()
        began, used = time.monotonic(), spent(guest)
        until(lambda: answers(client), timeout=60, what=f"recovery {number} from {what}", every=0.02)
        took.append(time.monotonic() - began)
        cost.append(spent(guest) - used)
    after = held()
    print(
        f"\n{what}: {times} times, median {sorted(took)[times // 2]:.2f} s, longest {max(took):.2f} s;"
        f" processor median {sorted(cost)[times // 2]:.2f} s"
    )
    assert after[0] <= before[0] + 2, "descriptors leak"
    assert after[1] <= before[1] + 2, "threads leak"


def test_the_agent_restarts_again_and_again(guest: Domain, client: BlockingGuest) -> None:
    def interrupt() -> None:
        guest.shell.sh("kill -9 $(systemctl show -p MainPID --value neuron-guest)")

    soak(AGENT_RESTARTS, interrupt, guest, client, "a killed agent")


def test_the_host_reconnects_again_and_again(guest: Domain, paired: Bridge) -> None:
    before = guest.shell.sh("systemctl show -p MainPID --value neuron-guest")
    files = f"ls /proc/{before}/fd | wc -l"
    at_first = int(guest.shell.sh(files))
    for _ in range(HOST_RECONNECTS):
        assert paired.run("ping", NAME)["ms"] > 0
    assert guest.shell.sh("systemctl show -p MainPID --value neuron-guest") == before
    assert int(guest.shell.sh(files)) <= at_first + 1


def test_the_vm_restarts_again_and_again(guest: Domain, client: BlockingGuest) -> None:
    boot_id = "cat /proc/sys/kernel/random/boot_id"

    def interrupt() -> None:
        boot = guest.shell.sh(boot_id)
        guest.shell.sh("systemctl --no-block reboot")

        def restarted() -> bool:
            try:
                return guest.shell.sh(boot_id) != boot
            except GuestFailedError:
                return False

        until(restarted, timeout=400, what="the VM to restart", every=0.5)

    soak(REBOOTS, interrupt, guest, client, "a restarted VM")
