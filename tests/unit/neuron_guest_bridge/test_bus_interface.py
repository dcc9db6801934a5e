"""The D-Bus service as a script meets it: a private bus, a real agent behind it."""

from __future__ import annotations

import os
import queue
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from libneuron.guest.errors import GuestError
from libneuron.guest.hypervisor import opening
from libneuron.guest.hypervisor.connection import Hypervisor
from libneuron.guest.wire.requests import Permission
from libneuron.system.bus import Bus, Signal
from libneuron.system.bus_object import Argument, BusObject, Interface, Method, SignalKind, introspection
from libneuron.system.clipboard.errors import ClipboardError
from libneuron.system.clipboard.model import Clipboard
from libneuron.system.clock import RealClock
from libneuron.system.errors import SystemAccessError
from libneuron.system.notifications import Note
from libneuron.system.paths import below
from neuron_guest_bridge.activity import Line
from neuron_guest_bridge.bus_interface import NAME, PATH, interface
from neuron_guest_bridge.fleet import Fleet
from neuron_guest_bridge.machines import SIMULATED, Listeners, Snapshot
from neuron_guest_bridge.on_bus import OnBus

ROOT = Path(__file__).resolve().parents[3]
DOCUMENT = ROOT / "resources/dbus/interfaces/org.neuronos.GuestBridge1.xml"
TEXT = "text/plain;charset=utf-8"
_NOTIFY = ("s", "u", "s", "s", "s", "as", "a{sv}", "i")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    daemon = subprocess.Popen(
        ["dbus-daemon", "--session", "--nofork", "--print-address"], stdout=subprocess.PIPE, text=True
    )
    assert daemon.stdout is not None
    yield daemon.stdout.readline().strip()
    daemon.terminate()
    daemon.wait(10)
    daemon.stdout.close()


def _no_clipboard() -> Clipboard:
    raise ClipboardError("clipboard.unavailable")


def _no_libvirt(_uri: str) -> Hypervisor:
    raise GuestError("guest.no-libvirt-library")


class Script:
    """A fleet on the bus, and another program that calls it."""

    def __init__(self, folder: Path, address: str) -> None:
        self.shown: queue.Queue[str] = queue.Queue()
        self.heard: queue.Queue[Signal] = queue.Queue()
        ready, opened = threading.Event(), threading.Event()

        def changed(snapshot: Snapshot) -> None:
            found = snapshot.find(SIMULATED)
            if found is not None and found.ready:
                ready.set()
            if opened.is_set():
                self.served.machines_changed()

        def happened(line: Line) -> None:
            self.served.happened(line)

        self.fleet = Fleet(
            below(folder),
            uri="test:///default",
            clock=RealClock(),
            host_clipboard=_no_clipboard,
            simulated_name="Simulated machine",
        )
        served = interface(self.fleet, show=self.shown.put, program="0.1.0")
        self.served = OnBus(self.fleet.io, served, opened=opened.set)
        self.fleet.start(Listeners(changed, happened))
        self.fleet.simulate()
        assert ready.wait(60)
        assert opened.wait(60)
        self._bus = self.fleet.io.wait(Bus.open(address=address))
        self.fleet.io.wait(self._bus.subscribe(f"type='signal',interface='{NAME}'", self.heard.put))

    def call(self, member: str, signature: str = "", *body: Any) -> tuple[Any, ...]:
        """Call a method as another program."""
        return self.fleet.io.wait(self._bus.call(NAME, PATH, NAME, member, signature, body))

    def refusal(self, member: str, signature: str = "", *body: Any) -> str:
        """The D-Bus error of a call that fails."""
        with pytest.raises(SystemAccessError) as refused:
            self.call(member, signature, *body)
        return refused.value.details

    def property(self, name: str) -> Any:
        """A property's value."""
        return self.fleet.io.wait(self._bus.get(NAME, PATH, NAME, name))

    def close(self) -> None:
        self.fleet.io.wait(self._bus.close())
        self.served.close()
        self.fleet.close()


@pytest.fixture
def script(tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Script]:
    monkeypatch.setattr(opening, "hypervisor", _no_libvirt)
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
    made = Script(tmp_path, address)
    yield made
    made.close()


def test_a_script_lists_machines_and_applications_and_starts_one(script: Script) -> None:
    ((machine,),) = script.call("ListMachines")
    assert (machine["id"], machine["name"]) == (SIMULATED, "Simulated machine")
    assert (machine["connection"], machine["paired"], machine["agent_version"]) == ("ready", True, "0.1.0")
    (apps,) = script.call("ListApplications", "s", "Simulated machine")
    assert [app[0] for app in apps] == ["notes", "paint", "files"]
    (process,) = script.call("Launch", "ssas", SIMULATED, "notes", ["a b", "$(id)"])
    assert process > 0
    titles = [window.title for window in script.fleet.ask(SIMULATED, lambda api: api.windows())]
    assert titles == ["Notes (simulated) a b $(id)"]


