"""Two channels joined in memory, for tests of the wire layer."""

from __future__ import annotations

import functools
import ssl
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from libneuron.guest.keys import KeyPair, new_pair
from libneuron.guest.wire.channel import Channel, ChannelEvent, Credentials
from libneuron.guest.wire.tls import Identity, context


class FakeClock:
    """Monotonic seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def credentials(own: KeyPair, peer: KeyPair, *, server: bool) -> Credentials:
    """TLS credentials from two key pairs."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "c").write_text(own.certificate)
        (folder / "k").write_text(own.key)
        made = context(Identity(folder / "c", folder / "k", peer.certificate), server=server)
    return Credentials(made, ssl.PEM_cert_to_DER_cert(peer.certificate))


@functools.cache
def pair_of_credentials() -> tuple[Credentials, Credentials]:
    """(host, guest) that accept each other; made once."""
    host, guest = new_pair("host"), new_pair("guest")
    return credentials(host, guest, server=False), credentials(guest, host, server=True)


@dataclass
class Joined:
    """A host and a guest whose bytes reach each other when :meth:`run` is called."""

    clock: FakeClock = field(default_factory=FakeClock)
    host_events: list[ChannelEvent] = field(default_factory=list)
    guest_events: list[ChannelEvent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.host = self.new_host()
        self.guest = self.new_guest()

    def new_host(self) -> Channel:
        return Channel(host=True, credentials=lambda _hint: pair_of_credentials()[0], clock=self.clock)

    def new_guest(self) -> Channel:
        return Channel(
            host=False,
            credentials=lambda _hint: pair_of_credentials()[1],
            clock=self.clock,
            hello=lambda: {"agent": "test"},
        )

    def to_guest(self, data: bytes) -> None:
        self.guest_events += self.guest.receive(data)

    def to_host(self, data: bytes) -> None:
        self.host_events += self.host.receive(data)

    def run(self, rounds: int = 10_000) -> None:
        """Carry bytes both ways until none is left."""
        for _ in range(rounds):
            there, back = self.host.take(), self.guest.take()
            if not there and not back:
                return
            if there:
                self.to_guest(there)
            if back:
                self.to_host(back)
        raise AssertionError("the two ends never come to rest")
