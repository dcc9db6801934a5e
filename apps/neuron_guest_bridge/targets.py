"""From what a person types to a VM: its id for keys, its name, and the way to its channel."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Any, TypeVar

from libneuron.guest.api import GuestApi, Requester
from libneuron.guest.client import BlockingGuest, GuestClient, VmKeys
from libneuron.guest.errors import GuestError
from libneuron.guest.keys import KeyStore
from libneuron.guest.menu import printable
from libneuron.guest.owner import KICK, STATE, Lock, OwnerClient, acquire, serve, socket_path
from libneuron.guest.permissions import PermissionStore
from libneuron.guest.transport import Endpoint, UnixSocketEndpoint
from libneuron.system.loop import LoopThread
from libneuron.system.paths import Paths, user_paths
from neuron_guest_bridge.machines import SIMULATED

_T = TypeVar("_T")
_PATIENCE = 15.0  # seconds for a process that holds the channel's lock to listen, or to end
_PAUSE = 0.05  # seconds between two looks
_PASSING = ("guest.channel-in-use", "guest.channel-closed")  # nobody listens; who listened has gone


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
    from libneuron.guest.hypervisor.opening import hypervisor

    vms = hypervisor(options.connect)
    from libneuron.guest.hypervisor.channel import VmEndpoint

    try:
        domain = vms.domain(options.vm)
    except GuestError:
        vms.close()
        raise
    return Target(domain.uuid, domain.name, VmEndpoint(vms, domain), vms.close)


def version_of(hello: Mapping[str, Any]) -> str:
    """The agent's version as it may be shown; what a guest says may hold anything."""
    return printable(str(hello.get("version", "?")))[:32]


def let_go(vm: str, name: str) -> None:
    """The program that keeps ``vm`` connected, if any, is to look at its keys again. Raises: GuestError."""
    where = paths()
    with LoopThread() as io:
        found = _lock_or_owner(io, where, vm, name, timeout=_PATIENCE)
        if isinstance(found, Lock):
            found.release()
            return
        try:
            io.wait(found.request(KICK))
        finally:
            io.wait(found.close())


def _lock_or_owner(io: LoopThread, where: Paths, vm: str, name: str, *, timeout: float) -> Lock | OwnerClient:
    """The channel's lock, or a line to the process that holds it.

    That process may be a command which just begins (it has the lock, and does not listen yet) or ends (it
    listens no more): both pass within moments.
    Raises: GuestError channel-in-use if it neither listens nor lets go within ``timeout`` seconds.
    """
    end = monotonic() + timeout
    while True:
        lock = acquire(where.runtime, vm)
        if lock is not None:
            return lock
        owner = OwnerClient(where.runtime, vm, name)
        try:
            io.wait(owner.open())
            io.wait(owner.request(STATE, timeout=max(end - monotonic(), 0.1)))
        except GuestError as error:
            io.wait(owner.close())
            if error.code not in _PASSING or monotonic() >= end:
                raise
            sleep(_PAUSE)
        else:
            return owner


class Connected:
    """A VM that answers, directly or through the process that owns its channel."""

    def __init__(self, io: LoopThread, requester: Requester, hello: Mapping[str, Any]) -> None:
        self._io = io
        self._api = GuestApi(requester)
        self.version = version_of(hello)

    def run(self, work: Callable[[GuestApi], Awaitable[_T]]) -> _T:
        """Run one piece of work with the typed verbs. Raises: GuestError."""

        async def go() -> _T:
            return await work(self._api)

        return self._io.wait(go())


@contextmanager
def guest(options: argparse.Namespace) -> Iterator[Connected]:
    """The named VM, connected. Raises: GuestError that says why not."""
    where = paths()
    target = find(options, where)
    try:
        with LoopThread() as io:
            found = _lock_or_owner(io, where, target.id, target.name, timeout=options.timeout)
            if isinstance(found, Lock):
                with found, _directly(io, where, target, options.timeout) as connected:
                    yield connected
            else:
                with _through(io, found, options.timeout) as connected:
                    yield connected
    finally:
        target.close()


@contextmanager
def _through(io: LoopThread, owner: OwnerClient, timeout: float) -> Iterator[Connected]:
    try:
        io.wait(owner.request("ping", timeout=timeout))
        yield Connected(io, owner, io.wait(owner.request(STATE)).data["hello"])
    finally:
        io.wait(owner.close())


@contextmanager
def _directly(io: LoopThread, where: Paths, target: Target, timeout: float) -> Iterator[Connected]:
    allowed = PermissionStore(where.config / "guest")
    keys_of = VmKeys(keys(where), target.id)
    client = GuestClient(target.endpoint, keys_of, permissions=lambda: allowed.get(target.id))
    server = io.wait(serve(client, where.runtime, target.id))
    guest_of = BlockingGuest(io, client)
    try:
        guest_of.wait_ready(timeout)
        yield Connected(io, client, client.hello)
    finally:
        guest_of.close()
        io.wait(server.close())
