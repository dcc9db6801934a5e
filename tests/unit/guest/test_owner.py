"""One owner per channel; everybody else goes through it."""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from libneuron.errors import NeuronError
from libneuron.guest.api import GuestApi, Reply
from libneuron.guest.client import BlockingGuest, GuestClient
from libneuron.guest.errors import GuestError
from libneuron.guest.owned import OwnedEndpoint
from libneuron.guest.owner import acquire, serve
from libneuron.guest.owner_client import OwnerClient
from libneuron.guest.owner_line import STATE, relayed, socket_path
from libneuron.guest.permissions import DEFAULT
from libneuron.guest.state import State
from libneuron.guest.transport import Link
from libneuron.guest.wire.mux import MAX_DATA
from libneuron.guest.wire.requests import Permission
from libneuron.system.bus import LoopThread
from libneuron.system.errors import SystemAccessError
from neuron_guest_bridge.simulation import VM, Simulation


@pytest.fixture
def other(io: LoopThread, simulation: Simulation, tmp_path: Path) -> Iterator[OwnerClient]:
    """Another process's way in, while an owner is connected."""
    allowed = DEFAULT - {Permission.SCREENSHOT}
    client = GuestClient(simulation.endpoint(), simulation.keys(), permissions=lambda: allowed)
    guest = BlockingGuest(io, client)
    server = io.wait(serve(client, tmp_path, VM))
    made = OwnerClient(tmp_path, VM, "Simulated guest")
    io.wait(made.open())
    yield made
    io.wait(made.close())
    guest.close()
    io.wait(server.close())


def test_the_lock_has_one_holder(tmp_path: Path) -> None:
    first = acquire(tmp_path, VM)
    assert first is not None
    assert acquire(tmp_path, VM) is None
    assert acquire(tmp_path, "another") is not None
    first.release()
    assert acquire(tmp_path, VM) is not None


def test_a_place_where_nobody_can_listen_is_told(
    io: LoopThread, simulation: Simulation, tmp_path: Path
) -> None:
    client = GuestClient(simulation.endpoint(), simulation.keys(), permissions=lambda: DEFAULT)
    with pytest.raises(GuestError) as caught:
        io.wait(serve(client, tmp_path / ("long" * 30), VM))
    assert caught.value.code == "guest.host-failed"


def test_who_cannot_listen_keeps_no_channel_that_nobody_else_could_reach(
    io: LoopThread, simulation: Simulation, tmp_path: Path
) -> None:
    runtime = tmp_path / ("long" * 30)
    endpoint = OwnedEndpoint(simulation.endpoint(), runtime=runtime, vm=VM)
    client = GuestClient(endpoint, simulation.keys(), permissions=lambda: DEFAULT)
    endpoint.owned = client
    for _ in range(2):
        with pytest.raises(GuestError) as caught:
            io.wait(endpoint.connect(cast(Link, None)))
        assert caught.value.code == "guest.host-failed"
    lock = acquire(runtime, VM)
    assert lock is not None
    lock.release()


def test_two_that_begin_at_once_leave_the_process_mask_alone(
    io: LoopThread, simulation: Simulation, tmp_path: Path
) -> None:
    """Masks set and put back by turns would leave every later folder of the process without its x."""
    client = GuestClient(simulation.endpoint(), simulation.keys(), permissions=lambda: DEFAULT)

    async def both() -> None:
        servers = await asyncio.gather(serve(client, tmp_path, "one"), serve(client, tmp_path, "two"))
        for server in servers:
            await server.close()

    before = os.umask(0o022)
    try:
        io.wait(both())
        after = os.umask(0o022)
    finally:
        os.umask(before)
    assert after == 0o022


def test_requests_with_bodies_go_through_the_owner(io: LoopThread, other: OwnerClient) -> None:
    api = GuestApi(other)
    text = "🙂 " * 2_000_000  # ten megabytes
    io.wait(api.set_clipboard_text(text))
    assert io.wait(api.clipboard_text()) == text
    io.wait(api.set_clipboard({"image/png": bytes(3_000_000)}))
    assert io.wait(api.clipboard_read("image/png")) == bytes(3_000_000)


def test_errors_come_through_with_code_and_words(io: LoopThread, other: OwnerClient) -> None:
    with pytest.raises(GuestError) as caught:
        io.wait(GuestApi(other).set_resolution(12345, 6789))
    assert caught.value.code == "guest.mode-refused"
    assert "Simulated guest" in caught.value.sentence()


