"""What the system tests share: one private libvirtd, and one booted guest."""

from __future__ import annotations

from collections.abc import Iterator

import libvirt
import pytest

from libneuron.guest.hypervisor.connection import Hypervisor
from libneuron.guest.hypervisor.events import ensure_loop
from tests.system.lab.domain import Domain
from tests.system.lab.image import build
from tests.system.lab.libvirtd import Libvirtd
from tests.system.lab.recipes import GUEST


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
def guest(connection: libvirt.virConnect) -> Iterator[Domain]:
    """One booted Linux guest for all tests, at first without our channel. Whoever changes it says so."""
    drive = "<disk type='file' device='cdrom'><target dev='sda' bus='sata'/><readonly/></disk>"
    with Domain(connection, build(GUEST), name="Lab guest", devices=drive) as machine:
        machine.handle.create()
        machine.wait_ready()
        yield machine
