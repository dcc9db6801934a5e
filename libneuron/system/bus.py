"""D-Bus: :class:`Bus` speaks to one message bus through dbus-fast, on the loop of a :class:`LoopThread`.

Nothing here knows Qt; results reach a window as the window's own queued signals.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from dbus_fast import BusType, Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from libneuron.system.errors import SystemAccessError
from libneuron.system.loop import LoopThread as LoopThread


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
            async with asyncio.timeout(10):
                await connection.connect()
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
        """Call a method; returns the reply's values with variants unwrapped. A reply that is one
        descriptor ("h") comes as its number in this process, to be closed by the caller.

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
            async with asyncio.timeout(timeout):
                reply = await self.connection.call(message)
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
        if reply.signature == "h":
            return (reply.unix_fds[reply.body[0]],)
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
        async with asyncio.timeout(5):
            await self.connection.wait_for_disconnect()  # type: ignore[no-untyped-call]  # dbus-fast
