"""Ways to a guest's port: what stands in them is told as what it is."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path
from typing import cast

import pytest

from libneuron.guest.errors import GuestError
from libneuron.guest.transport import Link, UnixSocketEndpoint
from libneuron.system.loop import LoopThread


def test_a_channel_whose_places_are_all_taken_is_in_use(io: LoopThread, tmp_path: Path) -> None:
    with contextlib.ExitStack() as opened:
        listener = opened.enter_context(socket.socket(socket.AF_UNIX))
        listener.bind(str(tmp_path / "s"))
        listener.listen(0)
        with contextlib.suppress(BlockingIOError):
            for _ in range(100):
                waiting = opened.enter_context(socket.socket(socket.AF_UNIX))
                waiting.setblocking(False)
                waiting.connect(str(tmp_path / "s"))
        with pytest.raises(GuestError) as caught:
            io.wait(UnixSocketEndpoint(tmp_path / "s", "win11").connect(cast(Link, None)))
    assert caught.value.code == "guest.channel-in-use"
