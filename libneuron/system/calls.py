"""D-Bus calls for code that blocks: one connection, opened at its first use, shared by many threads."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, Protocol

from libneuron.errors import NeuronError
from libneuron.system.bus import Bus, LoopThread


class Caller(Protocol):
    """Calls methods on one message bus and waits for the answer."""

    def call(
        self,
        service: str,
        path: str,
        interface: str,
        member: str,
        signature: str = "",
        body: Sequence[Any] = (),
        *,
        timeout: float = 25.0,
    ) -> tuple[Any, ...]:
        """As :meth:`libneuron.system.bus.Bus.call`."""

    def get(self, service: str, path: str, interface: str, name: str, *, timeout: float = 25.0) -> Any:
        """Read a property."""


class BlockingBus:
    """A :class:`Caller` on the system bus (or ``address``); safe to use from any thread but the loop's."""

    def __init__(self, loop: LoopThread, *, address: str | None = None) -> None:
        self._loop = loop
        self.address = address
        self._lock = threading.Lock()
        self._bus: Bus | None = None
        self._failure: NeuronError | None = None

    def _opened(self) -> Bus:
        with self._lock:
            if self._failure is not None:
                raise self._failure
            if self._bus is None:
                try:
                    self._bus = self._loop.wait(Bus.open(system=True, address=self.address))
                except NeuronError as error:
                    self._failure = error
                    raise
            return self._bus

    def call(
        self,
        service: str,
        path: str,
        interface: str,
        member: str,
        signature: str = "",
        body: Sequence[Any] = (),
        *,
        timeout: float = 25.0,
    ) -> tuple[Any, ...]:
        """See :meth:`Caller.call`. Raises: SystemAccessError as Bus.call, bus-unavailable."""
        bus = self._opened()
        work = bus.call(service, path, interface, member, signature, body, timeout=timeout)
        return self._loop.wait(work)

    def get(self, service: str, path: str, interface: str, name: str, *, timeout: float = 25.0) -> Any:
        """See :meth:`Caller.get`."""
        return self._loop.wait(self._opened().get(service, path, interface, name, timeout=timeout))

    def close(self) -> None:
        """Disconnect, if it ever connected."""
        with self._lock:
            if self._bus is not None:
                self._loop.wait(self._bus.close())
                self._bus = None
