"""The guests whose latencies are measured: simulated, the Windows agent under Wine, a Linux machine."""

from __future__ import annotations

import contextlib
import itertools
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from libneuron.errors import NeuronError
from libneuron.guest import setup_disc
from libneuron.guest.client import BlockingGuest, GuestClient, VmKeys
from libneuron.guest.keys import KeyStore
from libneuron.guest.permissions import DEFAULT
from libneuron.guest.transport import Endpoint, UnixSocketEndpoint
from libneuron.system.loop import LoopThread
from libneuron.system.paths import resources
from neuron_guest_bridge.simulation import Simulation
from tests.system.lab.image import build
from tests.system.lab.machine import CHANNEL, Machine
from tests.system.lab.recipes import GUEST
from tests.system.wine.agent import WineAgent
from tests.system.wine.lab import temporary_lab

_PATIENCE = 300.0


@dataclass
class Subject:
    """A connected guest. ``copy`` has another program there copy something, where the agent hears of it;
    ``events`` may be replaced to hear what the guest tells; ``rounds``: how often each thing is done."""

    name: str
    guest: BlockingGuest
    io: LoopThread
    launch: tuple[str, tuple[str, ...]]
    rounds: int
    copy: Callable[[], None] | None = None
    events: Callable[[str, Mapping[str, Any]], None] = field(default=lambda _kind, _data: None)


@contextmanager
def _connected(
    name: str, endpoint: Endpoint, keys: VmKeys, launch: tuple[str, tuple[str, ...]], rounds: int
) -> Iterator[Subject]:
    with LoopThread() as io:
        client = GuestClient(
            endpoint,
            keys,
            permissions=lambda: DEFAULT,
            on_event=lambda kind, data: subject.events(kind, data),
        )
        subject = Subject(name, BlockingGuest(io, client), io, launch, rounds)
        try:
            subject.guest.wait_ready(_PATIENCE)
            _signed_in(subject.guest)
            yield subject
        finally:
            subject.guest.close()


def _signed_in(guest: BlockingGuest) -> None:
    """The desktop's helper of an agent comes a little later than the agent."""
    end = time.monotonic() + _PATIENCE
    while True:
        with contextlib.suppress(NeuronError):
            if guest.run(lambda api: api.info())["session"] == "active":
                return
        assert time.monotonic() < end, "nobody is signed in"
        time.sleep(0.1)


@contextmanager
def simulated() -> Iterator[Subject]:
    """The agent in a process of its own, its desktop in memory."""
    with Simulation() as simulation:
        simulation.hand_over()
        simulation.start()
        made = _connected(
            "Simulated guest", simulation.endpoint(), simulation.keys(), ("paint", ()), rounds=50
        )
        with made as subject:

            def copy() -> None:
                subject.guest.run(lambda api: api.launch("notes", ()))

            subject.copy = copy
            yield subject


@contextmanager
def wine() -> Iterator[Subject]:
    """The Windows agent as a whole: service program, helper, serial port, a virtual desktop."""
    lab, folder = temporary_lab()
    try:
        with WineAgent(lab) as agent:
            agent.hand_over()
            agent.start()
            made = _connected(
                "Windows agent under Wine", agent.endpoint(), agent.keys(), ("rundll32.exe", ()), rounds=50
            )
            with made as subject:
                number = itertools.count()
                lab.call_other("foreign_clipboard.text")  # the second program is there
                subject.copy = lambda: lab.call_other(
                    "foreign_clipboard.copy_text", text=f"copied {next(number)}"
                )
                yield subject
    finally:
        lab.close()
        folder.cleanup()


@contextmanager
def machine() -> Iterator[Subject]:
    """A Linux machine under emulation with a person at its screen, set up from what is on the disc."""
    with tempfile.TemporaryDirectory() as name, Machine(build(GUEST)) as vm:
        store = KeyStore(Path(name) / "host")
        vm.wait_ready()
        for file in setup_disc.contents(store.begin_enrolment("vm", "VM"), resources=resources()):
            vm.shell.write(f"/root/disc/{file.path}", file.data, mode=0o755 if file.program else 0o644)
        vm.shell.sh("sh /root/disc/setup.sh", timeout=_PATIENCE)
        vm.shell.sh("systemctl restart lab-desktop", timeout=_PATIENCE)
        endpoint = UnixSocketEndpoint(vm.port(CHANNEL), "VM")
        made = _connected(
            "Linux machine, emulated", endpoint, VmKeys(store, "vm"), ("/bin/true", ()), rounds=10
        )
        with made as subject:
            yield subject
