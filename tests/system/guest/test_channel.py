"""A real VM: found, given the channel while it runs, and spoken to through the socket and through libvirt."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

import libvirt
import pytest

from libneuron.guest.errors import GuestError
from libneuron.guest.hypervisor.channel import VmEndpoint, add_channel
from libneuron.guest.hypervisor.connection import Change, Hypervisor
from libneuron.guest.hypervisor.domains import CHANNEL, ChannelState, Power
from libneuron.guest.hypervisor.stream import open_stream
from libneuron.guest.transport import Transport
from tests.system.conftest import PATIENCE, WithChannel
from tests.system.lab.domain import Domain
from tests.system.lab.libvirtd import Libvirtd
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
            async with asyncio.timeout(PATIENCE):
                await self.news.wait()
        return bytes(self.data)

    async def send(self, transport: Transport, data: bytes) -> None:
        while data:
            self.room.clear()
            data = data[transport.write(data) :]
            if data:
                async with asyncio.timeout(PATIENCE):
                    await self.room.wait()


def run(work: Coroutine[Any, Any, _T]) -> _T:
    return asyncio.run(work)


@pytest.fixture
def free(channel: WithChannel) -> Iterator[Domain]:
    """The guest with a port that nobody holds: the agent, where it is installed, waits meanwhile."""
    shell = channel.machine.shell
    installed = shell.sh("systemctl is-enabled neuron-guest 2>/dev/null || true") == "enabled"
    if installed:
        shell.sh("systemctl stop neuron-guest")
    yield channel.machine
    if installed:
        shell.sh("systemctl start neuron-guest")


def test_the_channel_is_added_to_a_running_vm_and_the_change_is_told(
    channel: WithChannel, hypervisor: Hypervisor
) -> None:
    assert channel.before.power is Power.RUNNING
    assert channel.before.guest_agent_connected
    assert channel.before.channel is ChannelState.MISSING
    assert (channel.added.changed, channel.added.restart_needed) == (True, False)
    assert channel.told
    assert channel.after.channel is ChannelState.DISCONNECTED
    assert channel.after.channel_path is not None
    assert not add_channel(hypervisor, channel.after).changed
    kept = channel.machine.handle.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
    assert CHANNEL in kept  # also in the description for the next start


def test_opening_the_port_in_the_guest_is_told_without_polling(free: Domain, hypervisor: Hypervisor) -> None:
    changes: list[Change] = []
    stop = hypervisor.watch(changes.append)
    try:
        uuid = free.handle.UUIDString()
        pid = free.shell.start("/usr/bin/python3", "-c", f"open('{_PORT}', 'rb'); input()")
        until(lambda: Change(uuid) in changes, timeout=PATIENCE, what="the news")
        free.shell.finish(pid, check=False)
    finally:
        stop()


def test_bytes_go_both_ways_through_libvirt_and_a_second_client_is_told_it_is_taken(
    free: Domain, hypervisor: Hypervisor
) -> None:
    uuid = free.handle.UUIDString()
    data = bytes(range(256)) * 4096 * 3

    async def work() -> None:
        link = Received()
        transport = await open_stream(hypervisor.uri, uuid, link, vm="Lab guest")
        free.shell.start("/usr/bin/python3", "-c", _ECHO)
        await link.send(transport, data)
        assert await link.has(len(data)) == data
        with pytest.raises(GuestError) as taken:
            await open_stream(hypervisor.uri, uuid, link, vm="Lab guest")
        assert taken.value.code == "guest.channel-in-use"
        transport.close()
        transport.close()

    run(work())


def test_a_closed_stream_leaves_no_descriptor_behind(free: Domain, hypervisor: Hypervisor) -> None:
    async def once() -> None:
        (await open_stream(hypervisor.uri, free.handle.UUIDString(), Received(), vm="Lab guest")).close()

    def held() -> int:
        return len(os.listdir("/proc/self/fd"))

    hypervisor.domains()  # its own connection is there
    before = held()
    for _ in range(5):
        run(once())
        until(lambda: held() <= before, timeout=PATIENCE, what="the stream's connection to close")


def test_a_channel_that_another_program_has_locked_is_taken(
    free: Domain, hypervisor: Hypervisor, libvirtd: Libvirtd
) -> None:
    path = hypervisor.domain("Lab guest").channel_path
    lock = libvirtd.folder / "lock" / f"LCK..{str(path).replace('/', '_')}"
    lock.write_text("         1\n")  # the first process of its namespace lives as long as the daemon

    async def work() -> None:
        with pytest.raises(GuestError) as taken:
            await open_stream(hypervisor.uri, free.handle.UUIDString(), Received(), vm="Lab guest")
        assert taken.value.code == "guest.channel-in-use"

    try:
        run(work())
    finally:
        lock.unlink()


def test_the_endpoint_finds_the_way_and_sees_that_somebody_else_has_the_channel(
    free: Domain, hypervisor: Hypervisor
) -> None:
    domain = hypervisor.domain("Lab guest")

    async def work() -> None:
        link = Received()
        transport = await VmEndpoint(hypervisor, domain).connect(link)
        free.shell.start("/usr/bin/python3", "-c", _ECHO)
        await link.send(transport, b"hello")
        assert await link.has(5) == b"hello"
        with pytest.raises(GuestError) as taken:
            await VmEndpoint(hypervisor, domain).connect(Received())
        assert taken.value.code == "guest.channel-in-use"
        transport.close()

    run(work())
