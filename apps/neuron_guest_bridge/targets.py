"""From what a person types to a VM: its id for keys, its name, and the way to its channel."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from libneuron.guest.client import BlockingGuest, GuestClient, VmKeys
from libneuron.guest.errors import GuestError
from libneuron.guest.keys import KeyStore
from libneuron.guest.permissions import PermissionStore
from libneuron.guest.transport import Endpoint, UnixSocketEndpoint
from libneuron.system.bus import LoopThread
from libneuron.system.paths import Paths, user_paths


@dataclass(frozen=True)
class Target:
    """A VM a verb works on. ``close`` lets go of libvirt, where it was asked."""

    id: str
    name: str
    endpoint: Endpoint
    close: Callable[[], None]


def paths() -> Paths:
    """This person's directories."""
    return user_paths()


def keys(where: Paths) -> KeyStore:
    """The keys of all VMs."""
    return KeyStore(where.data / "guest")


def find(options: argparse.Namespace, where: Paths) -> Target:
    """The VM the options name. With ``--socket`` the name is that of its keys, and libvirt is not asked.

    Raises: GuestError no-vm, no-libvirt, libvirt-forbidden, vm-off, no-channel.
    """
    if options.socket is not None:
        named = [item for item in keys(where).list() if options.vm in (item.vm, item.name)]
        vm = named[0].vm if named else options.vm
        return Target(vm, options.vm, UnixSocketEndpoint(options.socket, options.vm), lambda: None)
    from libneuron.guest.hypervisor.channel import VmEndpoint
    from libneuron.guest.hypervisor.connection import Hypervisor

    hypervisor = Hypervisor(options.connect)
    try:
        domain = hypervisor.domain(options.vm)
    except GuestError:
        hypervisor.close()
        raise
    return Target(domain.uuid, domain.name, VmEndpoint(hypervisor, domain), hypervisor.close)


@contextmanager
def guest(options: argparse.Namespace) -> Iterator[BlockingGuest]:
    """The named VM, connected. Raises: GuestError that says why not."""
    where = paths()
    target = find(options, where)
    allowed = PermissionStore(where.config / "guest")
    try:
        with LoopThread() as io:
            client = GuestClient(
                target.endpoint, VmKeys(keys(where), target.id), permissions=lambda: allowed.get(target.id)
            )
            connected = BlockingGuest(io, client)
            try:
                connected.wait_ready(options.timeout)
                yield connected
            finally:
                connected.close()
    finally:
        target.close()
