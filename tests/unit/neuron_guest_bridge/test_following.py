"""A machine's display that follows a window: what a machine that does not answer comes to."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from libneuron.guest.api import GuestApi, Reply
from libneuron.guest.errors import GuestError
from libneuron.system.loop import LoopThread
from neuron_guest_bridge import following


class Silent:
    """A guest that never answers."""

    label = "win"

    async def request(
        self,
        verb: str,
        data: Mapping[str, Any] | None = None,
        *,
        body: bytes | None = None,
        timeout: float = 15.0,
    ) -> Reply:
        del verb, data, body, timeout
        await asyncio.Event().wait()
        raise AssertionError


@pytest.fixture
def io() -> Iterator[LoopThread]:
    with LoopThread() as thread:
        yield thread


def test_a_machine_that_does_not_answer_is_an_error_with_words(
    io: LoopThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "_PATIENCE", 0.05)
    display = following.Following(io, GuestApi(Silent()), memory_mib=None, changed=lambda: None)
    with pytest.raises(GuestError) as caught:
        display.start(None)
    assert caught.value.code == "guest.timeout"
    assert "win" in caught.value.sentence()
