"""The client: states a person can be shown, reconnecting by itself, requests that end one way or another."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import queue
import select
import socket
import threading
import tracemalloc
import weakref
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from libneuron.guest.client import BlockingGuest, GuestClient, VmKeys
from libneuron.guest.errors import GuestError
from libneuron.guest.keys import KeyStore
from libneuron.guest.permissions import DEFAULT, PermissionStore
from libneuron.guest.state import State
from libneuron.guest.transport import Link, SerialEndpoint, Transport, UnixSocketEndpoint
from libneuron.guest.wire.channel import Channel
from libneuron.guest.wire.frames import Kind, frame
from libneuron.guest.wire.jsontext import encode
from libneuron.guest.wire.mux import MAX_STREAMS, Message, ZeroSource
from libneuron.guest.wire.requests import PROTOCOL, Permission
from libneuron.system.bus import LoopThread
from libneuron.system.errors import SystemAccessError
from neuron_guest_bridge.simulation import VM, Simulation
from tests.unit.guest.pipes import pair_of_credentials


class Watched:
    """A connected guest with its history of states."""

    def __init__(
        self,
        io: LoopThread,
        endpoint: Any,
        keys: Any,
        permissions: Callable[[], frozenset[Permission]] | None = None,
    ) -> None:
        self.history: queue.Queue[State] = queue.Queue()
        self.events: queue.Queue[tuple[str, Mapping[str, Any]]] = queue.Queue()
        self.allowed = DEFAULT
        self.client = GuestClient(
            endpoint,
            keys,
            permissions=permissions or (lambda: self.allowed),
            on_state=lambda state, _problem: self.history.put(state),
            on_event=lambda kind, data: self.events.put((kind, data)),
        )
        self.guest = BlockingGuest(io, self.client)

    def until(self, state: State) -> None:
        while self.history.get(timeout=20) is not state:
            pass


@pytest.fixture
def watched(io: LoopThread, simulation: Simulation) -> Iterator[Watched]:
    made = Watched(io, simulation.endpoint(), simulation.keys())
    yield made
    made.guest.close()


def test_the_first_contact_enrols_and_is_ready(watched: Watched, simulation: Simulation) -> None:
    watched.until(State.READY)
    pairing = simulation.store.list()[0]
    assert (pairing.paired, pairing.enrolling) == (True, False)
    assert simulation.keys().candidates() == ("paired",)


def test_an_agent_killed_and_started_again_is_found_again(watched: Watched, simulation: Simulation) -> None:
    watched.until(State.READY)
    simulation.kill()
    watched.until(State.CONNECTING)
    simulation.start()
    watched.until(State.READY)
    watched.guest.run(lambda api: api.ping())


def test_a_channel_that_is_not_there_yet_is_waited_for(io: LoopThread) -> None:
    with Simulation() as simulation:
        simulation.hand_over()
        watched = Watched(io, simulation.endpoint(), simulation.keys())
        watched.until(State.NO_CHANNEL)
        simulation.start()
        watched.until(State.READY)
        watched.guest.close()


def test_without_keys_the_state_is_not_paired_and_says_what_to_do(io: LoopThread, tmp_path: Path) -> None:
    watched = Watched(io, UnixSocketEndpoint(tmp_path / "x", "win11"), VmKeys(KeyStore(tmp_path), VM))
    watched.until(State.NOT_PAIRED)
    with pytest.raises(GuestError) as caught:
        watched.guest.run(lambda api: api.ping())
    assert caught.value.code == "guest.not-paired"
    assert "neuron-guest-bridge pair win11" in caught.value.hint()
    watched.guest.close()


def test_keys_made_later_are_used_when_the_client_is_kicked(io: LoopThread) -> None:
    with Simulation() as simulation:
        watched = Watched(io, simulation.endpoint(), simulation.keys())
        watched.until(State.NOT_PAIRED)
        simulation.hand_over()
        simulation.start()
        io.loop.call_soon_threadsafe(watched.client.kick)
        watched.until(State.READY)
        watched.guest.close()


def test_a_guest_that_forgot_its_keys_is_not_paired(io: LoopThread, simulation: Simulation) -> None:
    stranger = KeyStore(simulation.folder / "stranger")
    stranger.begin_enrolment(VM, "x")
    watched = Watched(io, simulation.endpoint(), VmKeys(stranger, VM))
    watched.until(State.NOT_PAIRED)
    assert watched.client.problem is not None
    assert watched.client.problem.code == "guest.pairing-refused"
    watched.guest.close()


def test_what_is_not_permitted_never_leaves_the_host(watched: Watched) -> None:
    watched.allowed = DEFAULT - {Permission.CLIPBOARD_IN}
    with pytest.raises(GuestError) as caught:
        watched.guest.run(lambda api: api.set_clipboard_text("x"))
    assert caught.value.code == "guest.not-permitted"


def test_a_permission_given_later_reaches_the_guest(io: LoopThread, watched: Watched) -> None:
    watched.allowed = frozenset()
    watched.until(State.READY)
    watched.allowed = DEFAULT
    with pytest.raises(GuestError):  # the guest was told otherwise
        watched.guest.run(lambda api: api.set_clipboard_text("x"))
    io.wait(watched.client.update_permissions())
    watched.guest.run(lambda api: api.set_clipboard_text("x"))


def test_the_guests_own_copies_are_told(watched: Watched) -> None:
    watched.guest.run(lambda api: api.set_clipboard_text("x"))
    kind, data = watched.events.get(timeout=10)
    while kind != "clipboard_offered":  # how the session is comes first
        kind, data = watched.events.get(timeout=10)
    assert data["own"] is True


def test_permissions_survive_a_restart(tmp_path: Path) -> None:
    store = PermissionStore(tmp_path)
    assert store.get("a") == DEFAULT
    store.set("a", frozenset({Permission.LAUNCH}))
    assert PermissionStore(tmp_path).get("a") == frozenset({Permission.LAUNCH})
    assert store.get("b") == DEFAULT


def test_a_terminal_device_carries_the_channel_unchanged(io: LoopThread, simulation: Simulation) -> None:
    """A pty as a VM's serial line: raw, so that no byte is taken for a line's end or an interrupt."""
    ours, theirs = os.openpty()
    channel = socket.socket(socket.AF_UNIX)
    channel.connect(str(simulation.socket))

    def relay() -> None:
        while True:
            ready, _, _ = select.select([ours, channel.fileno()], [], [])
            for source in ready:
                data = os.read(source, 4096)
                if not data:
                    return
                channel.sendall(data) if source == ours else _write_all(ours, data)

    def until_gone() -> None:
        with contextlib.suppress(ConnectionError):
            relay()

    relaying = threading.Thread(target=until_gone, daemon=True)
    relaying.start()
    watched = Watched(io, SerialEndpoint(Path(os.ttyname(theirs))), simulation.keys())
    watched.guest.wait_ready(30)
    text = "".join(map(chr, range(1, 256))) * 100
    watched.guest.run(lambda api: api.set_clipboard_text(text))
    assert watched.guest.run(lambda api: api.clipboard_text()) == text
    watched.guest.close()
    simulation.kill()
    relaying.join(30)
    assert not relaying.is_alive()
    channel.close()
    os.close(ours)
    os.close(theirs)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def test_a_serial_device_that_is_none_is_refused(io: LoopThread, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    watched = Watched(io, SerialEndpoint(tmp_path / "file"), Fixed())
    watched.until(State.NO_CHANNEL)
    watched.guest.close()


# -- a guest that does as it likes ----------------------------------------------------------------------


class Fixed:
    """Keys that are simply there."""

    def candidates(self) -> tuple[str, ...]:
        return ("paired",)

    def credentials(self, which: str) -> Any:
        return pair_of_credentials()[0]

    def fresh(self) -> Mapping[str, str]:
        return {}

    def finish(self) -> None:
        """Nothing to do."""


class Puppet:
    """An endpoint with a guest behind it that answers only what ``answer`` makes it answer."""

    label = "puppet"

    def __init__(self, hello: Mapping[str, Any] | None = None) -> None:
        self.asked: queue.Queue[Mapping[str, Any]] = queue.Queue()
        self.mute = False
        self.opened = threading.Event()
        self._hello = hello or {"oldest": PROTOCOL[0], "newest": PROTOCOL[1], "version": "9.9"}
        self._answers: dict[str, Callable[[Mapping[str, Any]], Mapping[str, Any] | None]] = {}

    def on(self, verb: str, answer: Callable[[Mapping[str, Any]], Mapping[str, Any] | None]) -> None:
        self._answers[verb] = answer

    async def connect(self, link: Link) -> Transport:
        self._link = link
        self._loop = asyncio.get_running_loop()
        self.channel = Channel(
            host=False, credentials=lambda _hint: pair_of_credentials()[1], hello=lambda: self._hello
        )
        self.opened.set()
        return self

    def write(self, data: bytes | memoryview) -> int:
        if not self.mute:
            for event in self.channel.receive(bytes(data)):
                if isinstance(event, Message):
                    self.asked.put(event.head)
                    answer = self._answers.get(str(event.head["type"]), _fine)(event.head)
                    if answer is not None:
                        self.channel.send(answer)
            self._loop.call_soon(self.flush)
        return len(data)

    def flush(self) -> None:
        while data := self.channel.take():
            self._link.received(data)

    def close(self) -> None:
        """Nothing to let go of."""


def _fine(head: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"request_id": head["request_id"], "success": True, "data": {}, "error": None}


@pytest.fixture
def puppet(io: LoopThread) -> Iterator[tuple[Puppet, Watched]]:
    made = Puppet()
    watched = Watched(io, made, Fixed())
    watched.until(State.READY)
    yield made, watched
    watched.guest.close()


def test_a_late_answer_times_out_is_cancelled_there_and_ignored(
    io: LoopThread, puppet: tuple[Puppet, Watched]
) -> None:
    guest, watched = puppet
    late: list[Mapping[str, Any]] = []
    guest.on("get_info", lambda head: late.append(head))
    with pytest.raises(GuestError) as caught:
        watched.guest.run(lambda api: api.requester.request("get_info", timeout=0.05))
    assert caught.value.code == "guest.timeout"
    while (asked := guest.asked.get(timeout=10))["type"] != "cancel":
        pass
    assert asked["data"] == {"target": late[0]["request_id"]}

    async def answer_late() -> None:
        guest.channel.send(_fine(late[0]))
        guest.flush()

    io.wait(answer_late())
    watched.guest.run(lambda api: api.ping())


def test_cancelling_the_caller_cancels_in_the_guest(io: LoopThread, puppet: tuple[Puppet, Watched]) -> None:
    guest, watched = puppet
    asked = threading.Event()
    guest.on("get_info", lambda _head: asked.set())
    future = io.submit(watched.client.request("get_info"))
    assert asked.wait(10)
    future.cancel()
    while guest.asked.get(timeout=10)["type"] != "cancel":
        pass
    watched.guest.run(lambda api: api.ping())


def test_answers_nobody_asked_for_are_ignored(io: LoopThread, puppet: tuple[Puppet, Watched]) -> None:
    guest, watched = puppet

    async def chatter() -> None:
        odd: tuple[object, ...] = (999, "x", None, True, [], {"a": 1}, 2**70)
        for identity in odd:
            guest.channel.send({"request_id": identity, "success": True, "data": {}})
        guest.channel.send({"type": "launch_app", "request_id": 5, "data": {"path": "/bin/sh"}})
        guest.channel.send({"type": 7, "data": []})
        guest.flush()

    io.wait(chatter())
    watched.guest.run(lambda api: api.ping())


@pytest.mark.parametrize(
    "answer",
    [
        {"success": False},
        {"success": False, "error": "text only"},
        {"success": False, "error": {"code": ["x"], "message": {"a": 1}}},
        {"success": "yes", "data": {}},
        {"error": None},
    ],
)
def test_an_odd_answer_is_a_refusal(puppet: tuple[Puppet, Watched], answer: Mapping[str, Any]) -> None:
    guest, watched = puppet
    guest.on("get_info", lambda head: {"request_id": head["request_id"], **answer})
    with pytest.raises(GuestError) as caught:
        watched.guest.run(lambda api: api.info())
    assert caught.value.code == "guest.refused"


@pytest.mark.parametrize(
    "data", [{}, {"width": "1"}, {"width": -1, "height": 1}, {"width": 2**70, "height": 1}, [], None]
)
def test_an_odd_value_in_an_answer_is_named(puppet: tuple[Puppet, Watched], data: object) -> None:
    guest, watched = puppet
    guest.on("set_resolution", lambda head: {**_fine(head), "data": data})
    with pytest.raises(GuestError) as caught:
        watched.guest.run(lambda api: api.set_resolution(800, 600))
    assert caught.value.code == "guest.protocol"
    assert "data." in caught.value.details


def test_a_figure_beyond_all_bounds_is_an_odd_answer(puppet: tuple[Puppet, Watched]) -> None:
    guest, watched = puppet
    guest.on("get_metrics", lambda head: {**_fine(head), "data": {"cpu": 10**400}})
    with pytest.raises(GuestError) as caught:
        watched.guest.run(lambda api: api.metrics())
    assert caught.value.code == "guest.protocol"


def test_a_large_event_is_not_put_together(io: LoopThread, puppet: tuple[Puppet, Watched]) -> None:
    guest, watched = puppet

    async def tell(size: int) -> None:
        guest.channel.send({"type": "clipboard_offered", "data": {"formats": ["x" * size]}})
        guest.flush()

    io.wait(tell(3_000_000))
    io.wait(tell(10))
    assert watched.events.get(timeout=10)[1] == {"formats": ["x" * 10]}
    watched.guest.run(lambda api: api.ping())


def test_what_a_guest_says_in_an_error_is_shown_without_control_characters(
    puppet: tuple[Puppet, Watched],
) -> None:
    guest, watched = puppet
    said = {"code": "failed", "message": "\x1b]0;title\x07 " + "x" * 5000}
    guest.on("get_info", lambda head: {"request_id": head["request_id"], "success": False, "error": said})
    with pytest.raises(GuestError) as caught:
        watched.guest.run(lambda api: api.info())
    assert "\x1b" not in caught.value.sentence()
    assert len(caught.value.sentence()) < 700


def test_an_agent_that_falls_silent_is_seen_and_begun_anew(puppet: tuple[Puppet, Watched]) -> None:
    guest, watched = puppet
    guest.mute = True
    with pytest.raises(GuestError):
        watched.guest.run(lambda api: api.ping(timeout=0.05))
    watched.until(State.CONNECTING)
    guest.mute = False
    watched.until(State.READY)


@pytest.mark.parametrize(
    ("versions", "code"),
    [
        ({"oldest": PROTOCOL[1] + 1, "newest": PROTOCOL[1] + 5}, "guest.agent-too-new"),
        ({"oldest": 1, "newest": 0}, "guest.protocol"),
        ({}, "guest.protocol"),
    ],
)
def test_versions_that_do_not_meet(io: LoopThread, versions: Mapping[str, int], code: str) -> None:
    watched = Watched(io, Puppet({"version": "0.0.1", **versions}), Fixed())
    with pytest.raises(GuestError) as caught:
        watched.guest.run(lambda api: api.requester.request("ping", timeout=1))
    assert caught.value.code == code
    watched.guest.close()


def test_a_body_in_tiny_pieces_does_not_keep_the_buffers_they_lay_in(
    io: LoopThread, puppet: tuple[Puppet, Watched]
) -> None:
    guest, watched = puppet
    asked: queue.Queue[object] = queue.Queue()
    guest.on("screenshot", lambda head: asked.put(head["request_id"]))
    future = io.submit(watched.client.request("screenshot"))
    head = {"request_id": asked.get(timeout=10), "success": True, "data": {}}

    async def pieces(count: int) -> None:
        for _ in range(count):
            junk = frame(Kind.BODY, 99, bytes(60_000)) * 2
            guest.channel.mux.urgent.append(frame(Kind.BODY, 7, b"x") + junk)
            guest.flush()

    async def begin() -> None:
        guest.channel.mux.urgent.append(frame(Kind.MESSAGE, 7, encode(head)))
        await pieces(3)

    async def end() -> None:
        guest.channel.mux.urgent.append(frame(Kind.END, 7))
        guest.flush()

    io.wait(begin())
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        io.wait(pieces(50))
        kept = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    io.wait(end())
    assert future.result(10).body == b"x" * 53
    assert kept < 1_000_000


def test_an_answer_larger_than_memory_is_refused(
    io: LoopThread, puppet: tuple[Puppet, Watched], monkeypatch: pytest.MonkeyPatch
) -> None:
    guest, watched = puppet
    monkeypatch.setattr("libneuron.guest.session.MAX_BODY_IN_MEMORY", 1 << 20)

    def endless(head: Mapping[str, Any]) -> None:
        guest.channel.send(_fine(head), ZeroSource(1 << 40))

    guest.on("screenshot", endless)
    with pytest.raises(GuestError) as caught:
        watched.guest.run(lambda api: api.screenshot())
    assert caught.value.code == "guest.too-large"
    watched.guest.run(lambda api: api.ping())


def test_what_the_guest_answers_without_taking_it_is_let_go(
    io: LoopThread, puppet: tuple[Puppet, Watched]
) -> None:
    """A guest that pastes and answers at once would gather each copy here, and then no body could leave."""
    _, watched = puppet
    content = {"text/html": bytes(2 << 20)}  # more than it may have on the way
    for _ in range(MAX_STREAMS + 4):
        watched.guest.run(lambda api: api.set_clipboard(content))


def test_what_the_guest_does_not_take_in_time_is_let_go(
    io: LoopThread, puppet: tuple[Puppet, Watched]
) -> None:
    guest, watched = puppet
    guest.on("clipboard_set", lambda _head: None)
    given = weakref.WeakSet[Slow]()

    def ask() -> None:
        body = Slow()
        given.add(body)
        with pytest.raises(GuestError, match="did not answer"):
            io.wait(watched.client.request("clipboard_set", body=body, timeout=0.01))

    for _ in range(3):
        ask()
    watched.guest.run(lambda api: api.ping())
    gc.collect()
    assert len(given) == 0


class Slow:
    """A body that has nothing to send yet."""

    def read(self, size: int) -> bytes | None:
        return None


def test_permissions_are_read_again_only_when_they_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = PermissionStore(tmp_path)
    store.set("vm", DEFAULT)
    assert store.get("vm") == DEFAULT
    with monkeypatch.context() as patched:
        patched.setattr("libneuron.guest.permissions.load", None)  # an event of the guest costs no reading
        assert store.get("vm") == DEFAULT
    PermissionStore(tmp_path).set("vm", frozenset())
    assert store.get("vm") == frozenset()


# -- what goes wrong while connecting -------------------------------------------------------------------


def _refusal(head: Mapping[str, Any]) -> Mapping[str, Any]:
    said = {"code": "failed", "message": "the disk is full"}
    return {"request_id": head["request_id"], "success": False, "data": None, "error": said}


def test_a_refused_greeting_is_told_and_tried_again(io: LoopThread) -> None:
    guest = Puppet()
    guest.on("hello", _refusal)
    watched = Watched(io, guest, Fixed())
    watched.until(State.FAILED)
    assert watched.client.problem is not None
    assert "the disk is full" in watched.client.problem.sentence()
    with pytest.raises(GuestError, match="the disk is full"):
        watched.guest.wait_ready(10)
    guest.on("hello", _fine)
    watched.guest.retry()
    watched.until(State.READY)
    watched.guest.close()


class _Enrolling(Fixed):
    """Keys that are fetched first; ``finish`` fails while ``full``."""

    full = False

    def candidates(self) -> tuple[str, ...]:
        return ("next", "enrol")

    def finish(self) -> None:
        if self.full:
            raise OSError(28, "No space left on device")


class _EnrolOnly(_Enrolling):
    def candidates(self) -> tuple[str, ...]:
        return ("enrol",)


def test_a_guest_that_cannot_store_its_keys_says_so(io: LoopThread) -> None:
    guest = Puppet()
    guest.on("enrol", _refusal)
    watched = Watched(io, guest, _EnrolOnly())
    watched.until(State.FAILED)
    assert watched.client.problem is not None
    assert "the disk is full" in watched.client.problem.sentence()
    watched.guest.close()


def test_a_full_disk_at_the_end_of_pairing_is_told_and_tried_again(io: LoopThread) -> None:
    keys = _Enrolling()
    keys.full = True
    watched = Watched(io, Puppet(), keys)
    watched.until(State.FAILED)
    assert watched.client.problem is not None
    assert "No space left" in watched.client.problem.sentence()
    keys.full = False
    watched.guest.retry()
    watched.until(State.READY)
    watched.guest.close()


def test_broken_permissions_are_told_and_read_again(io: LoopThread, tmp_path: Path) -> None:
    store = PermissionStore(tmp_path)
    store.set("vm", DEFAULT)
    path = tmp_path / "permissions" / "vm.toml"
    path.write_text("launch = 3\n")
    watched = Watched(io, Puppet(), Fixed(), permissions=lambda: store.get("vm"))
    with pytest.raises(SystemAccessError) as caught:
        watched.guest.wait_ready(10)
    assert "vm.toml" in caught.value.sentence()
    watched.until(State.FAILED)
    path.unlink()
    watched.guest.retry()
    watched.until(State.READY)
    path.write_text("launch = 3\n")
    with pytest.raises(SystemAccessError):
        watched.guest.run(lambda api: api.screenshot())
    watched.client._event("clipboard_offered", {})
    assert watched.events.empty()
    watched.guest.close()


@pytest.mark.expect_log("libneuron.guest.client")
def test_a_bug_ends_no_connection_for_good(io: LoopThread) -> None:
    class Buggy(Fixed):
        broken = True

        def credentials(self, which: str) -> Any:
            if self.broken:
                raise KeyError("oops")
            return super().credentials(which)

    keys = Buggy()
    watched = Watched(io, Puppet(), keys)
    watched.until(State.FAILED)
    keys.broken = False
    watched.guest.retry()
    watched.until(State.READY)
    watched.guest.close()


def test_a_session_ends_when_its_keys_are_taken_away(
    io: LoopThread, watched: Watched, simulation: Simulation
) -> None:
    watched.until(State.READY)
    watched.guest.retry()  # the keys are there: nothing happens
    watched.guest.run(lambda api: api.ping())
    simulation.store.revoke(VM)
    watched.guest.retry()
    watched.until(State.NOT_PAIRED)
    with pytest.raises(GuestError) as caught:
        watched.guest.run(lambda api: api.ping())
    assert caught.value.code == "guest.not-paired"


def test_an_answer_nobody_waits_for_any_more_is_let_go(
    io: LoopThread, puppet: tuple[Puppet, Watched]
) -> None:
    guest, watched = puppet

    class Half:
        left = 200_000

        def read(self, size: int) -> bytes | None:
            size = min(size, self.left)
            self.left -= size
            return bytes(size) if size else None

    def half(head: Mapping[str, Any]) -> None:
        guest.channel.send(_fine(head), Half())
        large = {"data": {"x": "y" * 200_000}, "request_id": head["request_id"], "success": True}
        guest.channel.send(large)
        stalled = guest.channel.mux._out[guest.channel.mux._last]
        stalled.credit = 1000

    guest.on("screenshot", half)
    codes = []
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        for _ in range(5):
            try:
                watched.guest.run(lambda api: api.requester.request("screenshot", timeout=0.3))
            except GuestError as error:
                codes.append(error.code)
        memory = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
        gc.enable()
    assert codes == ["guest.timeout"] * 5
    assert memory < 500_000

    async def kept() -> tuple[int, int, int]:
        session = watched.client._session
        assert session is not None
        mux = session._channel.mux
        return len(session._bodies), len(mux._in), mux._gathered

    assert io.wait(kept()) == (0, 0, 0)
    watched.guest.run(lambda api: api.ping())
