"""A real VM: found, given the channel while it runs, and spoken to through the socket and through libvirt."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest

from libneuron.errors import NeuronError
from libneuron.guest.errors import GuestError
from libneuron.guest.hypervisor.channel import VmEndpoint, add_channel
from libneuron.guest.hypervisor.connection import Change, Hypervisor
from libneuron.guest.hypervisor.domains import CHANNEL, ChannelState, Power
from libneuron.guest.hypervisor.stream import open_stream
from libneuron.guest.transport import Transport
from tests.system.lab.domain import Domain
from tests.system.lab.shell import until

pytestmark = pytest.mark.vm

_T = TypeVar("_T")
_PORT = f"/dev/virtio-ports/{CHANNEL}"
# Answers every 64 KiB it can get with the same bytes; ends when the host goes away.
_ECHO = f"""
import os, select
p = os.open("{_PORT}", os.O_RDWR)
while True:
    data = os.read(p, 65536)
    if not data:
        break
    while data:
        data = data[os.write(p, data):]
"""


class Received:
    """A link that keeps what came."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.gone: asyncio.Future[GuestError | None] = asyncio.get_running_loop().create_future()
        self.news = asyncio.Event()
        self.room = asyncio.Event()

    def received(self, data: bytes) -> None:
        self.data += data
        self.news.set()

    def writable(self) -> None:
        self.room.set()

    def lost(self, error: GuestError | None) -> None:
        self.gone.set_result(error)

    async def has(self, size: int) -> bytes:
        while len(self.data) < size:
            self.news.clear()
            await asyncio.wait_for(self.news.wait(), 60)
        return bytes(self.data)

    async def send(self, transport: Transport, data: bytes) -> None:
        while data:
            self.room.clear()
            data = data[transport.write(data) :]
            if data:
                await asyncio.wait_for(self.room.wait(), 60)


def run(work: Coroutine[Any, Any, _T]) -> _T:
    return asyncio.run(work)


@pytest.fixture
def channel(guest: Domain, hypervisor: Hypervisor) -> Domain:
    """The guest with our channel, added if no test did so before."""
    add_channel(hypervisor, hypervisor.domain("Lab guest"))
    until(lambda: guest.shell.sh(f"test -e {_PORT} && echo yes || true"), timeout=60, what="the port")
    return guest


def test_the_channel_is_added_to_a_running_vm_and_the_change_is_told(
    guest: Domain, hypervisor: Hypervisor
) -> None:
    changes: list[Change] = []
    found = hypervisor.domain("Lab guest")
    assert found.power is Power.RUNNING
    assert found.guest_agent_connected
    assert found.channel is ChannelState.MISSING
    with pytest.raises(NeuronError) as refused:
        run(VmEndpoint(hypervisor, found).connect(None))  # type: ignore[arg-type]  # fails before it is used
    assert refused.value.code == "guest.no-channel"
    stop = hypervisor.watch(changes.append)
    try:
        added = add_channel(hypervisor, found)
        assert (added.changed, added.restart_needed) == (True, False)
        until(lambda: Change(found.uuid) in changes, timeout=30, what="the news")
    finally:
        stop()
    again = hypervisor.domain(found.uuid)
    assert again.channel is ChannelState.DISCONNECTED
    assert again.channel_path is not None
    assert not add_channel(hypervisor, again).changed
    assert CHANNEL in guest.handle.XMLDesc(2)  # also in the description for the next start
    until(lambda: guest.shell.sh(f"test -e {_PORT} && echo yes || true"), timeout=60, what="the port")


def test_opening_the_port_in_the_guest_is_told_without_polling(
    channel: Domain, hypervisor: Hypervisor
) -> None:
    changes: list[Change] = []
    stop = hypervisor.watch(changes.append)
    try:
        uuid = channel.handle.UUIDString()
        pid = channel.shell.start("/usr/bin/python3", "-c", f"open('{_PORT}', 'rb'); input()")
        until(lambda: Change(uuid) in changes, timeout=30, what="the news")
        channel.shell.finish(pid, check=False)
    finally:
        stop()


def test_bytes_go_both_ways_through_libvirt_and_a_second_client_is_told_it_is_taken(
    channel: Domain, hypervisor: Hypervisor
) -> None:
    uuid = channel.handle.UUIDString()
    data = bytes(range(256)) * 4096 * 3

    async def work() -> None:
        link = Received()
        transport = await open_stream(hypervisor.uri, uuid, link, vm="Lab guest")
        channel.shell.start("/usr/bin/python3", "-c", _ECHO)
        await link.send(transport, data)
        assert await link.has(len(data)) == data
        with pytest.raises(GuestError) as taken:
            await open_stream(hypervisor.uri, uuid, link, vm="Lab guest")
        assert taken.value.code == "guest.channel-in-use"
        transport.close()
        transport.close()

    run(work())


def test_the_endpoint_finds_the_way_and_sees_that_somebody_else_has_the_channel(
    channel: Domain, hypervisor: Hypervisor
) -> None:
    domain = hypervisor.domain("Lab guest")

    async def work() -> None:
        link = Received()
        transport = await VmEndpoint(hypervisor, domain).connect(link)
        channel.shell.start("/usr/bin/python3", "-c", _ECHO)
        await link.send(transport, b"hello")
        assert await link.has(5) == b"hello"
        with pytest.raises(GuestError) as taken:
            await VmEndpoint(hypervisor, domain).connect(Received())
        assert taken.value.code == "guest.channel-in-use"
        transport.close()

    run(work())