def test_a_script_changes_the_resolution_and_takes_a_picture(script: Script) -> None:
    sizes, present = script.call("ListResolutions", "s", SIMULATED)
    assert [1920, 1080] in sizes
    assert present == [1280, 800]
    assert script.call("SetResolution", "suu", SIMULATED, 1920, 1080) == ([1920, 1080],)
    width, height, png = script.call("Screenshot", "s", SIMULATED)
    assert (width, height, png[:4]) == (1920, 1080, b"\x89PNG")


def test_a_script_writes_and_reads_the_clipboard(script: Script) -> None:
    text = "שלום 🙂".encode()
    script.call("SetClipboard", "sa{say}b", SIMULATED, {TEXT: text}, False)
    assert script.call("GetClipboard", "ss", SIMULATED, TEXT) == (text,)


def test_secrets_stay_in_the_machine_until_they_are_allowed(script: Script) -> None:
    script.call("SetClipboard", "sa{say}b", SIMULATED, {TEXT: b"hunter2"}, True)
    assert f"{NAME}.Error.GuestNotPermitted" in script.refusal("GetClipboard", "ss", SIMULATED, TEXT)
    script.fleet.permit(SIMULATED, Permission.SECRETS, on=True)
    assert script.call("GetClipboard", "ss", SIMULATED, TEXT) == (b"hunter2",)


def test_what_a_machine_may_not_do_no_script_can_have_it_do(script: Script) -> None:
    script.fleet.permit(SIMULATED, Permission.LAUNCH, on=False)
    refused = script.refusal("Launch", "ssas", SIMULATED, "notes", [])
    assert f"{NAME}.Error.GuestNotPermitted" in refused


