"""A request's time limit is one, however long the connection took."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest

from libneuron.guest.api import Reply
from libneuron.guest.client import GuestClient, VmKeys
from libneuron.guest.keys import KeyStore
from libneuron.guest.permissions import DEFAULT
from libneuron.guest.session import Session
from libneuron.guest.transport import UnixSocketEndpoint
from libneuron.system.loop import LoopThread


class Answering:
    """A session that answers at once, and remembers how long it might have taken."""

    def __init__(self) -> None:
        self.timeout = 0.0

    async def ask(self, _verb: str, _data: object, *, timeout: float, **_more: Any) -> Reply:
        self.timeout = timeout
        return Reply({})


def test_waiting_for_the_connection_counts(
    io: LoopThread, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def wait_ready(_timeout: float) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        while loop.time() == began:
            await asyncio.sleep(0)

    async def ask() -> float:
        client = GuestClient(
            UnixSocketEndpoint(tmp_path / "s"), VmKeys(KeyStore(tmp_path), "vm"), permissions=lambda: DEFAULT
        )
        session = Answering()
        client._session = cast(Session, session)
        monkeypatch.setattr(client, "wait_ready", wait_ready)
        await client.request("ping", timeout=15.0)
        return session.timeout

    assert 0 < io.wait(ask()) < 15.0
