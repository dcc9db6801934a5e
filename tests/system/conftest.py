"""What the system tests share: one private libvirtd, one booted guest, paired once as a person does it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import libvirt
import pytest

from libneuron.guest.client import BlockingGuest, GuestClient, VmKeys
from libneuron.guest.hypervisor.channel import Added, VmEndpoint, add_channel
from libneuron.guest.hypervisor.connection import Change, Hypervisor
from libneuron.guest.hypervisor.domains import CHANNEL, Domain
from libneuron.guest.hypervisor.events import ensure_loop
from libneuron.guest.keys import KeyStore
from libneuron.guest.permissions import DEFAULT
from libneuron.guest.wire.requests import Permission
from libneuron.system.bus import LoopThread
from tests.system.guest.bridge import Bridge
from tests.system.lab.domain import Domain as Machine
from tests.system.lab.image import build
from tests.system.lab.libvirtd import Libvirtd
from tests.system.lab.recipes import GUEST
from tests.system.lab.shell import until

NAME = "Lab guest"
PATIENCE = 300.0
"""Seconds that anything in the guest may take: emulated, on a machine that others use too."""
_DRIVE = "<disk type='file' device='cdrom'><target dev='sda' bus='sata'/><readonly/></disk>"
_INSTALL = """
mkdir -p /mnt/disc
mount -t iso9660 -o ro /dev/sr0 /mnt/disc
sh /mnt/disc/setup.sh
umount /mnt/disc
"""


@pytest.fixture(scope="session")
def libvirtd() -> Iterator[Libvirtd]:
    """A libvirtd of our own."""
    with Libvirtd() as daemon:
        yield daemon


@pytest.fixture(scope="session")
def connection(libvirtd: Libvirtd) -> Iterator[libvirt.virConnect]:
    """The tests' own connection, independent of the library's."""
    ensure_loop()
    made = libvirt.open(libvirtd.uri)
    yield made
    made.close()


@pytest.fixture(scope="session")
def hypervisor(libvirtd: Libvirtd) -> Iterator[Hypervisor]:
    """The library's face of that libvirtd."""
    made = Hypervisor(libvirtd.uri)
    yield made
    made.close()


@pytest.fixture(scope="session")
def guest(connection: libvirt.virConnect) -> Iterator[Machine]:
    """One booted Linux guest for all tests, with an empty CD-ROM drive."""
    with Machine(connection, build(GUEST), name=NAME, devices=_DRIVE) as machine:
        machine.handle.create()
        machine.wait_ready()
        yield machine


@pytest.fixture(autouse=True)
def _guest_answers(request: pytest.FixtureRequest) -> None:
    """A guest that one test left hanging gets its power cut, and the next test one that works."""
    if "guest" not in request.fixturenames:
        return
    machine = request.getfixturevalue("guest")
    if not isinstance(machine, Machine):  # a module's own, of another kind
        return
    if machine.handle.isActive():
        try:
            machine.wait_ready(timeout=PATIENCE)
        except TimeoutError:
            machine.stop()
    if not machine.handle.isActive():
        machine.handle.create()
        machine.wait_ready(timeout=2 * PATIENCE)


@dataclass(frozen=True)
class WithChannel:
    """The guest, and what was seen while it was given our channel."""

    machine: Machine
    before: Domain
    added: Added
    told: bool
    after: Domain


@pytest.fixture(scope="session")
def channel(guest: Machine, hypervisor: Hypervisor) -> WithChannel:
    """The guest given the channel while it runs; everything that needs it comes after this."""
    before = hypervisor.domain(NAME)
    changes: list[Change] = []
    stop = hypervisor.watch(changes.append)
    try:
        added = add_channel(hypervisor, before)
        told = bool(until(lambda: Change(before.uuid) in changes, timeout=PATIENCE, what="the news"))
    finally:
        stop()
    port = f"test -e /dev/virtio-ports/{CHANNEL} && echo yes || true"
    until(lambda: guest.shell.sh(port), timeout=PATIENCE, what="the port in the guest")
    return WithChannel(guest, before, added, told, hypervisor.domain(NAME))


@pytest.fixture(scope="session")
def bridge(libvirtd: Libvirtd, tmp_path_factory: pytest.TempPathFactory) -> Bridge:
    """The command line, with files of its own."""
    return Bridge(libvirtd.uri, tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="session")
def paired(channel: WithChannel, bridge: Bridge) -> Bridge:
    """The guest paired by disc: the app attaches it, the person runs what is on it."""
    shell = channel.machine.shell
    process = bridge.start("pair", NAME, "--method", "disc")
    label = "blkid -o value -s LABEL /dev/sr0 2>/dev/null || true"
    until(
        lambda: process.poll() is not None or shell.sh(label) == "NEURON_SETUP",
        timeout=PATIENCE,
        what="the disc",
    )
    shell.sh(_INSTALL, timeout=PATIENCE)
    done = bridge.finish(process, timeout=PATIENCE)
    assert (done["paired"], done["method"]) == (True, "disc")
    return bridge


@pytest.fixture(scope="session")
def signed_in(guest: Machine, paired: Bridge) -> None:
    """The person signs in again, so that the installed helper starts as it does at every sign-in."""
    del paired
    guest.shell.sh("systemctl restart lab-desktop", timeout=PATIENCE)


@contextmanager
def connected(
    paired: Bridge,
    hypervisor: Hypervisor,
    on_event: Callable[[str, Mapping[str, Any]], None] | None = None,
) -> Iterator[BlockingGuest]:
    """A connected client in this process, with the command line's keys."""
    domain = hypervisor.domain(NAME)
    keys = KeyStore(paired.data / "guest")
    with LoopThread() as io:
        core = GuestClient(
            VmEndpoint(hypervisor, domain),
            VmKeys(keys, domain.uuid),
            permissions=lambda: DEFAULT | {Permission.FILES},
            on_event=on_event,
        )
        made = BlockingGuest(io, core)
        try:
            made.wait_ready(PATIENCE)
            yield made
        finally:
            made.close()


@pytest.fixture
def client(paired: Bridge, hypervisor: Hypervisor) -> Iterator[BlockingGuest]:
    """See :func:`connected`."""
    with connected(paired, hypervisor) as made:
        yield made


@pytest.fixture
def no_setup_discs_left() -> Iterator[None]:
    """Nothing of a set-up disc stays on the host."""
    yield
    assert list(Path("/var/tmp").glob("neuron-setup-*")) == []
