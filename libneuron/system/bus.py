"""D-Bus and channel I/O on one asyncio thread; blocking callers get plain functions.

:class:`LoopThread` owns the only event loop of a process. :class:`Bus` speaks to one message bus through
dbus-fast. Nothing here knows Qt; results reach a window as the window's own queued signals.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from dbus_fast import BusType, Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from libneuron.system.errors import SystemAccessError

_T = TypeVar("_T")


class LoopThread:
    """One asyncio loop on a thread of its own. Use as a context manager or call :meth:`close`."""

    def __init__(self, name: str = "neuron-io") -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()

    def submit(self, work: Coroutine[Any, Any, _T]) -> concurrent.futures.Future[_T]:
        """Start ``work`` on the loop; the future may be waited for or given a callback."""
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def wait(self, work: Coroutine[Any, Any, _T], *, timeout: float | None = None) -> _T:
        """Run ``work`` on the loop and block until done. Raises: TimeoutError after ``timeout`` seconds."""
        future = self.submit(work)
        try:
            return future.result(timeout)
        except concurrent.futures.TimeoutError:
            future.cancel()
            raise

    def close(self) -> None:
        """Cancel what runs, stop the loop and join the thread."""
        if self.loop.is_closed():
            return
        asyncio.run_coroutine_threadsafe(self._drain(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.close()

    async def _drain(self) -> None:
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.loop.shutdown_asyncgens()

    def __enter__(self) -> LoopThread:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass(frozen=True)
class Signal:
    """A signal received from the bus; ``body`` holds plain values."""

    sender: str
    path: str
    interface: str
    member: str
    body: tuple[Any, ...]


def plain(value: Any) -> Any:
    """``value`` with every Variant replaced by what it holds."""
    if isinstance(value, Variant):
        return plain(value.value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


class Bus:
    """One connection to a message bus. Every call has a time limit and comes back as a value or an error."""

    def __init__(self, connection: MessageBus, name: str) -> None:
        self.connection = connection
        self.name = name

    @classmethod
    async def open(cls, *, system: bool = False, address: str | None = None) -> Bus:
        """Connect to the session bus, the system bus, or ``address``.

        Raises: SystemAccessError bus-unavailable.
        """
        name = address or ("system" if system else "session")
        try:
            connection = MessageBus(
                bus_address=address,
                bus_type=BusType.SYSTEM if system else BusType.SESSION,
                negotiate_unix_fd=True,
            )
            await asyncio.wait_for(connection.connect(), 10)
        except Exception as error:
            raise SystemAccessError("system.bus-unavailable", bus=name, details=repr(error)) from error
        return cls(connection, name)

    async def call(
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
        """Call a method; returns the reply's values with variants unwrapped.

        Raises: SystemAccessError bus-error (details: the error's D-Bus name and text), bus-timeout.
        """
        message = Message(
            destination=service,
            path=path,
            interface=interface,
            member=member,
            signature=signature,
            body=list(body),
        )
        try:
            reply = await asyncio.wait_for(self.connection.call(message), timeout)
        except TimeoutError as error:
            raise SystemAccessError("system.bus-timeout", service=service, seconds=f"{timeout:g}") from error
        except (EOFError, ConnectionError, OSError) as error:
            raise SystemAccessError("system.bus-unavailable", bus=self.name, details=repr(error)) from error
        if reply is None:
            raise SystemAccessError("system.bus-unavailable", bus=self.name, details="the connection closed")
        if reply.message_type is MessageType.ERROR:
            text = str(reply.body[0]) if reply.body else ""
            raise SystemAccessError(
                "system.bus-error",
                service=service,
                error=text or reply.error_name,
                details=f"{interface}.{member}: {reply.error_name}: {text}",
            )
        return tuple(plain(value) for value in reply.body)

    async def get(self, service: str, path: str, interface: str, name: str, *, timeout: float = 25.0) -> Any:
        """Read a property."""
        properties = "org.freedesktop.DBus.Properties"
        return (await self.call(service, path, properties, "Get", "ss", (interface, name), timeout=timeout))[
            0
        ]

    async def subscribe(self, rule: str, receive: Callable[[Signal], None]) -> None:
        """Ask the bus for signals that match ``rule``; ``receive`` is called on the loop for every signal."""

        def handler(message: Message) -> None:
            if message.message_type is MessageType.SIGNAL:
                receive(
                    Signal(
                        sender=message.sender or "",
                        path=message.path or "",
                        interface=message.interface or "",
                        member=message.member or "",
                        body=tuple(plain(value) for value in message.body),
                    )
                )

        self.connection.add_message_handler(handler)
        bus = "org.freedesktop.DBus"
        await self.call(bus, "/org/freedesktop/DBus", bus, "AddMatch", "s", (rule,))

    async def close(self) -> None:
        """Disconnect."""
        self.connection.disconnect()
        await asyncio.wait_for(self.connection.wait_for_disconnect(), 5)  # type: ignore[no-untyped-call]  # dbus-fast
