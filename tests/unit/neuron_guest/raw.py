"""A host that can misbehave: a channel on a plain socket, with access to every layer."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from libneuron.guest.keys import KeyStore
from libneuron.guest.wire.channel import Channel, ChannelEvent, Down, Ready
from libneuron.guest.wire.content import ENROLMENT_FILE
from libneuron.guest.wire.mux import Body, Message, Source
from libneuron.guest.wire.requests import PROTOCOL
from neuron_guest.agent import Agent
from neuron_guest.backend import Backend
from neuron_guest.keys import GuestKeys
from neuron_guest.platform.posix import UnixListenPort


class RawHost:
    """Blocking; gives up after ten seconds without the awaited event."""

    def __init__(self, path: Path, store: KeyStore, which: str = "paired") -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(10)
        self.socket.connect(str(path))
        made = store.credentials("vm", which)
        self.channel = Channel(host=True, credentials=lambda _hint: made)
        self.events: list[ChannelEvent] = []
        self._next = 0

    def flush(self) -> None:
        """Send what waits."""
        while data := self.channel.take():
            self.socket.sendall(data)

    def until(self, check: Callable[[ChannelEvent], bool]) -> ChannelEvent:
        """Exchange bytes until an event fits; it is taken out."""
        while True:
            for at, event in enumerate(self.events):
                if check(event):
                    del self.events[at]
                    return event
            self.flush()
            data = self.socket.recv(65536)
            if not data:
                raise EOFError
            new = self.channel.receive(data)
            for event in new:
                if isinstance(event, Body):
                    self.channel.mux.consumed(event.stream, len(event.data))
            self.events += new
            self.flush()

    def begin(self) -> Ready | Down:
        """A session: Ready, or Down with why not."""
        self.channel.start()
        found = self.until(lambda event: isinstance(event, (Ready, Down)))
        assert isinstance(found, (Ready, Down))
        return found

    def ask(
        self, verb: str, data: object = None, *, body: Source | None = None, **more: object
    ) -> Mapping[str, Any]:
        """A request and its answer's head."""
        self._next += 1
        head = {"type": verb, "request_id": self._next, "data": data, **more}
        self.channel.send(head, body)
        return self.answer(head["request_id"])

    def answer(self, identity: object) -> Mapping[str, Any]:
        """The answer with this id."""
        found = self.until(
            lambda event: isinstance(event, Message) and event.head.get("request_id") == identity
        )
        assert isinstance(found, Message)
        return found.head

    def hello(self, *permissions: str) -> Mapping[str, Any]:
        """Greet."""
        return self.ask(
            "hello", {"oldest": PROTOCOL[0], "newest": PROTOCOL[1], "permissions": list(permissions)}
        )

    def plain(self, data: bytes) -> None:
        """Plain bytes of our choosing, through the real TLS."""
        channel = self.channel
        assert channel._tls is not None
        channel._outbox.append(channel._encoder.records(channel._tls.seal(data)))
        self.flush()

    def close(self) -> None:
        self.socket.close()


def enrol(path: Path, store: KeyStore) -> None:
    """What a client does at first contact."""
    host = RawHost(path, store, "enrol")
    host.begin()
    assert host.ask("enrol", store.fresh_keys("vm"))["success"]
    host.close()
    store.finish_enrolment("vm")


@contextlib.contextmanager
def serving(folder: Path, backend: Backend) -> Iterator[tuple[Path, KeyStore, GuestKeys]]:
    """An agent on a thread of this process with a hand-over waiting: (its socket, host's keys, its keys)."""
    store = KeyStore(folder / "host")
    guest = GuestKeys(folder / "guest")
    (folder / "guest" / ENROLMENT_FILE).write_text(store.begin_enrolment("vm", "test"))
    port = UnixListenPort(folder / "s")
    agent = Agent(port, backend, guest)
    thread = threading.Thread(target=agent.run)
    thread.start()
    try:
        yield folder / "s", store, guest
    finally:
        agent.stop()
        thread.join(10)
        assert not thread.is_alive()
        port.release()
