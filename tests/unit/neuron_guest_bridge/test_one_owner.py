"""What keeps a machine connected owns its channel; commands in other processes go through it."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from libneuron.errors import NeuronError
from libneuron.guest.clipboard.rules import Direction
from libneuron.guest.errors import GuestError
from libneuron.guest.hypervisor import opening
from libneuron.guest.hypervisor.connection import Hypervisor
from libneuron.guest.owner import acquire
from libneuron.guest.state import State
from libneuron.system.clipboard.errors import ClipboardError
from libneuron.system.clipboard.model import Clipboard
from libneuron.system.clock import RealClock
from libneuron.system.paths import Paths, below
from neuron_guest_bridge import watching
from neuron_guest_bridge.activity import Line
from neuron_guest_bridge.fleet import Fleet
from neuron_guest_bridge.machines import Listeners, Machine, Snapshot
from neuron_guest_bridge.simulation import VM

_CLI = """
import sys
from pathlib import Path
from libneuron.system.paths import below
from neuron_guest_bridge import targets
from neuron_guest_bridge.__main__ import main
targets.paths = lambda: below(Path(sys.argv[1]))
sys.exit(main(sys.argv[2:]))
"""


class Heard:
    """Waits for what a fleet tells."""

    def __init__(self) -> None:
        self.snapshot = Snapshot()
        self._news = threading.Condition()

    def changed(self, snapshot: Snapshot) -> None:
        with self._news:
            self.snapshot = snapshot
            self._news.notify_all()

    def happened(self, line: Line) -> None:
        del line

    def until(self, holds: Callable[[Machine], bool]) -> Machine:
        """The simulated machine, once ``holds`` of it."""

        def found() -> Machine | None:
            machine = self.snapshot.find(VM)
            return machine if machine is not None and holds(machine) else None

        with self._news:
            assert self._news.wait_for(lambda: found() is not None, 60), self.snapshot
        machine = found()
        assert machine is not None
        return machine


def _no_clipboard() -> Clipboard:
    raise ClipboardError("clipboard.unavailable")


@pytest.fixture
def where(tmp_path: Path) -> Paths:
    return below(tmp_path)


def _no_libvirt(_uri: str) -> Hypervisor:
    """libvirt's event loop must not run in a process that makes a QApplication later: Qt crashes it."""
    raise GuestError("guest.no-libvirt-library")


@pytest.fixture
def fleet(where: Paths, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Fleet, Heard]]:
    monkeypatch.setattr(opening, "hypervisor", _no_libvirt)
    made = Fleet(
        where,
        uri="test:///default",
        clock=RealClock(),
        host_clipboard=_no_clipboard,
        simulated_name="Simulated",
    )
    heard = Heard()
    made.start(Listeners(heard.changed, heard.happened))
    yield made, heard
    made.close()


