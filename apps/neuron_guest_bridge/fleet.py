"""All machines, watched and kept connected. Knows no Qt; listeners are called on its threads.

One thread does everything that may block on libvirt. Nothing here polls: libvirt tells of changes, and a
connected client sets no timers.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from libneuron.errors import NeuronError
from libneuron.guest.api import GuestApi, GuestApp, GuestMode, Screenshot
from libneuron.guest.clipboard.rules import Direction, Side
from libneuron.guest.errors import GuestError
from libneuron.guest.hypervisor.domains import ChannelState, Domain, Power
from libneuron.guest.permissions import PermissionStore
from libneuron.guest.state import State
from libneuron.guest.wire.requests import Permission
from libneuron.system.clock import Clock
from libneuron.system.paths import Paths
from neuron_guest_bridge.activity import Line, Way, What
from neuron_guest_bridge.machines import SIMULATED, Act, Listeners, Machine, Snapshot
from neuron_guest_bridge.sharing import FOLLOWS_WINDOW, OWNS_CLIPBOARD, Choices, with_direction

if TYPE_CHECKING:  # loaded on the fleet's thread, and only what the machines here need
    from libneuron.guest.checkup import Check
    from libneuron.guest.hypervisor.connection import Change, Hypervisor
    from libneuron.guest.keys import KeyStore, Pairing
    from libneuron.progress import Progress
    from libneuron.system.clipboard.model import Clipboard
    from neuron_guest_bridge.examination import Health
    from neuron_guest_bridge.handing_over import HandOver
    from neuron_guest_bridge.joining import Proof, Prospect, Stage
    from neuron_guest_bridge.link import Link, Surroundings
    from neuron_guest_bridge.simulation import Simulation
    from neuron_guest_bridge.subjects import SimulatedSubject, VmSubject

_log = logging.getLogger(__name__)
_T = TypeVar("_T")
_REMEMBERED = 500  # lines of activity
_PATIENCE = 60.0  # seconds for the fleet's own thread, which may be waiting for libvirt


class Fleet:
    """From :meth:`start` to :meth:`close`. Methods that block say so; the others return at once."""

    def __init__(
        self,
        where: Paths,
        *,
        uri: str,
        clock: Clock,
        host_clipboard: Callable[[], Clipboard],
        simulated_name: str,
    ) -> None:
        self._where = where
        self._uri = uri
        self._clock = clock
        self._host_clipboard = host_clipboard
        self._simulated_name = simulated_name
        self._permissions = PermissionStore(where.config / "guest")
        self._choices = Choices(where.config / "guest" / "choices")
        self._hypervisor: Hypervisor | None = None
        self._keys: KeyStore | None = None
        self._around: Surroundings | None = None
        self._making = threading.Lock()
        self._simulation: Simulation | None = None
        self._links: dict[str, Link] = {}
        self._domains: dict[str, Domain] = {}
        self._problem: NeuronError | None = None
        self._looked = False
        self._lines: deque[Line] = deque(maxlen=_REMEMBERED)
        self._listeners: Listeners | None = None
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="fleet", daemon=True)
        self._looking = threading.Event()
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

    # -- what a person can do; these block ---------------------------------------------------------

    def ask(self, machine: str, work: Callable[[GuestApi], Awaitable[_T]]) -> _T:
        """Ask a machine's agent. Raises: GuestError."""
        return self._link(machine).ask(work)

    def apps(self, machine: str) -> tuple[GuestApp, ...]:
        """A machine's applications, with icons. Raises: GuestError."""
        return self.ask(machine, lambda api: api.apps(icons=True))

    def modes(self, machine: str) -> tuple[tuple[GuestMode, ...], GuestMode]:
        """The modes of a machine's display, and the present one. Raises: GuestError."""
        return self.ask(machine, lambda api: api.modes())

    def launch(self, machine: str, path: str, name: str) -> int:
        """Start an application; returns its process there. Raises: GuestError."""
        pid = self.ask(machine, lambda api: api.launch(path))
        self._note(machine, What.LAUNCHED, Way.TO_GUEST, detail=name)
        return pid

    def resize(self, machine: str, width: int, height: int) -> GuestMode:
        """Switch the display; returns the mode read back. Raises: GuestError."""
        mode = self.ask(machine, lambda api: api.set_resolution(width, height))
        self._note(machine, What.RESIZED, Way.TO_GUEST, detail=f"{mode.width}x{mode.height}")
        return mode

    def set_direction(self, machine: str, direction: Direction) -> None:
        """Which copies may cross. Raises: GuestError."""
        self._allow(machine, lambda allowed: with_direction(allowed, direction))

    def permit(self, machine: str, permission: Permission, *, on: bool) -> None:
        """Let a machine do something, or no longer. Raises: GuestError."""
        self._allow(machine, lambda allowed: allowed | {permission} if on else allowed - {permission})

    def _allow(self, machine: str, change: Callable[[frozenset[Permission]], frozenset[Permission]]) -> None:
        with self._permitting:  # two changes at once must not undo each other
            allowed = change(self._permissions.get(machine))
            self._permissions.set(machine, allowed)
            link = self._links.get(machine)
            if link is not None:
                link.tell_permissions()
        self._do(self._publish)

    def send_copy(self, machine: str, source: Side) -> None:
        """Offer what is on one clipboard now on the other. Raises: GuestError."""
        self._link(machine).clipboard().send(source)

    def hand_copy(self, machine: str, items: Mapping[str, bytes], *, secret: bool) -> None:
        """By hand: offer what was copied here. Raises: GuestError."""
        self._link(machine).clipboard().hand(items, secret=secret)

    def take_copy(self, machine: str) -> Mapping[str, bytes]:
        """By hand: fetch what was copied there. Raises: GuestError, ClipboardError."""
        return self._link(machine).clipboard().take()

    def own_clipboard(self, machine: str, *, own: bool) -> None:
        """Share the clipboard although another program does too, or stand back. Raises: GuestError."""
        self._link(machine).own_clipboard(own=own)
        self._do(self._publish)

    def follow(self, machine: str, *, on: bool) -> None:
        """Have the display follow Looking Glass' window, or no longer. Raises: GuestError."""
        self._link(machine).follow(on=on)
        self._do(self._publish)

    def health(self, machine: str) -> Health:
        """How a machine is now. Raises: GuestError."""
        from neuron_guest_bridge import examination

        return self.ask(machine, examination.health)

    def examine(self, machine: str) -> tuple[Check, ...]:
        """The check-up of a machine. Raises: GuestError if it is gone."""
        from libneuron.guest.checkup import judge
        from neuron_guest_bridge import examination

        found = self.snapshot.find(machine)
        if found is None:
            raise GuestError("guest.no-vm", vm=machine)
        return judge(examination.of_machine(found, self.snapshot.problem, self._links.get(machine)))

    def screenshot(self, machine: str) -> Screenshot:
        """A picture of the machine's desktop. Raises: GuestError."""
        return self.ask(machine, lambda api: api.screenshot())

    def prospect(self, machine: str) -> Prospect:
        """What pairing a machine would come to. Raises: GuestError."""
        return self._subject(machine).prospect()

    def pair(
        self,
        machine: str,
        way: HandOver,
        *,
        add_channel: bool,
        told: Callable[[Stage, NeuronError | None], None],
        progress: Progress,
    ) -> Proof:
        """Pair a machine; blocks until it works. Raises: GuestError, Cancelled."""
        from neuron_guest_bridge import joining

        return joining.pair(
            self._subject(machine), way, add_channel=add_channel, told=told, progress=progress
        )

    def pairing(self, machine: str) -> Pairing | None:
        """A machine's keys, if it has some. Raises: GuestError."""
        subject = self._subject(machine)
        return next((item for item in subject.store.list() if item.vm == subject.vm), None)

    def forget(self, machine: str) -> None:
        """Forget a machine's keys: it can no longer connect. Raises: GuestError."""
        subject = self._subject(machine)
        subject.store.revoke(machine)
        subject.reconnect()

    def power(self, machine: str, act: str) -> None:
        """One of :class:`Act`. Raises: GuestError."""
        if machine == SIMULATED:
            self.stop_simulation()
            return
        domain = self._domains.get(machine)
        if domain is None:
            raise GuestError("guest.no-vm", vm=machine)
        vms = self._vms()
        {
            Act.START: vms.start,
            Act.SHUTDOWN: vms.shutdown,
            Act.REBOOT: vms.reboot,
            Act.SUSPEND: vms.suspend,
            Act.POWER_OFF: vms.power_off,
        }[act](domain)
        self._note(machine, What.POWER, Way.TO_GUEST, detail=act)
        self.look()

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
        self._do(self._publish)

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
        self._do(self._publish)

    def close(self) -> None:
        """Disconnect from everything. Blocks for moments; a libvirt that hangs is left behind."""
        self._listeners = None
        self.stop_simulation()
        self._work.put(None)
        self._thread.join(2)
        for link in list(self._links.values()):
            link.close()
        self._links.clear()
        if not self._thread.is_alive() and self._hypervisor is not None:
            self._hypervisor.close()
        if self._around is not None:
            self._around.io.close()

    # -- on the fleet's thread ---------------------------------------------------------------------

    def _do(self, work: Callable[[], None]) -> None:
        self._work.put(work)

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            work()

    def _watch(self) -> None:
        def told(_change: Change) -> None:
            self.look()

        try:
            self._vms().watch(told)
        except NeuronError as error:
            self._problem = error
        self._look()

    def _look(self) -> None:
        self._looking.clear()
        try:
            self._domains = {domain.uuid: domain for domain in self._vms().domains()}
            self._problem = None
        except NeuronError as error:
            self._problem = error
        self._looked = True
        self._connect()
        self._publish()

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

    def _publish(self) -> None:
        machines = [self._with_link(self._machine(domain)) for domain in self._domains.values()]
        if self._simulation is not None:
            made = Machine(
                id=SIMULATED,
                name=self._simulated_name,
                power=Power.RUNNING,
                channel=ChannelState.CONNECTED,
                paired=bool(self._simulation.store.candidates(SIMULATED)),
                simulated=True,
            )
            machines.append(self._with_link(self._permitted(made)))
        self.snapshot = Snapshot(
            tuple(machines), self._problem, looked=self._looked, simulating=self._simulation is not None
        )
        listeners = self._listeners
        if listeners is not None:
            listeners.changed(self.snapshot)
        with self._news:
            self._news.notify_all()

    def _machine(self, domain: Domain) -> Machine:
        return self._permitted(
            Machine(
                id=domain.uuid,
                name=domain.name,
                power=domain.power,
                channel=domain.channel,
                paired=bool(self._store().candidates(domain.uuid)),
            )
        )

    def _permitted(self, machine: Machine) -> Machine:
        """With what it may do; one whose file is broken may do nothing, and says so."""
        try:
            return replace(machine, allowed=self._permissions.get(machine.id))
        except NeuronError as error:
            return replace(machine, allowed=frozenset(), state=State.FAILED, problem=error)

    def _with_link(self, machine: Machine) -> Machine:
        link = self._links.get(machine.id)
        if link is None:
            return machine
        client, shared = link.client, link.shared
        broken = machine.problem is not None  # a session that began before goes on, without what needs leave
        return replace(
            machine,
            state=State.FAILED if broken else client.state,
            problem=machine.problem or client.problem,
            version=str(client.hello.get("version", ""))[:32],
            sharing=link.sharing,
            manual=shared.manual,
            rivals=shared.rivals,
            standing_back=shared.standing_back,
            owns_clipboard=self._choices.get(machine.id, OWNS_CLIPBOARD),
            can_follow=link.watching,
            follows=self._choices.get(machine.id, FOLLOWS_WINDOW),
            follow_said=link.following.said,
        )

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

    def _subject(self, machine: str) -> VmSubject | SimulatedSubject:
        from neuron_guest_bridge.subjects import Bonds, SimulatedSubject, VmSubject

        def reconnect() -> None:
            done = threading.Event()
            self._do(lambda: self._reconnect(machine))
            self._do(done.set)
            done.wait(_PATIENCE)

        def wait(seconds: float) -> None:
            with self._news:
                self._news.wait(seconds)
            found = self.snapshot.find(machine)
            if found is None or found.power is Power.OFF:
                raise GuestError("guest.vm-off", vm=found.name if found else machine)

        bonds = Bonds(lambda: self._links.get(machine), reconnect, wait)
        simulation = self._simulation
        if machine == SIMULATED and simulation is not None:
            return SimulatedSubject(simulation, self._simulated_name, bonds)
        domain = self._domains.get(machine)
        if domain is None:
            raise GuestError("guest.no-vm", vm=machine)
        where = self._where
        return VmSubject(
            self._vms(), domain, self._store(), bonds, state=where.state, resources=where.resources
        )

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

    def _surroundings(self) -> Surroundings:
        with self._making:
            if self._around is None:
                from libneuron.system.loop import LoopThread
                from neuron_guest_bridge.link import Surroundings

                self._around = Surroundings(
                    io=LoopThread(),
                    clock=self._clock,
                    permissions=self._permissions,
                    choices=self._choices,
                    runtime=self._where.runtime,
                    spool=self._where.cache / "clipboard",
                    host_clipboard=self._host_clipboard,
                    changed=lambda _machine: self._do(self._publish),
                    happened=self._happened,
                )
            return self._around

    def _link(self, machine: str) -> Link:
        link = self._links.get(machine)
        if link is None:
            found = self.snapshot.find(machine)
            raise GuestError("guest.vm-off", vm=found.name if found else machine)
        return link

    def _note(self, machine: str, what: What, way: Way, *, detail: str) -> None:
        found = self.snapshot.find(machine)
        name = found.name if found else machine
        self._happened(Line(self._clock.now(), name, what, way, detail=detail))

    def _happened(self, line: Line) -> None:
        self._lines.append(line)
        listeners = self._listeners
        if listeners is not None:
            listeners.happened(line)
