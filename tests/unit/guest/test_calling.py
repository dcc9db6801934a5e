"""A guest that calls of its own accord: it is answered at once, unless it calls without end."""

from __future__ import annotations

import os

import pytest

from libneuron.guest.errors import GuestError
from libneuron.guest.state import State
from libneuron.guest.wire.record import Mark, Marked, RecordDecoder, mark, record
from libneuron.system.bus import LoopThread
from tests.unit.guest.test_client import Fixed, Puppet, Watched


def test_a_guest_that_calls_during_a_pause_is_not_made_to_wait(
    io: LoopThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    guest = Puppet()
    watched = Watched(io, guest, Fixed())
    watched.until(State.READY)
    # Nothing but the guest's call ends the pause, which comes after a session that failed.
    monkeypatch.setattr(watched.client, "_delay", 3600.0)
    guest.mute = True
    with pytest.raises(GuestError):
        watched.guest.run(lambda api: api.ping(timeout=0.05))
    watched.until(State.CONNECTING)
    guest.mute = False

    async def call() -> None:
        guest.channel.start()
        guest.flush()

    io.wait(call())
    watched.until(State.READY)
    watched.guest.run(lambda api: api.ping())
    watched.guest.close()


class Marking(Puppet):
    """Answers each SYNC with ACK, nonsense (if ``noisy``) and CALL, until it is ``good``."""

    def __init__(self, *, noisy: bool) -> None:
        super().__init__()
        self.noisy = noisy
        self.good = False
        self.syncs = 0
        self._decoder = RecordDecoder()

    def write(self, data: bytes | memoryview) -> int:
        if self.good:
            return super().write(data)
        out = b""
        found = self._decoder.feed(bytes(data))
        while found:
            for item in found:
                if isinstance(item, Marked) and item.kind is Mark.SYNC:
                    self.syncs += 1
                    out += mark(Mark.ACK, item.id)
                    if self.noisy:
                        out += record(item.id, b"\x16\x03\x03\x00\x05xxxxx")
                    out += mark(Mark.CALL, os.urandom(16))
            found = self._decoder.more()
        if out:
            self._loop.call_soon(self._link.received, out)
        return len(data)


@pytest.mark.parametrize("noisy", [False, True])
def test_a_guest_that_calls_without_end_is_made_to_wait(
    io: LoopThread, monkeypatch: pytest.MonkeyPatch, noisy: bool
) -> None:
    monkeypatch.setattr("libneuron.guest.client.SILENT_AFTER", 1.0)
    guest = Marking(noisy=noisy)
    watched = Watched(io, guest, Fixed())
    watched.until(State.AGENT_SILENT)  # however often it called meanwhile
    assert guest.syncs < 40
    guest.good = True
    watched.until(State.READY)
    watched.guest.run(lambda api: api.ping())
    assert watched.history.empty()  # nothing stale ends the good session
    watched.guest.close()
