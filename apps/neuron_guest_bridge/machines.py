"""The machines as a window or tray shows them: one value for all, made anew at each change. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from libneuron.errors import NeuronError
from libneuron.guest.clipboard.rules import Direction, Rival
from libneuron.guest.hypervisor.domains import ChannelState, Power
from libneuron.guest.permissions import DEFAULT
from libneuron.guest.resolution import Say, Size
from libneuron.guest.state import State
from libneuron.guest.wire.requests import Permission
from neuron_guest_bridge.activity import Line, Moving
from neuron_guest_bridge.sharing import direction_of

SIMULATED = "simulated"
"""The id of the simulated machine."""


class Act:
    """What can be done to a machine's power; the names are those of the hypervisor's methods."""

    START = "start"
    SHUTDOWN = "shutdown"
    REBOOT = "reboot"
    SUSPEND = "suspend"
    POWER_OFF = "power_off"
    SCREEN = "screen"
    """The one that changes nothing: see its screen."""


@dataclass(frozen=True)
class Machine:
    """One machine. ``state`` and ``problem`` are the connection's.

    ``allowed``: what the person lets it do,
    ``in_menu``: its applications are in this desktop's menu, ``recent``: paths of those started last,
    ``favourites``: of those the person likes best,
    ``sharing``: its clipboard is connected, ``manual``: by the person's hand only, ``rivals``: who shares it
    too, ``standing_back``: instead of us, ``owns_clipboard``: we are to share it all the same. ``follows``:
    its display is to follow Looking Glass' window, ``follow_said``: why it does not, ``locked``: its screen.
    ``viewer``: a program is there that can show its screen, ``starting``: it was switched on just now.
    ``session`` ("active", "locked", "none") and ``screen``'s size are what it told of its own accord so far.
    """

    id: str
    name: str
    power: Power
    channel: ChannelState
    paired: bool
    state: State = State.STOPPED
    problem: NeuronError | None = None
    version: str = ""
    simulated: bool = False
    allowed: frozenset[Permission] = DEFAULT
    in_menu: bool = False
    recent: tuple[str, ...] = ()
    favourites: tuple[str, ...] = ()
    sharing: bool = False
    manual: bool = False
    rivals: frozenset[Rival] = frozenset()
    standing_back: bool = False
    owns_clipboard: bool = False
    can_follow: bool = False
    follows: bool = False
    follow_said: Say | None = None
    locked: bool = False
    session: str = ""
    screen: Size | None = None
    viewer: bool = False
    starting: bool = False

    @property
    def clipboard(self) -> Direction:
        """Which copies may cross."""
        return direction_of(self.allowed)

    @property
    def wants_pairing(self) -> bool:
        """Whether pairing is what it needs next."""
        if self.power is not Power.RUNNING or self.channel is ChannelState.NEEDS_RESTART:
            return False
        return self.channel is ChannelState.MISSING or not self.paired or self.state is State.NOT_PAIRED

    @property
    def ready(self) -> bool:
        """Whether the agent can be asked."""
        return self.state is State.READY

    @property
    def reachable(self) -> bool:
        """Whether it makes sense to connect."""
        there = self.channel in (ChannelState.CONNECTED, ChannelState.DISCONNECTED)
        return self.paired and there and self.power in (Power.RUNNING, Power.PAUSED, Power.STOPPING)

    @property
    def acts(self) -> tuple[str, ...]:
        """What its power allows now, most usual first."""
        if self.simulated:
            return (Act.SHUTDOWN,)
        if self.power in (Power.OFF, Power.CRASHED, Power.SUSPENDED, Power.PAUSED):
            more = () if self.power in (Power.OFF, Power.CRASHED) else (Act.POWER_OFF,)
            return (Act.START, *more)
        if self.power is Power.RUNNING:
            screen = (Act.SCREEN,) if self.viewer else ()
            return (Act.SHUTDOWN, *screen, Act.REBOOT, Act.SUSPEND, Act.POWER_OFF)
        return (Act.POWER_OFF,)


@dataclass(frozen=True)
class Snapshot:
    """Everything at one moment. ``looked``: libvirt was asked; ``problem``: why it did not answer."""

    machines: tuple[Machine, ...] = ()
    problem: NeuronError | None = None
    looked: bool = False
    simulating: bool = field(default=False)

    def find(self, machine: str) -> Machine | None:
        """The machine with this id."""
        return next((item for item in self.machines if item.id == machine), None)


@dataclass(frozen=True)
class Listeners:
    """Called on the fleet's threads: with all machines, with each line of activity, and with what
    begins to cross. Must be quick."""

    changed: Callable[[Snapshot], None]
    happened: Callable[[Line], None]
    moving: Callable[[Moving], None] = lambda _moving: None
