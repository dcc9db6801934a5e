"""What can be paired: a virtual machine of libvirt's, and one that is reached by a socket or simulated."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from libneuron.guest.errors import GuestError
from libneuron.guest.hypervisor.domains import ChannelState, Domain
from libneuron.guest.keys import KeyStore
from neuron_guest_bridge import handing_over
from neuron_guest_bridge.handing_over import HandOver
from neuron_guest_bridge.joining import Connection, Prospect
from neuron_guest_bridge.leftovers import Claim, Leftovers

if TYPE_CHECKING:
    from libneuron.guest.hypervisor.connection import Hypervisor


@dataclass(frozen=True)
class Bonds:
    """How a subject reaches its connection: what :class:`~neuron_guest_bridge.fleet.Fleet` does for it."""

    connection: Callable[[], Connection | None]
    reconnect: Callable[[], None]
    wait: Callable[[float], None]


class _Bound:
    """A machine with its keys and connection; ``uri`` is libvirt's address, empty without libvirt.

    ``leftovers`` None: nothing of it outlives this process.
    """

    def __init__(
        self, vm: str, name: str, store: KeyStore, bonds: Bonds, *, uri: str, leftovers: Leftovers | None
    ) -> None:
        self.vm = vm
        self.name = name
        self.store = store
        self._bonds = bonds
        self._uri = uri
        self._leftovers = leftovers
        self._claim: Claim | None = None

    @contextmanager
    def alone(self) -> Iterator[None]:
        """See Subject. Raises: GuestError pairing-busy."""
        if self._leftovers is None:
            yield
            return
        with self._leftovers.claim(self.vm, self.name, self._uri) as claim:
            self._claim = claim
            yield

    def _as_file(self, path: Path, text: str) -> AbstractContextManager[None]:
        claim = self._claim
        return handing_over.as_file(path, text, about_to=claim.file if claim is not None else _unnoted)

    def connection(self) -> Connection | None:
        """See Subject."""
        return self._bonds.connection()

    def reconnect(self) -> None:
        """See Subject."""
        self._bonds.reconnect()

    def wait(self, seconds: float) -> None:
        """See Subject."""
        self._bonds.wait(seconds)


def _unnoted(_file: Path) -> None:
    """It lies in a folder that goes with this process."""


class VmSubject(_Bound):
    """A machine of libvirt's, by its UUID."""

    def __init__(
        self,
        vms: Hypervisor,
        domain: Domain,
        store: KeyStore,
        bonds: Bonds,
        *,
        leftovers: Leftovers,
        resources: Path,
        file: Path,
    ) -> None:
        super().__init__(domain.uuid, domain.name, store, bonds, uri=vms.uri, leftovers=leftovers)
        self._vms = vms
        self._domain = domain
        self._resources = resources
        self._file = file

    def prospect(self) -> Prospect:
        """What pairing would come to. Raises: GuestError."""
        domain = self._look()
        ways = [HandOver.FILE]
        if self._vms.local:
            ways.insert(0, HandOver.DISC)
        if domain.guest_agent_connected:
            ways.insert(0, HandOver.AGENT)
        return Prospect(tuple(ways), domain.channel is ChannelState.MISSING, self._file)

    def _look(self) -> Domain:
        domain = self._vms.domain(self.vm)
        if not domain.active:
            raise GuestError("guest.vm-off", vm=domain.name)
        self._domain = domain
        return domain

    def prepare(self, *, add_channel: bool) -> None:
        """See Subject. Raises: GuestError vm-off, channel-consent, channel-needs-restart."""
        from libneuron.guest.hypervisor.channel import add_channel as add
        from libneuron.guest.hypervisor.errors import HypervisorError

        domain = self._look()
        missing = domain.channel is ChannelState.MISSING
        if missing and not add_channel:
            raise GuestError("guest.channel-consent", vm=domain.name)
        restart = domain.channel is ChannelState.NEEDS_RESTART
        if (missing and add(self._vms, domain).restart_needed) or restart:
            raise HypervisorError("guest.channel-needs-restart", vm=domain.name)

    def hand_over(self, way: HandOver, text: str) -> AbstractContextManager[None]:
        """See Subject."""
        if way is HandOver.AGENT:
            handing_over.through_agent(self._vms, self._domain, text)
            return nullcontext()
        if way is HandOver.DISC:
            assert self._claim is not None
            return handing_over.on_disc(
                self._vms, self._domain, text, resources=self._resources, claim=self._claim
            )
        return self._as_file(self._file, text)


class FileSubject(_Bound):
    """A machine that only the file ``file`` reaches: by a channel's socket, or simulated."""

    def __init__(
        self,
        vm: str,
        name: str,
        store: KeyStore,
        bonds: Bonds,
        *,
        file: Path,
        leftovers: Leftovers | None = None,
    ) -> None:
        super().__init__(vm, name, store, bonds, uri="", leftovers=leftovers)
        self._file = file

    def prospect(self) -> Prospect:
        """What pairing would come to."""
        return Prospect((HandOver.FILE,), adds_channel=False, file=self._file)

    def prepare(self, *, add_channel: bool) -> None:
        """See Subject."""

    def hand_over(self, way: HandOver, text: str) -> AbstractContextManager[None]:
        """See Subject; there is one way."""
        del way
        return self._as_file(self._file, text)