def test_a_machine_that_cannot_be_read_ends_no_looking(where: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread that looks at libvirt is the only one: whatever it meets is shown, and it goes on."""

    class Fails:
        def watch(self, _told: object) -> None:
            return None

        def domains(self) -> list[object]:
            raise PermissionError(13, "Permission denied", "/home/me/.local/share/neuron")

        def close(self) -> None:
            return None

    monkeypatch.setattr(opening, "hypervisor", lambda _uri: Fails())
    made = Fleet(
        where, uri="test:///default", clock=RealClock(), host_clipboard=_no_clipboard, simulated_name="S"
    )
    told: queue.Queue[Snapshot] = queue.Queue()
    made.start(Listeners(told.put, lambda _line: None))
    try:
        for _ in range(2):
            problem = told.get(timeout=30).problem
            assert problem is not None
            assert problem.code == "guest.host-failed"
            assert "Permission denied" in problem.sentence()
            made.look()
    finally:
        made.close()


def test_a_libvirt_that_is_away_for_days_is_asked_again(
    where: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Fleet(
        where, uri="test:///default", clock=RealClock(), host_clipboard=_no_clipboard, simulated_name="S"
    )
    made._failures = 5000  # a quarter of a minute each
    monkeypatch.setattr(watching, "_PAUSES", (0.0,))
    assert made._next() == made._look


def command(top: Path, *words: str) -> tuple[int, dict[str, Any]]:
    """Run a verb in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", _CLI, str(top), *words, "--json"],
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.stdout, done.stderr.decode()
    return done.returncode, json.loads(done.stdout)


def test_commands_go_through_the_program_that_keeps_the_machine_connected(
    fleet: tuple[Fleet, Heard], tmp_path: Path
) -> None:
    machines, heard = fleet
    machines.simulate()
    heard.until(lambda machine: machine.ready)
    status, found = command(tmp_path, "ping", VM)
    assert (status, found["version"]) == (0, "0.1.0")
    assert command(tmp_path, "resolution", VM, "1920x1080")[0] == 0
    assert machines.modes(VM)[1].width == 1920
    # The owner's permissions hold for commands as well.
    machines.set_direction(VM, Direction.OFF)
    status, found = command(tmp_path, "clipboard", "get", VM)
    assert (status, found["error"]["code"]) == (1, "guest.not-permitted")


def test_a_channel_that_another_process_owns_is_shown_as_in_use_until_it_is_free(
    fleet: tuple[Fleet, Heard], where: Paths
) -> None:
    machines, heard = fleet
    lock = acquire(where.runtime, VM)
    assert lock is not None
    machines.simulate()
    machine = heard.until(lambda machine: machine.state is State.IN_USE)
    assert machine.problem is not None
    assert machine.problem.code == "guest.channel-in-use"
    lock.release()
    heard.until(lambda machine: machine.ready)


def test_the_channel_is_free_when_the_machine_is_let_go(fleet: tuple[Fleet, Heard], where: Paths) -> None:
    machines, heard = fleet
    machines.simulate()
    heard.until(lambda machine: machine.ready)
    assert acquire(where.runtime, VM) is None
    machines.stop_simulation()
    lock = acquire(where.runtime, VM)
    assert lock is not None
    lock.release()


def test_without_pythons_libvirt_library_it_says_so_and_simulates_all_the_same(
    fleet: tuple[Fleet, Heard],
) -> None:
    machines, heard = fleet
    machines.simulate()
    heard.until(lambda machine: machine.ready)
    problem = heard.snapshot.problem
    assert problem is not None
    assert "libvirt library is not installed" in problem.sentence()


def test_a_holder_that_serves_nobody_is_told_as_in_use(where: Paths, tmp_path: Path) -> None:
    lock = acquire(where.runtime, VM)
    assert lock is not None
    status, found = command(tmp_path, "ping", VM, "--socket", "/nonexistent")
    assert (status, found["error"]["code"]) == (1, "guest.channel-in-use")
    lock.release()


def test_the_simulated_machine_is_off_while_nobody_runs_it(tmp_path: Path) -> None:
    status, found = command(tmp_path, "ping", VM)
    assert (status, found["error"]["code"]) == (1, "guest.vm-off")


def test_a_broken_permission_file_is_told_for_its_machine_and_ends_nothing(
    fleet: tuple[Fleet, Heard], where: Paths
) -> None:
    machines, heard = fleet
    machines.simulate()
    heard.until(lambda machine: machine.ready)
    machines.set_direction(VM, Direction.OFF)
    (file,) = (where.config / "guest" / "permissions").iterdir()
    good = file.read_bytes()
    file.write_text("launch = 3\n")
    machines.look()
    machine = heard.until(lambda machine: machine.state is State.FAILED)
    assert machine.problem is not None
    assert file.name in machine.problem.sentence()
    assert not machine.allowed
    with pytest.raises(NeuronError, match=file.name):
        machines.screenshot(VM)
    file.write_bytes(good)
    machines.look()
    heard.until(lambda machine: machine.ready)