def test_the_owners_permissions_hold_for_everybody(io: LoopThread, other: OwnerClient) -> None:
    with pytest.raises(GuestError) as caught:
        io.wait(GuestApi(other).screenshot())
    assert caught.value.code == "guest.not-permitted"


def test_many_requests_at_once(io: LoopThread, other: OwnerClient) -> None:
    api = GuestApi(other)
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        assert all(pool.map(lambda _: io.wait(api.info())["backend"] == "simulated", range(40)))


def test_the_socket_is_for_its_person_alone(other: OwnerClient, tmp_path: Path) -> None:
    mode = socket_path(tmp_path, VM).stat().st_mode
    assert stat.S_IMODE(mode) == 0o600
    assert stat.S_IMODE((tmp_path / "guest").stat().st_mode) == 0o700


def test_another_user_is_not_served(
    io: LoopThread, other: OwnerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("libneuron.guest.owner.peer_user", lambda _connection: os.geteuid() + 4711)
    stranger = OwnerClient(tmp_path, VM, "Simulated guest")
    io.wait(stranger.open())
    with pytest.raises(GuestError) as caught:
        io.wait(stranger.request("ping"))
    assert caught.value.code == "guest.channel-closed"
    io.wait(stranger.close())


def test_without_an_owner_the_channel_counts_as_in_use(io: LoopThread, tmp_path: Path) -> None:
    with pytest.raises(GuestError) as caught:
        io.wait(OwnerClient(tmp_path, VM, "x").open())
    assert caught.value.code == "guest.channel-in-use"


_ODD = SystemAccessError("system.table-invalid", file="vm.toml", problem="it is odd")


class _Odd:
    """An owner of whom everything goes wrong that can."""

    label = "Odd"
    state = State.FAILED

    def __init__(self) -> None:
        self.problem: NeuronError | None = _ODD
        self.hello: Mapping[str, Any] = {}
        self.timeouts: list[float] = []

    async def request(
        self, verb: str, _data: Any = None, *, body: Any = None, timeout: float = 15.0
    ) -> Reply:
        self.timeouts.append(timeout)
        if verb == "broken":
            raise _ODD
        if verb == "full":
            raise OSError(28, "No space left on device")
        if verb == "bug":
            raise KeyError("oops")
        if verb == "large":
            return Reply({"x": "y" * (2 * MAX_DATA)})
        return Reply({"x": float("nan")} if verb == "nan" else {})

    def kick(self) -> None:
        """Nothing to try."""

    def renew(self) -> None:
        """See Owned."""


@pytest.mark.expect_log("libneuron.guest.owner")
@pytest.mark.parametrize(
    ("verb", "said"),
    [
        ("broken", "“vm.toml” is not valid: it is odd"),
        ("full", "No space left on device"),
        ("bug", "KeyError"),
        ("nan", "ValueError"),
        ("large", "a message of"),
    ],
)
def test_whatever_goes_wrong_at_the_owner_is_told_at_once(
    io: LoopThread, tmp_path: Path, verb: str, said: str
) -> None:
    server = io.wait(serve(_Odd(), tmp_path, VM))
    other = OwnerClient(tmp_path, VM, "Odd")
    io.wait(other.open())
    with pytest.raises(NeuronError) as caught:
        io.wait(other.request(verb, timeout=60), timeout=20)
    assert said in caught.value.sentence()
    io.wait(other.request("fine"))
    problem = io.wait(other.request(STATE)).data["problem"]
    assert relayed(problem).sentence() == _ODD.sentence()
    io.wait(other.close())
    io.wait(server.close())


@pytest.mark.parametrize("timeout", [10**400, -1, True, "x", None, 1e308, -1e308, []])
def test_odd_time_limits_become_possible_ones(io: LoopThread, tmp_path: Path, timeout: object) -> None:
    owned = _Odd()
    server = io.wait(serve(owned, tmp_path, VM))
    other = OwnerClient(tmp_path, VM, "Odd")
    io.wait(other.open())

    async def ask() -> None:
        line = other._line
        assert line is not None
        answer = asyncio.get_running_loop().create_future()
        other._answers[77] = answer
        line.send({"type": "fine", "request_id": 77, "data": {}, "timeout": timeout}, None)
        await answer

    io.wait(ask(), timeout=20)
    assert 0 <= owned.timeouts[0] <= 24 * 3600
    io.wait(other.close())
    io.wait(server.close())
