"""From what a person types to a VM: its id for keys, its name, and the way to its channel."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from libneuron.guest.errors import GuestError
from libneuron.guest.hypervisor import opening
from libneuron.guest.keys import KeyStore
from libneuron.guest.owner import Lock
from libneuron.guest.owner_line import KICK, socket_path
from libneuron.guest.transport import Endpoint, UnixSocketEndpoint
from libneuron.system.loop import LoopThread
from libneuron.system.paths import Paths, user_paths
from neuron_guest_bridge import leftovers
from neuron_guest_bridge.machines import SIMULATED
from neuron_guest_bridge.reach import PATIENCE, Direct, Through, lock_or_owner, reach


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
    if options.vm == SIMULATED and options.socket is None:
        if not socket_path(where.runtime, SIMULATED).exists():
            raise GuestError("guest.vm-off", vm=SIMULATED)  # it runs only while the window shows it
        endpoint = UnixSocketEndpoint(where.runtime / "guest" / "no-channel", SIMULATED)
        return Target(SIMULATED, SIMULATED, endpoint, lambda: None)
    if options.socket is not None:
        named = [item for item in keys(where).list() if options.vm in (item.vm, item.name)]
        vm = named[0].vm if named else options.vm
        return Target(vm, options.vm, UnixSocketEndpoint(options.socket, options.vm), lambda: None)
    vms = opening.hypervisor(options.connect)
    from libneuron.guest.hypervisor.channel import VmEndpoint

    try:
        domain = vms.domain(options.vm)
    except GuestError:
        vms.close()
        raise
    return Target(domain.uuid, domain.name, VmEndpoint(vms, domain), vms.close)


def tidy(where: Paths) -> None:
    """Take away what a pairing that ended in the middle has left; what cannot be done now waits."""
    if leftovers.noted(where.state):
        leftovers.Leftovers(where.state, keys(where), opening.hypervisor).sweep()


def let_go(vm: str, name: str) -> None:
    """The program that keeps ``vm`` connected, if any, is to look at its keys again. Raises: GuestError."""
    where = paths()
    with LoopThread() as io:
        found = lock_or_owner(io, where, vm, name, timeout=PATIENCE)
        if isinstance(found, Lock):
            found.release()
            return
        try:
            io.wait(found.request(KICK))
        finally:
            io.wait(found.close())


@contextmanager
def guest(options: argparse.Namespace) -> Iterator[Direct | Through]:
    """The named VM, connected. Raises: GuestError that says why not."""
    where = paths()
    tidy(where)
    target = find(options, where)
    try:
        with LoopThread() as io:
            found = reach(io, where, target.id, target.endpoint, timeout=options.timeout)
            with closing(found):
                found.wait_ready(options.timeout)
                yield found
    finally:
        target.close()
