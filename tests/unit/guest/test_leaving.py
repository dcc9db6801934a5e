"""Stopping a client ends it, whatever happens at the same moment."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from libneuron.guest.client import GuestClient, VmKeys
from libneuron.guest.keys import KeyStore
from libneuron.guest.permissions import DEFAULT
from libneuron.guest.transport import Link, Transport
from libneuron.system.loop import LoopThread
from neuron_guest_bridge.simulation import VM


@pytest.mark.parametrize("ticks", range(5))
def test_leaving_while_something_happens_ends_all_the_same(
    io: LoopThread, tmp_path: Path, ticks: int
) -> None:
    class Quiet:
        def write(self, data: bytes | memoryview) -> int:
            return len(data)

        def close(self) -> None:
            pass

    class Port:
        label = "win11"
        link: Link | None = None

        async def connect(self, link: Link) -> Transport:
            self.link = link
            return Quiet()

    store = KeyStore(tmp_path)
    store.begin_enrolment(VM, "win11")

    async def leave() -> bool:
        port = Port()
        client = GuestClient(port, VmKeys(store, VM), permissions=lambda: DEFAULT)
        client.start()
        while port.link is None:
            await asyncio.sleep(0)
        await asyncio.sleep(0)  # it listens
        port.link.lost(None)
        for _ in range(ticks):
            await asyncio.sleep(0)
        leaving = asyncio.ensure_future(client.stop())
        ended, _ = await asyncio.wait({leaving}, timeout=20)
        return leaving in ended

    assert io.wait(leave())