@pytest.mark.parametrize(
    ("member", "signature", "body", "error"),
    [
        ("Power", "ss", ("nowhere", "start"), "Error.GuestNoVm"),
        ("Power", "ss", (SIMULATED, "explode"), "Error.GuestBadValue"),
        ("Launch", "ss", (SIMULATED, "notes"), "DBus.Error.InvalidArgs"),
        ("Nothing", "", (), "DBus.Error.UnknownMethod"),
        ("SetResolution", "suu", (SIMULATED, 1, 1), "Error.Guest"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(
    script: Script, member: str, signature: str, body: tuple[Any, ...], error: str
) -> None:
    assert error in script.refusal(member, signature, *body)


def test_another_persons_program_is_not_answered(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: ours + 1)
    assert "AccessDenied" in script.refusal("ListMachines")


def test_changes_and_activity_are_told_and_never_any_content(script: Script) -> None:
    script.call("SetResolution", "suu", SIMULATED, 1920, 1080)
    script.call("Launch", "ssas", SIMULATED, "notes", ["private words"])
    members: list[str] = []
    told: list[Signal] = []
    while len(told) < 2:
        signal = script.heard.get(timeout=60)
        members.append(signal.member)
        if signal.member == "Activity":
            told.append(signal)
    assert [signal.body[1:3] for signal in told] == [("resized", "to-guest"), ("launched", "to-guest")]
    assert "private words" not in repr(told)
    script.fleet.permit(SIMULATED, Permission.POWER, on=False)
    while script.heard.get(timeout=60).member != "MachinesChanged":
        pass


def test_the_window_is_asked_for(script: Script) -> None:
    script.call("ShowWindow", "s", "Simulated machine")
    assert script.shown.get(timeout=60) == SIMULATED


def test_the_interface_is_introspectable_versioned_and_as_documented(script: Script) -> None:
    (text,) = script.fleet.io.wait(
        script._bus.call(NAME, PATH, "org.freedesktop.DBus.Introspectable", "Introspect")
    )
    assert text == DOCUMENT.read_text()
    assert script.property("Version") == 1
    assert script.property("Program") == "0.1.0"
    (everything,) = script.fleet.io.wait(
        script._bus.call(NAME, PATH, "org.freedesktop.DBus.Properties", "GetAll", "s", (NAME,))
    )
    assert everything == {"Version": 1, "Program": "0.1.0"}


def test_glib_reads_the_introspection(script: Script, address: str) -> None:
    done = subprocess.run(
        ["gdbus", "introspect", "--address", address, "--dest", NAME, "--object-path", PATH],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "SetResolution(in  s machine" in done.stdout


def test_a_notification_reaches_the_desktop_and_its_button_the_window(script: Script, address: str) -> None:
    shown: queue.Queue[tuple[Any, ...]] = queue.Queue()
    chosen = threading.Event()

    def notify(*values: Any) -> tuple[int]:
        shown.put(values)
        return (1,)

    name = "org.freedesktop.Notifications"
    takes = tuple(Argument(f"a{number}", kind) for number, kind in enumerate(_NOTIFY))
    server = Interface(
        name,
        "/org/freedesktop/Notifications",
        "A desktop's notifications.",
        methods=(
            Method("GetCapabilities", "", lambda: ([["body", "actions"]]), gives=(Argument("names", "as"),)),
            Method("Notify", "", notify, takes, (Argument("id", "u"),)),
        ),
        signals=(SignalKind("ActionInvoked", "", (Argument("id", "u"), Argument("key", "s"))),),
    )

    async def begin() -> tuple[Bus, BusObject | None]:
        bus = await Bus.open(address=address)
        return bus, await BusObject.serve(bus, server)

    bus, served = script.fleet.io.wait(begin())
    assert served is not None
    note = Note("org.neuronos.GuestBridge", "Guest Bridge", "win11 needs you", "Pair it.")
    script.served.notify(replace(note, actions={"default": "Show", "show": "Show"}), chosen.set)
    values = shown.get(timeout=60)
    assert values[3:6] == ("win11 needs you", "Pair it.", ["default", "Show", "show", "Show"])
    end = time.monotonic() + 60
    while not chosen.is_set():  # the program listens for the answer only after it knows the number
        assert time.monotonic() < end
        served.emit("ActionInvoked", (1, "show"))
        chosen.wait(0.05)
    script.fleet.io.wait(served.close())
    script.fleet.io.wait(bus.close())


def test_notifications_that_nobody_answers_do_not_fill_the_bus(script: Script, address: str) -> None:
    """Each waits on a connection of its own, of which a person has 256 for all programs together."""
    note = Note("org.neuronos.GuestBridge", "Guest Bridge", "x", "y", actions={"show": "Show"})
    names = "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "ListNames"
    takes = tuple(Argument(f"a{number}", kind) for number, kind in enumerate(_NOTIFY))
    shown = threading.Semaphore(0)

    def notify(*_values: Any) -> tuple[int]:
        shown.release()
        return (1,)

    server = Interface(
        "org.freedesktop.Notifications",
        "/org/freedesktop/Notifications",
        "A desktop's notifications.",
        methods=(
            Method("GetCapabilities", "", lambda: ([["actions"]]), gives=(Argument("names", "as"),)),
            Method("Notify", "", notify, takes, (Argument("id", "u"),)),
        ),
    )

    async def begin() -> tuple[Bus, BusObject | None]:
        bus = await Bus.open(address=address)
        return bus, await BusObject.serve(bus, server)

    bus, served = script.fleet.io.wait(begin())
    assert served is not None
    (before,) = script.fleet.io.wait(bus.call(*names))
    for _ in range(40):
        script.served.notify(note, lambda: None)
        assert shown.acquire(timeout=60)
    end = time.monotonic() + 60
    while True:
        (now,) = script.fleet.io.wait(bus.call(*names))
        if len(now) - len(before) <= 8:
            break
        assert time.monotonic() < end, len(now) - len(before)
    script.fleet.io.wait(served.close())
    script.fleet.io.wait(bus.close())


def test_only_one_program_serves_the_name(script: Script, address: str) -> None:
    opened = threading.Event()
    second = OnBus(
        script.fleet.io,
        interface(script.fleet, show=script.shown.put, program="2"),
        opened=opened.set,
    )
    assert opened.wait(60)
    assert script.property("Program") == "0.1.0"
    second.close()
    assert script.property("Program") == "0.1.0"


def test_without_a_bus_everything_else_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={tmp_path}/nowhere")
    fleet = Fleet(
        below(tmp_path),
        uri="test:///default",
        clock=RealClock(),
        host_clipboard=_no_clipboard,
        simulated_name="Simulated",
    )
    nowhere = OnBus(fleet.io, interface(fleet, show=lambda _machine: None, program="0.1.0"))
    nowhere.machines_changed()
    nowhere.notify(Note("org.neuronos.GuestBridge", "Guest Bridge", "x", "y"), lambda: None)
    nowhere.close()
    fleet.io.close()


def test_the_document_is_the_interface() -> None:
    """The program's version is not in it."""
    made = introspection(interface(None, show=lambda _machine: None, program="any"))  # type: ignore[arg-type]
    assert made == DOCUMENT.read_text()
