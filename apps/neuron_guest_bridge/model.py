"""The fleet as Qt sees it: its news as queued signals, its blocking calls as tasks off the GUI thread."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from PySide6.QtCore import QObject, Qt, Signal, Slot

from libneuron.errors import NeuronError
from libneuron.guest.api import GuestApp, GuestMode, Screenshot
from libneuron.guest.clipboard.rules import Direction, Side
from libneuron.guest.menu import printable
from libneuron.guest.wire.requests import Permission
from libneuron.ui.tasks import Task, tasks
from neuron_guest_bridge.activity import Line
from neuron_guest_bridge.machines import Listeners, Snapshot

if TYPE_CHECKING:
    from libneuron.guest.checkup import Check
    from libneuron.guest.keys import Pairing
    from libneuron.progress import Progress
    from neuron_guest_bridge.examination import Health
    from neuron_guest_bridge.handing_over import HandOver
    from neuron_guest_bridge.joining import Proof, Prospect, Stage

_T = TypeVar("_T")
_NAME = 200  # characters of an application's


def _line(text: str) -> str:
    return " ".join(printable(text).split())[:_NAME]


def in_order(apps: Iterable[GuestApp]) -> tuple[GuestApp, ...]:
    """By name, in one line each: a guest may name them as it likes. Not for Qt's thread: they may be many."""
    named = [replace(app, name=_line(app.name) or _line(app.path) or "?") for app in apps]
    return tuple(sorted(named, key=lambda app: app.name.casefold()))


Modes = tuple[tuple[GuestMode, ...], GuestMode]


class Machines(Protocol):
    """What the faces need of :class:`~neuron_guest_bridge.fleet.Fleet`; the methods may block."""

    snapshot: Snapshot

    @property
    def lines(self) -> tuple[Line, ...]:
        """What happened, oldest first."""

    def start(self, listeners: Listeners) -> None:
        """Begin to tell; returns at once."""

    def look(self) -> None:
        """Look again; returns at once."""

    def apps(self, machine: str) -> tuple[GuestApp, ...]:
        """A machine's applications."""

    def modes(self, machine: str) -> Modes:
        """The modes of its display, and the present one."""

    def launch(self, machine: str, path: str, name: str) -> int:
        """Start an application."""

    def send_files(self, machine: str, paths: Sequence[Path], progress: Progress) -> None:
        """Send files into its folder of downloads."""

    def favour(self, machine: str, path: str, *, on: bool) -> None:
        """Have an application among the favourites, or no longer."""

    def resize(self, machine: str, width: int, height: int) -> GuestMode:
        """Switch the display; the mode that was read back."""

    def set_direction(self, machine: str, direction: Direction) -> None:
        """Which copies may cross."""

    def export_menu(self, machine: str) -> int:
        """Put its applications into this desktop's menu."""

    def leave_menu(self, machine: str) -> None:
        """Take them out again."""

    def send_copy(self, machine: str, source: Side) -> None:
        """Offer one clipboard on the other."""

    def hand_copy(self, machine: str, items: Mapping[str, bytes], *, secret: bool) -> None:
        """By hand: offer what was copied here."""

    def take_copy(self, machine: str) -> Mapping[str, bytes]:
        """By hand: fetch what was copied there."""

    def own_clipboard(self, machine: str, *, own: bool) -> None:
        """Share the clipboard although another program does too, or stand back."""

    def follow(self, machine: str, *, on: bool) -> None:
        """Have the display follow Looking Glass' window."""

    def permit(self, machine: str, permission: Permission, *, on: bool) -> None:
        """Let it do something, or no longer."""

    def pairing(self, machine: str) -> Pairing | None:
        """Its keys, if it has some."""

    def prospect(self, machine: str) -> Prospect:
        """What pairing it would come to."""

    def pair(
        self,
        machine: str,
        way: HandOver,
        *,
        add_channel: bool,
        told: Callable[[Stage, NeuronError | None], None],
        progress: Progress,
    ) -> Proof:
        """Pair it."""

    def forget(self, machine: str) -> None:
        """Forget its keys."""

    def health(self, machine: str) -> Health:
        """How it is now."""

    def examine(self, machine: str) -> tuple[Check, ...]:
        """Its check-up."""

    def screenshot(self, machine: str) -> Screenshot:
        """A picture of its desktop."""

    def power(self, machine: str, act: str) -> None:
        """Change its power."""

    def show_screen(self, machine: str) -> bool:
        """Open its screen; whether there is a program for it."""

    def simulate(self) -> None:
        """Start the simulated guest."""


