"""The clipboard through everything: xclip, the bridge, the encrypted channel, the agent and its desktop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from libneuron.guest.client import BlockingGuest, GuestClient, VmKeys
from libneuron.guest.clipboard.bridge import Bridge
from libneuron.guest.clipboard.channel import GuestClipboard
from libneuron.guest.clipboard.rules import Activity, Happened, Rules, Side
from libneuron.guest.keys import KeyStore
from libneuron.guest.permissions import DEFAULT
from libneuron.guest.transport import UnixSocketEndpoint
from libneuron.guest.wire.content import ENROLMENT_FILE
from libneuron.system.bus import LoopThread
from libneuron.system.clipboard.targets import HTML, PNG, RTF, TEXT
from libneuron.system.clipboard.x11 import X11Clipboard
from libneuron.system.clock import RealClock
from neuron_guest.agent import Agent
from neuron_guest.backend import Offer
from neuron_guest.keys import GuestKeys
from neuron_guest.platform.posix import UnixListenPort
from neuron_guest.simulated import SimulatedBackend
from tests.system.clipboard.conftest import WAIT, Display


class Machine:
    """A guest whose desktop lies in memory, connected to the display through a real channel."""

    def __init__(self, folder: Path, display: Display) -> None:
        store = KeyStore(folder / "host")
        (folder / "guest").mkdir(mode=0o700)
        (folder / "guest" / ENROLMENT_FILE).write_text(store.begin_enrolment("vm", "VM"))
        self.backend = SimulatedBackend()
        self._changed = threading.Condition()
        self.backend.clipboard_watch(lambda _offer: self._tell())
        self._port = UnixListenPort(folder / "socket")
        self._agent = Agent(self._port, self.backend, GuestKeys(folder / "guest"))
        self._thread = threading.Thread(target=self._agent.run)
        self._thread.start()
        self.io = LoopThread()
        self.clipboard: GuestClipboard | None = None
        client = GuestClient(
            UnixSocketEndpoint(folder / "socket", "VM"),
            VmKeys(store, "vm"),
            permissions=lambda: DEFAULT,
            on_event=self._event,
        )
        self._guest = BlockingGuest(self.io, client)
        self._guest.wait_ready(WAIT)
        clipboard = self.clipboard = GuestClipboard(
            self._guest.api, loop=self.io.loop, origin="vm", spool=folder / "spool"
        )
        self.bridge = Bridge(
            origin="vm",
            host=X11Clipboard(spool=folder / "spool", display=display.name),
            rules=Rules(),
            clock=RealClock(),
            on_activity=lambda _line: self._tell(),
        )
        self.bridge.attach(clipboard)

    def _event(self, kind: str, data: Mapping[str, Any]) -> None:
        if self.clipboard is not None:
            self.clipboard.event(kind, data)

    def _tell(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def until(self, wanted: Callable[[Offer], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: wanted(self.backend.clipboard_offer()), WAIT)

    def seen(self, happened: Happened, source: Side, *, times: int = 1) -> list[Activity]:
        def found() -> list[Activity]:
            return [a for a in self.bridge.activities if a.happened is happened and a.source is source]

        with self._changed:
            assert self._changed.wait_for(lambda: len(found()) >= times, WAIT), self.bridge.activities
        return found()

    def close(self) -> None:
        self.bridge.close()
        self._guest.close()
        self.io.close()
        self._agent.stop()
        self._thread.join(WAIT)
        self._port._listener.close()  # elsewhere the agent's process ends with its port


@pytest.fixture
def machine(tmp_path: Path, display: Display) -> Iterator[Machine]:
    machine = Machine(tmp_path, display)
    yield machine
    machine.close()


EMOJI = "żółć שלום \U0001f469‍\U0001f680\nsecond line".encode()


def test_text_of_the_host_is_in_the_guest_and_text_of_the_guest_on_the_host(
    machine: Machine, display: Display
) -> None:
    display.copy(EMOJI)
    machine.until(lambda offer: offer.own and TEXT in offer.formats)
    assert machine.backend.clipboard_read(TEXT) == EMOJI
    machine.seen(Happened.OFFERED, Side.HOST)
    machine.backend.copy({TEXT: EMOJI * 2})
    machine.seen(Happened.OFFERED, Side.GUEST)
    assert display.paste() == EMOJI * 2
    [line] = machine.seen(Happened.CROSSED, Side.GUEST)
    assert line.size == len(EMOJI * 2)


def test_every_format_of_one_guest_copy_is_pasted_byte_for_byte(machine: Machine, display: Display) -> None:
    items = {HTML: "<b>ż</b>".encode(), RTF: rb"{\rtf1 x}", PNG: bytes(range(256)) * 20_000, TEXT: b"x"}
    machine.backend.copy(items)
    machine.seen(Happened.OFFERED, Side.GUEST)
    assert {mime: display.paste(mime) for mime in (HTML, RTF, PNG)} == {
        mime: items[mime] for mime in (HTML, RTF, PNG)
    }


def test_a_secret_copied_in_the_guest_does_not_reach_the_host(machine: Machine, display: Display) -> None:
    machine.backend.copy({TEXT: b"hunter2"}, secret=True)
    machine.backend.copy({TEXT: b"harmless"})
    machine.seen(Happened.OFFERED, Side.GUEST)
    assert display.paste() == b"harmless"
    assert len(machine.seen(Happened.OFFERED, Side.GUEST)) == 1


def test_alternating_copies_through_the_real_agent_make_no_loop(machine: Machine, display: Display) -> None:
    for number in range(20):
        display.copy(f"host {number}".encode())
        machine.seen(Happened.OFFERED, Side.HOST, times=number + 1)
        assert machine.backend.clipboard_read(TEXT) == f"host {number}".encode()
        machine.backend.copy({TEXT: f"guest {number}".encode()})
        machine.seen(Happened.OFFERED, Side.GUEST, times=number + 1)
        assert display.paste() == f"guest {number}".encode()
    assert len(machine.seen(Happened.OFFERED, Side.GUEST)) == 20
    assert len(machine.seen(Happened.OFFERED, Side.HOST)) == 20
