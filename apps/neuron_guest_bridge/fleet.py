"""What a person can do with the machines that :mod:`.watching` keeps connected. Knows no Qt."""

from __future__ import annotations

import base64
import binascii
import contextlib
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from libneuron.errors import NeuronError
from libneuron.guest.api import GuestApi, GuestApp, GuestMode, Screenshot
from libneuron.guest.clipboard.rules import Direction, Side
from libneuron.guest.errors import GuestError
from libneuron.guest.hypervisor.domains import Power
from libneuron.guest.wire.requests import Permission
from neuron_guest_bridge.activity import Line, Way, What
from neuron_guest_bridge.machines import SIMULATED, Act
from neuron_guest_bridge.sharing import with_direction
from neuron_guest_bridge.watching import Watching

if TYPE_CHECKING:  # loaded on the fleet's thread, and only what the machines here need
    from libneuron.guest.checkup import Check
    from libneuron.guest.keys import Pairing
    from libneuron.progress import Progress
    from neuron_guest_bridge.examination import Health
    from neuron_guest_bridge.handing_over import HandOver
    from neuron_guest_bridge.joining import Proof, Prospect, Stage
    from neuron_guest_bridge.subjects import FileSubject, VmSubject

_T = TypeVar("_T")
_PATIENCE = 60.0  # seconds for the fleet's own thread, which may be waiting for libvirt


def icon_of(app: GuestApp) -> bytes:
    """An application's icon as it came, empty where it is none; what is in it is checked by who uses it."""
    try:
        return base64.b64decode(app.icon, validate=True)
    except (binascii.Error, ValueError):
        return b""


class Fleet(Watching):
    """Methods that block say so; the others return at once."""

    def ask(self, machine: str, work: Callable[[GuestApi], Awaitable[_T]]) -> _T:
        """Ask a machine's agent. Raises: GuestError."""
        return self._link(machine).ask(work)

    def apps(self, machine: str) -> tuple[GuestApp, ...]:
        """A machine's applications, with icons. Raises: GuestError."""
        return self.ask(machine, lambda api: api.apps(icons=True))

    def modes(self, machine: str) -> tuple[tuple[GuestMode, ...], GuestMode]:
        """The modes of a machine's display, and the present one. Raises: GuestError."""
        return self.ask(machine, lambda api: api.modes())

    def launch(self, machine: str, path: str, name: str, args: Sequence[str] = ()) -> int:
        """Start an application; returns its process there. Raises: GuestError."""
        pid = self.ask(machine, lambda api: api.launch(path, args))
        self._note(machine, What.LAUNCHED, Way.TO_GUEST, detail=name)
        with contextlib.suppress(OSError):  # the application runs; only the list of the last ones is older
            self._recent.add(machine, path)
        self._publish_soon()
        return pid

    def send_files(self, machine: str, paths: Sequence[Path], progress: Progress) -> None:
        """Send files and folders into a machine's folder of downloads. Blocks.

        Raises: GuestError; Cancelled after ``progress.cancel()``, and then nothing has arrived.
        """
        self._link(machine).send_files(paths, progress)
        self._note(machine, What.FILES_SENT, Way.TO_GUEST, size=progress.view().done)

    def favour(self, machine: str, path: str, *, on: bool) -> None:
        """An application is a favourite from now on, or no longer. Raises: GuestError."""
        try:
            self._favourites.mark(machine, path, on=on)
        except OSError as error:
            raise GuestError("guest.not-written", path=error.filename or "", details=str(error)) from error
        self._do(self._publish)

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
        self._publish_soon()

    def export_menu(self, machine: str) -> int:
        """Put a machine's applications into this desktop's menu; returns how many. Raises: GuestError."""
        from libneuron.guest import menu

        apps = [menu.MenuApp(app.id, app.name, icon=icon_of(app)) for app in self.apps(machine)]
        found = self.snapshot.find(machine)
        name = found.name if found is not None else machine
        try:
            made = menu.export(self._menu, vm=machine, vm_name=name, apps=apps)
        except OSError as error:
            raise GuestError("guest.not-written", path=error.filename or "", details=str(error)) from error
        self._publish_soon()
        return len(made)

    def leave_menu(self, machine: str) -> None:
        """Take a machine's applications out of this desktop's menu. Raises: GuestError."""
        from libneuron.guest import menu

        try:
            menu.remove(self._menu, vm=machine)
        except OSError as error:
            raise GuestError("guest.not-written", path=error.filename or "", details=str(error)) from error
        self._publish_soon()

    def send_copy(self, machine: str, source: Side) -> None:
        """Offer what is on one clipboard now on the other. Raises: GuestError."""
        self._link(machine).clipboard().send(source)

    def hand_copy(self, machine: str, items: Mapping[str, bytes], *, secret: bool) -> None:
        """By hand: offer what was copied here. Raises: GuestError."""
        self._link(machine).clipboard().hand(items, secret=secret)

    def take_copy(self, machine: str) -> Mapping[str, bytes]:
        """By hand: fetch what was copied there. Raises: GuestError, ClipboardError."""
        return self._link(machine).clipboard().take()

    def read_copy(self, machine: str, mime: str) -> bytes:
        """One format of what was copied in a machine. Raises: GuestError."""
        link = self._link(machine)

        async def read(api: GuestApi) -> bytes:
            offer = await api.clipboard_offer()
            if offer.secret and Permission.SECRETS not in link.allowed():
                raise GuestError("guest.not-permitted", vm=link.name, verb="secrets")
            return await api.clipboard_read(mime)

        return link.ask(read)

    def write_copy(self, machine: str, items: Mapping[str, bytes], *, secret: bool) -> None:
        """Replace a machine's clipboard. Raises: GuestError."""
        self.ask(machine, lambda api: api.set_clipboard(items, secret=secret))

    def own_clipboard(self, machine: str, *, own: bool) -> None:
        """Share the clipboard although another program does too, or stand back. Raises: GuestError."""
        self._link(machine).own_clipboard(own=own)
        self._publish_soon()

    def follow(self, machine: str, *, on: bool) -> None:
        """Have the display follow Looking Glass' window, or no longer. Raises: GuestError."""
        self._link(machine).follow(on=on)
        self._publish_soon()

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
        self.leave_menu(machine)  # its entries could start nothing any more

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

    def show_screen(self, machine: str) -> bool:
        """Open a machine's screen; whether a program is there for it. Raises: NeuronError."""
        domain = self._domains.get(machine)
        if domain is None:
            raise GuestError("guest.no-vm", vm=machine)
        return self._screens.show(domain)

    def _subject(self, machine: str) -> VmSubject | FileSubject:
        from libneuron.guest.wire.content import ENROLMENT_FILE
        from neuron_guest_bridge.handing_over import file_of
        from neuron_guest_bridge.subjects import Bonds, FileSubject, VmSubject

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
            file = simulation.folder / "guest" / ENROLMENT_FILE  # where a person would copy it
            return FileSubject(SIMULATED, self._simulated_name, simulation.store, bonds, file=file)
        domain = self._domains.get(machine)
        if domain is None:
            raise GuestError("guest.no-vm", vm=machine)
        where = self._where
        return VmSubject(
            self._vms(),
            domain,
            self._store(),
            bonds,
            leftovers=self._leftovers(),
            resources=where.resources,
            file=file_of(where.state, machine),
        )

    def _note(self, machine: str, what: What, way: Way, *, detail: str = "", size: int | None = None) -> None:
        found = self.snapshot.find(machine)
        name = found.name if found else machine
        self._happened(Line(self._clock.now(), name, what, way, size=size, detail=detail))