class Model(QObject):
    """Belongs to Qt's thread."""

    changed = Signal()
    """:attr:`snapshot` is another one."""
    happened = Signal(object)
    """A line of activity was added."""
    moving = Signal(object)
    """Something begins to cross: a :class:`Moving`."""
    apps_changed = Signal()
    """:attr:`apps` has other applications."""
    wanted = Signal(str)
    """Another program wants the window, with this machine (or "")."""
    _told = Signal(object)
    _heard = Signal(object)
    _asked = Signal(str)
    _begun = Signal(object)

    def __init__(self, machines: Machines) -> None:
        super().__init__()
        self.machines = machines
        self.snapshot = machines.snapshot
        self.apps: dict[str, tuple[GuestApp, ...]] = {}
        self.apps_problem: dict[str, NeuronError] = {}
        self._asking: dict[str, bool] = {}  # of which machines; whether to ask again afterwards
        queued = Qt.ConnectionType.QueuedConnection
        self._told.connect(self._take, queued)
        self._heard.connect(self._hear, queued)
        self._asked.connect(self.wanted, queued)
        self._begun.connect(self.moving, queued)
        machines.start(Listeners(self._told.emit, self._heard.emit, self._begun.emit))

    @Slot(object)
    def _take(self, snapshot: Snapshot) -> None:
        if snapshot == self.snapshot:
            return
        before, self.snapshot = self.snapshot, snapshot
        was_ready = {machine.id for machine in before.machines if machine.ready}
        ready = {machine.id for machine in snapshot.machines if machine.ready}
        for gone in was_ready - ready:
            self.apps.pop(gone, None)
            self.apps_problem.pop(gone, None)
        could = {m.id for m in before.machines if m.ready and Permission.LAUNCH in m.allowed}
        can = {m.id for m in snapshot.machines if m.ready and Permission.LAUNCH in m.allowed}
        there = {m.id for m in snapshot.machines if m.session == "active"}
        signed_in = there - {m.id for m in before.machines if m.session == "active"}
        for come in (ready - was_ready) | ((can ^ could) | signed_in) & ready:
            self.fetch_apps(come)
        self.changed.emit()

    def fetch_apps(self, machine: str) -> None:
        """Ask a machine for its applications; :attr:`apps_changed` follows, if they are others.

        One question at a time: a machine that gives reason to ask without end is asked once more.
        """

        if machine in self._asking:
            self._asking[machine] = True
            return
        self._asking[machine] = False
        known = self.apps.get(machine, ())

        def asked() -> tuple[GuestApp, ...]:
            apps = in_order(self.machines.apps(machine))
            return known if apps == known else apps

        def told(apps: tuple[GuestApp, ...]) -> None:
            problem = self.apps_problem.pop(machine, None)
            before, self.apps[machine] = self.apps.get(machine), apps
            if before is not apps or problem is not None:
                self.apps_changed.emit()
            again()

        def failed(error: NeuronError) -> None:
            self.apps.pop(machine, None)
            self.apps_problem[machine] = error
            self.apps_changed.emit()
            again()

        def again() -> None:
            if self._asking.pop(machine):
                self.fetch_apps(machine)

        self.run(asked, owner=self, done=told, failed=failed)

    @Slot(object)
    def _hear(self, line: Line) -> None:
        self.happened.emit(line)

    def want(self, machine: str) -> None:
        """Ask for the window; from any thread."""
        self._asked.emit(machine)

    @staticmethod
    def run(
        work: Callable[[], _T],
        *,
        owner: QObject,
        done: Callable[[_T], object],
        failed: Callable[[NeuronError], object],
    ) -> Task:
        """Run a blocking call off Qt's thread."""
        return tasks().start(lambda _progress: work(), owner=owner, done=done, failed=failed)
