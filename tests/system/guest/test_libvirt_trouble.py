"""libvirt itself hangs, restarts or is forbidden: an error within the time promised, and back by itself."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import libvirt
import pytest

from libneuron.guest.errors import GuestError
from libneuron.guest.hypervisor.connection import Change, Hypervisor
from tests.system.conftest import PATIENCE
from tests.system.lab.libvirtd import Libvirtd
from tests.system.lab.shell import until

_ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def daemon() -> Iterator[Libvirtd]:
    """One that may be mistreated: the shared one holds the booted guest."""
    with Libvirtd() as made:
        yield made


def test_a_hung_libvirt_costs_one_error_and_no_thread(daemon: Libvirtd) -> None:
    hypervisor = Hypervisor(daemon.uri, patience=1)
    assert hypervisor.domains() == ()
    before = threading.active_count()
    daemon.signal(signal.SIGSTOP)
    try:
        with pytest.raises(GuestError) as hung:
            hypervisor.domains()
        assert hung.value.code == "guest.libvirt-hangs"
        assert daemon.uri in hung.value.sentence()
    finally:
        daemon.signal(signal.SIGCONT)
    assert until(lambda: _answers(hypervisor), timeout=PATIENCE, what="libvirt to be back")
    until(lambda: threading.active_count() <= before, timeout=PATIENCE, what="the abandoned thread to end")
    hypervisor.close()


def _answers(hypervisor: Hypervisor) -> bool:
    try:
        hypervisor.domains()
    except GuestError:
        return False
    return True


def test_a_restarted_libvirt_is_noticed_and_opened_again(daemon: Libvirtd) -> None:
    hypervisor = Hypervisor(daemon.uri)
    changes: list[Change] = []
    stop = hypervisor.watch(changes.append)
    daemon.stop()
    until(lambda: Change(None) in changes, timeout=PATIENCE, what="the news that libvirt is gone")
    with pytest.raises(GuestError) as gone:
        hypervisor.domains()
    assert gone.value.code == "guest.no-libvirt"
    daemon.start()
    assert hypervisor.domains() == ()
    stop()
    hypervisor.close()


def _connections() -> int:
    gc.collect()
    return sum(isinstance(item, libvirt.virConnect) for item in gc.get_objects())


def test_restarts_leave_no_connection_behind(daemon: Libvirtd) -> None:
    hypervisor = Hypervisor(daemon.uri)
    changes: list[Change] = []
    stop = hypervisor.watch(changes.append)
    before = _connections()
    for _ in range(3):
        changes.clear()
        daemon.stop()
        until(lambda: Change(None) in changes, timeout=PATIENCE, what="the news that libvirt is gone")
        daemon.start()
        assert hypervisor.domains() == ()
    until(lambda: _connections() <= before, timeout=PATIENCE, what="the lost connections to be freed")
    stop()
    hypervisor.close()
    until(lambda: _connections() < before, timeout=PATIENCE, what="the last connection to be freed")


@pytest.fixture
def closed_to_others(daemon: Libvirtd) -> Iterator[Libvirtd]:
    daemon.socket.chmod(0o700)
    yield daemon
    daemon.socket.chmod(0o777)


def test_a_person_without_permission_is_told_what_to_do(closed_to_others: Libvirtd) -> None:
    script = (
        "from libneuron.guest.errors import GuestError\n"
        "from libneuron.guest.hypervisor.connection import Hypervisor\n"
        "import sys\n"
        "try: Hypervisor(sys.argv[1]).domains()\n"
        "except GuestError as error: print(error.code, error.hint(), sep='|')\n"
    )
    done = subprocess.run(
        ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", sys.executable, "-c", script,
         closed_to_others.uri],
        env={**os.environ, "PYTHONPATH": str(_ROOT), "HOME": "/nonexistent"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    code, _, hint = done.stdout.strip().partition("|")
    assert code == "guest.libvirt-forbidden", done.stderr
    assert "group" in hint
