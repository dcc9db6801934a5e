"""All machines, watched and kept connected. Knows no Qt; listeners are called on its threads.

One thread does everything that may block on libvirt. Nothing here polls while libvirt answers: it tells of
changes, and a connected client sets no timers.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from libneuron.errors import NeuronError
from libneuron.guest.errors import GuestError
from libneuron.guest.hypervisor.domains import ChannelState, Domain, Power
from libneuron.guest.menu import Menu
from libneuron.guest.permissions import PermissionStore
from libneuron.system.clock import Clock
from libneuron.system.paths import Paths
from neuron_guest_bridge.activity import Line, Moving, least
from neuron_guest_bridge.boots import PATIENCE, Boots
from neuron_guest_bridge.leftovers import Leftovers, noted
from neuron_guest_bridge.machines import SIMULATED, Listeners, Machine, Snapshot
from neuron_guest_bridge.portraits import Portraits
from neuron_guest_bridge.recent import Favourites, Recent
from neuron_guest_bridge.screens import Screens
from neuron_guest_bridge.sharing import Choices
from neuron_guest_bridge.viewers import Viewer

if TYPE_CHECKING:  # loaded on the fleet's thread, and only what the machines here need
    from libneuron.guest.hypervisor.connection import Change, Hypervisor
    from libneuron.guest.keys import KeyStore
    from libneuron.system.clipboard.model import Clipboard
    from libneuron.system.loop import LoopThread
    from neuron_guest_bridge.link import Link, Surroundings
    from neuron_guest_bridge.simulation import Simulation

_log = logging.getLogger(__name__)
_REMEMBERED = 500  # lines of activity
_PASSING = ("guest.no-libvirt", "guest.libvirt-hangs", "guest.libvirt-failed")
_PAUSES = (2.0, 4.0, 8.0, 15.0)  # seconds until a libvirt that failed is asked again, and again


class Watching:
    """From :meth:`start` to :meth:`close`. Methods that block say so; the others return at once."""

    def __init__(
        self,
        where: Paths,
        *,
        uri: str,
        clock: Clock,
        host_clipboard: Callable[[], Clipboard],
        simulated_name: str,
        viewer: Callable[[], Viewer] = lambda: Viewer.BEST,
    ) -> None:
        """``viewer``: what the person wants to see machines with; asked on threads of the fleet's own."""
        self._where = where
        self._uri = uri
        self._clock = clock
        self._host_clipboard = host_clipboard
        self._simulated_name = simulated_name
        self._permissions = PermissionStore(where.config / "guest")
        self._choices = Choices(where.config / "guest" / "choices")
        self._menu = Menu(where.data.parent, ("neuron-guest-bridge", "launch", "--connect", uri))
        self._recent = Recent(where.state / "guest" / "recent")
        self._favourites = Favourites(where.config / "guest" / "favourites")
        self._portraits = Portraits(
            self._permissions, self._choices, self._menu, self._recent, self._favourites
        )
        self._screens = Screens(uri, viewer)
        self._boots = Boots()
        self._hypervisor: Hypervisor | None = None
        self._keys: KeyStore | None = None
        self._around: Surroundings | None = None
        self._io: LoopThread | None = None
        self._making = threading.Lock()
        self._simulation: Simulation | None = None
        self._links: dict[str, Link] = {}
        self._domains: dict[str, Domain] = {}
        self._problem: NeuronError | None = None
        self._failures = 0
        self._looked = False
        self._lines: deque[Line] = deque()
        self._listeners: Listeners | None = None
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="fleet", daemon=True)
        self._looking = threading.Event()
        self._publishing = threading.Event()
        self._news = threading.Condition()
        self._permitting = threading.Lock()
        self.snapshot = Snapshot()

    @property
    def lines(self) -> tuple[Line, ...]:
        """What happened, oldest first."""
        return tuple(self._lines)

    def start(self, listeners: Listeners) -> None:
        """Begin to look, and tell."""
        self._listeners = listeners
        self._thread.start()
        self._do(self._watch)

    def look(self) -> None:
        """Ask libvirt again."""
        if not self._looking.is_set():
            self._looking.set()
            self._do(self._look)

    def simulate(self) -> None:
        """Start the simulated guest and connect to it. Raises: GuestError."""
        if self._simulation is not None:
            return
        from neuron_guest_bridge.simulation import Simulation

        simulation = Simulation()
        try:
            simulation.hand_over()
            simulation.start()
        except BaseException:
            simulation.close()
            raise
        self._simulation = simulation
        self._join_simulation()
        self._publish_soon()

    def _join_simulation(self) -> None:
        simulation = self._simulation
        if simulation is None or not simulation.store.candidates(SIMULATED):
            return
        from neuron_guest_bridge.link import Link

        self._links[SIMULATED] = Link(
            SIMULATED, self._simulated_name, simulation.endpoint(), simulation.keys(), self._surroundings()
        )

    def stop_simulation(self) -> None:
        """End the simulated guest, if it runs."""
        simulation, self._simulation = self._simulation, None
        link = self._links.pop(SIMULATED, None)
        if link is not None:
            link.close()
        if simulation is not None:
            simulation.close()
        self._publish_soon()

    def close(self) -> None:
        """Disconnect from everything. Blocks for moments; a libvirt that hangs is left behind."""
        self._listeners = None
        self.stop_simulation()
        self._work.put(None)
        self._thread.join(2)
        for link in list(self._links.values()):
            link.close()
        self._links.clear()
        if self._thread.is_alive():
            return  # it waits for libvirt; what it may still use ends with the process
        if self._hypervisor is not None:
            self._hypervisor.close()
        if self._io is not None:
            self._io.close()

    # -- on the fleet's thread ---------------------------------------------------------------------

    def _do(self, work: Callable[[], None]) -> None:
        self._work.put(work)

    def _run(self) -> None:
        while (work := self._next()) is not None:
            try:
                work()
            except Exception as error:  # noqa: BLE001 — or nothing would be looked at any more
                self._fell(error)

    def _fell(self, error: Exception) -> None:
        """A full disk, a bug: it is shown, and tried again after a pause."""
        known = isinstance(error, (OSError, NeuronError))
        (_log.info if known else _log.exception)("the machines: %s", error)
        problem = f"{type(error).__name__}: {error}"
        told = error if isinstance(error, NeuronError) else None
        self._problem = told or GuestError("guest.host-failed", vm=self._uri, problem=problem)
        self._failures += 1
        self._tell(replace(self.snapshot, problem=self._problem))

    def _next(self) -> Callable[[], None] | None:
        """The next piece of work; while looking fails also to look again, after longer and longer pauses."""
        if not self._failures:
            return self._work.get()
        try:
            return self._work.get(timeout=_PAUSES[min(self._failures, len(_PAUSES)) - 1])
        except queue.Empty:
            return self._look

    def _watch(self) -> None:
        def told(_change: Change) -> None:
            self.look()

        if noted(self._where.state):
            self._leftovers().sweep()
        try:
            self._vms().watch(told)
        except NeuronError as error:
            self._problem = error
        self._look()

    def _look(self) -> None:
        self._looking.clear()
        try:
            self._domains = {domain.uuid: domain for domain in self._vms().domains()}
            problem = None
        except NeuronError as error:
            problem = error
        self._problem, self._looked = problem, True
        powers = {domain.uuid: domain.power for domain in self._domains.values()}
        if self._boots.look(powers, now=self._clock.monotonic()):
            self.io.loop.call_soon_threadsafe(self.io.loop.call_later, PATIENCE + 1, self._publish_soon)
        self._connect()
        self._publish()
        self._failures = self._failures + 1 if problem is not None and problem.code in _PASSING else 0

    def _connect(self) -> None:
        wanted = {machine.id for machine in map(self._machine, self._domains.values()) if machine.reachable}
        for machine in [name for name in self._links if name not in wanted and name != SIMULATED]:
            self._links.pop(machine).close()
        for machine in sorted(wanted):
            if machine in self._links:
                self._links[machine].kick()
                continue
            from libneuron.guest.client import VmKeys
            from libneuron.guest.hypervisor.channel import VmEndpoint
            from neuron_guest_bridge.link import Link

            domain = self._domains[machine]
            endpoint = VmEndpoint(self._vms(), domain)
            keys = VmKeys(self._store(), machine)
            self._links[machine] = Link(
                machine,
                domain.name,
                endpoint,
                keys,
                self._surroundings(),
                spice=domain.spice,
                memory_mib=None if domain.ivshmem is None else domain.ivshmem >> 20,
            )

    def _publish_soon(self) -> None:
        """Once for all that changed until then: what guests do must not queue up here."""
        if not self._publishing.is_set():
            self._publishing.set()
            self._do(self._publish)

    def _publish(self) -> None:
        self._publishing.clear()
        machines = [self._portrait(domain) for domain in self._domains.values()]
        if self._simulation is not None:
            made = Machine(
                id=SIMULATED,
                name=self._simulated_name,
                power=Power.RUNNING,
                channel=ChannelState.CONNECTED,
                paired=bool(self._simulation.store.candidates(SIMULATED)),
                simulated=True,
            )
            made = self._portraits.permitted(made)
            machines.append(self._portraits.connected(made, self._links.get(SIMULATED)))
        self._tell(
            Snapshot(
                tuple(machines), self._problem, looked=self._looked, simulating=self._simulation is not None
            )
        )

    def _tell(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        listeners = self._listeners
        if listeners is not None:
            listeners.changed(snapshot)
        with self._news:
            self._news.notify_all()

    def _machine(self, domain: Domain) -> Machine:
        return self._portraits.permitted(
            Machine(
                id=domain.uuid,
                name=domain.name,
                power=domain.power,
                channel=domain.channel,
                paired=bool(self._store().candidates(domain.uuid)),
                viewer=self._screens.viewer(domain) is not Viewer.NONE,
                starting=self._boots.starting(domain.uuid, now=self._clock.monotonic()),
            )
        )

    def _portrait(self, domain: Domain) -> Machine:
        made = self._portraits.connected(self._machine(domain), self._links.get(domain.uuid))
        if made.ready:
            self._boots.answered(made.id)
        return made

    def _reconnect(self, machine: str) -> None:
        link = self._links.pop(machine, None)
        if link is not None:
            link.close()
        if machine == SIMULATED:
            self._join_simulation()
            self._publish()
        else:
            self._look()

    # -- on any thread -----------------------------------------------------------------------------

    def _vms(self) -> Hypervisor:
        """libvirt. Raises: GuestError no-libvirt-library."""
        with self._making:
            if self._hypervisor is None:
                from libneuron.guest.hypervisor.opening import hypervisor

                self._hypervisor = hypervisor(self._uri)
            return self._hypervisor

    def _store(self) -> KeyStore:
        with self._making:
            if self._keys is None:
                from libneuron.guest.keys import KeyStore

                self._keys = KeyStore(self._where.data / "guest")
            return self._keys

    def _leftovers(self) -> Leftovers:
        from libneuron.guest.hypervisor import opening

        return Leftovers(self._where.state, self._store(), opening.hypervisor)

    @property
    def io(self) -> LoopThread:
        """The loop of everything here that waits for a channel or a bus."""
        with self._making:
            return self._loop()

    def _loop(self) -> LoopThread:
        if self._io is None:
            from libneuron.system.loop import LoopThread

            self._io = LoopThread()
        return self._io

    def _surroundings(self) -> Surroundings:
        with self._making:
            if self._around is None:
                from neuron_guest_bridge.link import Surroundings

                self._around = Surroundings(
                    io=self._loop(),
                    clock=self._clock,
                    permissions=self._permissions,
                    choices=self._choices,
                    runtime=self._where.runtime,
                    spool=self._where.cache / "clipboard",
                    host_clipboard=self._host_clipboard,
                    changed=lambda _machine: self._publish_soon(),
                    happened=self._happened,
                    moving=self._moving,
                )
            return self._around

    def _link(self, machine: str) -> Link:
        link = self._links.get(machine)
        if link is None:
            found = self.snapshot.find(machine)
            raise GuestError("guest.vm-off", vm=found.name if found else machine)
        return link

    def _happened(self, line: Line) -> None:
        self._lines.append(line)
        while len(self._lines) > _REMEMBERED:
            del self._lines[least(self._lines)]
        listeners = self._listeners
        if listeners is not None:
            listeners.happened(line)

    def _moving(self, moving: Moving) -> None:
        listeners = self._listeners
        if listeners is not None:
            listeners.moving(moving)
