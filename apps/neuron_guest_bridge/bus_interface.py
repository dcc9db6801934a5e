"""``org.neuronos.GuestBridge1``: what scripts and other programs of the session can ask.

The same interface stands, as a document, in ``resources/dbus/interfaces``; a test keeps both alike. Within
version 1 only additions are made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from libneuron.guest.api import GuestApp, GuestMode, Screenshot
from libneuron.guest.errors import GuestError
from libneuron.system.bus_object import Argument, Constant, Interface, Method, SignalKind, described
from neuron_guest_bridge.machines import Act, Machine, Snapshot

NAME = "org.neuronos.GuestBridge1"
PATH = "/org/neuronos/GuestBridge1"
_ACTS = (Act.START, Act.SHUTDOWN, Act.REBOOT, Act.SUSPEND, Act.POWER_OFF)
_VM = Argument("machine", "s")


class Asked(Protocol):
    """What the interface needs of :class:`~neuron_guest_bridge.fleet.Fleet`; the methods block."""

    snapshot: Snapshot

    def apps(self, machine: str) -> tuple[GuestApp, ...]:
        """See Fleet."""

    def launch(self, machine: str, path: str, name: str, args: Sequence[str] = ()) -> int:
        """See Fleet."""

    def modes(self, machine: str) -> tuple[tuple[GuestMode, ...], GuestMode]:
        """See Fleet."""

    def resize(self, machine: str, width: int, height: int) -> GuestMode:
        """See Fleet."""

    def screenshot(self, machine: str) -> Screenshot:
        """See Fleet."""

    def power(self, machine: str, act: str) -> None:
        """See Fleet."""

    def read_copy(self, machine: str, mime: str) -> bytes:
        """See Fleet."""

    def write_copy(self, machine: str, items: Mapping[str, bytes], *, secret: bool) -> None:
        """See Fleet."""


class _Verbs:
    """The methods, from plain values to plain values. Each raises GuestError."""

    def __init__(self, fleet: Asked, show: Callable[[str], None]) -> None:
        self._fleet = fleet
        self._show = show

    def _id(self, machine: str) -> str:
        """The id behind an id or a name; a name that two machines have is refused."""
        machines = self._fleet.snapshot.machines
        found = [item.id for item in machines if item.id == machine] or [
            item.id for item in machines if item.name == machine
        ]
        if not found:
            raise GuestError("guest.no-vm", vm=machine)
        if len(found) > 1:
            raise GuestError("guest.bad-value", problem=f"several machines are called “{machine}”")
        return found[0]

    def list_machines(self) -> Sequence[Any]:
        return ([described(_facts(machine)) for machine in self._fleet.snapshot.machines],)

    def list_applications(self, machine: str) -> Sequence[Any]:
        return ([[app.id, app.name, app.path] for app in self._fleet.apps(self._id(machine))],)

    def launch(self, machine: str, application: str, arguments: Sequence[str]) -> Sequence[Any]:
        return (self._fleet.launch(self._id(machine), application, application, list(arguments)),)

    def list_resolutions(self, machine: str) -> Sequence[Any]:
        modes, now = self._fleet.modes(self._id(machine))
        sizes = sorted({(mode.width, mode.height) for mode in modes})
        return ([list(size) for size in sizes], [now.width, now.height])

    def set_resolution(self, machine: str, width: int, height: int) -> Sequence[Any]:
        mode = self._fleet.resize(self._id(machine), width, height)
        return ([mode.width, mode.height],)

    def get_clipboard(self, machine: str, mime: str) -> Sequence[Any]:
        return (self._fleet.read_copy(self._id(machine), mime),)

    def set_clipboard(
        self,
        machine: str,
        items: Mapping[str, bytes],
        secret: bool,  # noqa: FBT001 — D-Bus knows no names
    ) -> Sequence[Any]:
        self._fleet.write_copy(self._id(machine), dict(items), secret=secret)
        return ()

    def screenshot(self, machine: str) -> Sequence[Any]:
        picture = self._fleet.screenshot(self._id(machine))
        return (picture.width, picture.height, picture.png)

    def power(self, machine: str, action: str) -> Sequence[Any]:
        if action not in _ACTS:
            raise GuestError("guest.bad-value", problem=f"“{action}” is none of {', '.join(_ACTS)}")
        self._fleet.power(self._id(machine), action)
        return ()

    def show_window(self, machine: str) -> Sequence[Any]:
        self._show(self._id(machine) if machine else "")
        return ()


def _facts(machine: Machine) -> dict[str, bool | str]:
    return {
        "id": machine.id,
        "name": machine.name,
        "power": machine.power.value,
        "connection": machine.state.value,
        "paired": machine.paired,
        "simulated": machine.simulated,
        "agent_version": machine.version,
        "clipboard": machine.clipboard.value,
    }


def interface(fleet: Asked, *, show: Callable[[str], None], program: str) -> Interface:
    """The interface over ``fleet``; ``show`` brings the window up, ``program`` is our version."""
    verbs = _Verbs(fleet, show)
    size = Argument("size", "(uu)")
    return Interface(
        NAME,
        PATH,
        "Guest Bridge: the virtual machines of this person's session, and what NeuronGuest does in them.\n"
        "A machine is named by its id (libvirt's UUID) or by its name. What the person does not allow a\n"
        "machine is refused here, too: org.neuronos.GuestBridge1.Error.GuestNotPermitted.",
        methods=(
            Method(
                "ListMachines",
                "All machines: id, name, power, connection, paired, simulated, agent_version, clipboard.",
                verbs.list_machines,
                gives=(Argument("machines", "aa{sv}"),),
            ),
            Method(
                "ListApplications",
                "The machine's applications: id, name, path there.",
                verbs.list_applications,
                (_VM,),
                (Argument("applications", "a(sss)"),),
            ),
            Method(
                "Launch",
                "Starts an application by its id or its path there; returns its process there. No shell is\n"
                "involved: each argument arrives as it is.",
                verbs.launch,
                (_VM, Argument("application", "s"), Argument("arguments", "as")),
                (Argument("process", "u"),),
            ),
            Method(
                "ListResolutions",
                "What the machine's display accepts, and its present size; in pixels, width and height.",
                verbs.list_resolutions,
                (_VM,),
                (Argument("sizes", "a(uu)"), Argument("present", "(uu)")),
            ),
            Method(
                "SetResolution",
                "Switches the display; returns the size that was read back.",
                verbs.set_resolution,
                (_VM, Argument("width", "u"), Argument("height", "u")),
                (size,),
            ),
            Method(
                "GetClipboard",
                "One format of what was copied in the machine, by its MIME type: text/plain;charset=utf-8,\n"
                "text/html, text/rtf, image/png.",
                verbs.get_clipboard,
                (_VM, Argument("mime", "s")),
                (Argument("content", "ay"),),
            ),
            Method(
                "SetClipboard",
                "Replaces the machine's clipboard by these formats of one copy, MIME type to content.\n"
                "secret: programs there are told not to keep it.",
                verbs.set_clipboard,
                (_VM, Argument("items", "a{say}"), Argument("secret", "b")),
            ),
            Method(
                "Screenshot",
                "A picture of the machine's desktop: width, height, PNG.",
                verbs.screenshot,
                (_VM,),
                (Argument("width", "u"), Argument("height", "u"), Argument("png", "ay")),
            ),
            Method(
                "Power",
                "start, shutdown, reboot, suspend, or power_off (which loses what is not saved there).",
                verbs.power,
                (_VM, Argument("action", "s")),
            ),
            Method(
                "ShowWindow",
                "Brings Guest Bridge's window up, with the machine chosen; empty: none in particular.",
                verbs.show_window,
                (_VM,),
            ),
        ),
        signals=(
            SignalKind("MachinesChanged", "Something in ListMachines is another."),
            SignalKind(
                "Activity",
                "Something crossed or was done; never any content. what: copy-offered, copy-crossed,\n"
                "copy-withheld, copy-failed, files-sent, launched, resized, power. way: to-guest, to-host.\n"
                "size: bytes, 0 where there is none.",
                (
                    Argument("machine_name", "s"),
                    Argument("what", "s"),
                    Argument("way", "s"),
                    Argument("mime_types", "as"),
                    Argument("size", "t"),
                ),
            ),
        ),
        constants=(
            Constant("Version", "The interface's version; it grows with additions.", "u", 1),
            Constant("Program", "Guest Bridge's version.", "s", program),
        ),
    )
