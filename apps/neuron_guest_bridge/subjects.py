"""What can be paired: a virtual machine of libvirt's, and the simulated one."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from libneuron.guest.errors import GuestError
from libneuron.guest.hypervisor.domains import ChannelState, Domain
from libneuron.guest.keys import ENROLMENT_FILE, KeyStore
from neuron_guest_bridge import handing_over
from neuron_guest_bridge.handing_over import HandOver
from neuron_guest_bridge.joining import Connection, Prospect
from neuron_guest_bridge.machines import SIMULATED

if TYPE_CHECKING:
    from libneuron.guest.hypervisor.connection import Hypervisor
    from neuron_guest_bridge.simulation import Simulation

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Bonds:
    """How a subject reaches its connection: what :class:`~neuron_guest_bridge.fleet.Fleet` does for it."""

    connection: Callable[[], Connection | None]
    reconnect: Callable[[], None]
    wait: Callable[[float], None]


class _Bound:
    def __init__(self, bonds: Bonds) -> None:
        self._bonds = bonds

    def connection(self) -> Connection | None:
        """See Subject."""
        return self._bonds.connection()

    def reconnect(self) -> None:
        """See Subject."""
        self._bonds.reconnect()

    def wait(self, seconds: float) -> None:
        """See Subject."""
        self._bonds.wait(seconds)


class VmSubject(_Bound):
    """A machine of libvirt's, by its UUID."""

    def __init__(
        self,
        vms: Hypervisor,
        domain: Domain,
        store: KeyStore,
        bonds: Bonds,
        *,
        state: Path,
        resources: Path,
    ) -> None:
        super().__init__(bonds)
        self._vms = vms
        self._domain = domain
        self._state = state
        self._resources = resources
        self.store = store
        self.vm = domain.uuid
        self.name = domain.name

    def prospect(self) -> Prospect:
        """What pairing would come to. Raises: GuestError."""
        domain = self._look()
        ways = [HandOver.FILE]
        if self._vms.local:
            ways.insert(0, HandOver.DISC)
        if domain.guest_agent_connected:
            ways.insert(0, HandOver.AGENT)
        file = handing_over.file_of(self._state, self.vm)
        return Prospect(tuple(ways), domain.channel is ChannelState.MISSING, file)

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
            return handing_over.on_disc(
                self._vms, self._domain, text, resources=self._resources, stuck=_stuck
            )
        return handing_over.as_file(handing_over.file_of(self._state, self.vm), text)


def _stuck(error: GuestError) -> None:
    _log.info("the set-up disc stayed in: %s", error)


class SimulatedSubject(_Bound):
    """The simulated machine: its folder is at hand, so the file is put where a person would copy it."""

    vm = SIMULATED

    def __init__(self, simulation: Simulation, name: str, bonds: Bonds) -> None:
        super().__init__(bonds)
        self._simulation = simulation
        self.name = name
        self.store = simulation.store

    def prospect(self) -> Prospect:
        """What pairing would come to."""
        return Prospect((HandOver.FILE,), adds_channel=False, file=self._file())

    def _file(self) -> Path:
        return self._simulation.folder / "guest" / ENROLMENT_FILE

    def prepare(self, *, add_channel: bool) -> None:
        """See Subject."""

    @contextmanager
    def hand_over(self, way: HandOver, text: str) -> Iterator[None]:
        """See Subject; there is one way."""
        del way
        with handing_over.as_file(self._file(), text):
            yield
