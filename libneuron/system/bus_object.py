"""Serving an object on a message bus: an interface is data, its methods plain functions on threads.

    interface = Interface("org.example.Thing1", "/org/example/Thing1", "What it is.", methods=(…))
    served = await BusObject.serve(bus, interface)      # None: another program has the name
    served.emit("Changed", ("value",))

Only programs of the person who runs us are answered, whatever the bus lets through.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dbus_fast import ErrorType, Message, MessageType, Variant

from libneuron.errors import NeuronError
from libneuron.system.bus import Bus
from libneuron.system.errors import SystemAccessError

_log = logging.getLogger(__name__)
_DAEMON, _DAEMON_PATH = "org.freedesktop.DBus", "/org/freedesktop/DBus"
_PROPERTIES = "org.freedesktop.DBus.Properties"
_PER_CALLER, _TOGETHER = 8, 24  # calls under way


@dataclass(frozen=True)
class Argument:
    """A name and a D-Bus type ("a(uu)")."""

    name: str
    type: str


@dataclass(frozen=True)
class Method:
    """``run`` gets the arguments' plain values on a worker thread and returns the results'.

    Raises: NeuronError, told to the caller as ``<interface>.Error.<Code>``.
    """

    name: str
    doc: str
    run: Callable[..., Sequence[Any]]
    takes: tuple[Argument, ...] = ()
    gives: tuple[Argument, ...] = ()


@dataclass(frozen=True)
class SignalKind:
    """Something the object tells."""

    name: str
    doc: str
    holds: tuple[Argument, ...] = ()


@dataclass(frozen=True)
class Constant:
    """A property that never changes."""

    name: str
    doc: str
    type: str
    value: Any


@dataclass(frozen=True)
class Interface:
    """One interface of one object; its name is the bus name, too."""

    name: str
    path: str
    doc: str
    methods: tuple[Method, ...] = ()
    signals: tuple[SignalKind, ...] = ()
    constants: tuple[Constant, ...] = ()


def described(values: Mapping[str, bool | int | float | str | Sequence[str]]) -> dict[str, Variant]:
    """``values`` as one a{sv}: b, x, d, s and as."""
    return {name: _variant(value) for name, value in values.items()}


def _variant(value: bool | int | float | str | Sequence[str]) -> Variant:  # noqa: FBT001 — a value
    if isinstance(value, bool):
        return Variant("b", value)
    if isinstance(value, int):
        return Variant("x", value)
    if isinstance(value, float):
        return Variant("d", value)
    return Variant("s", value) if isinstance(value, str) else Variant("as", list(value))


def error_name(interface: str, code: str) -> str:
    """ "guest.not-permitted" as ``<interface>.Error.GuestNotPermitted``."""
    words = code.replace(".", "-").split("-")
    return f"{interface}.Error.{''.join(word[:1].upper() + word[1:] for word in words)}"


def _escaped(text: str) -> str:
    """For text and attributes. The library's own brings urllib and its megabytes along."""
    for letter, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        text = text.replace(letter, entity)
    return text


def introspection(interface: Interface) -> str:
    """The interface with its documentation, as XML (D-Bus Specification, "Introspection Data Format")."""
    lines = [
        '<!DOCTYPE node PUBLIC "-//freedesktop//DTD D-BUS Object Introspection 1.0//EN"',
        ' "http://www.freedesktop.org/standards/dbus/1.0/introspect.dtd">',
        "<node>",
        f'  <interface name="{_escaped(interface.name)}">',
        *_doc(interface.doc, 4),
    ]
    for method in interface.methods:
        lines.append(f'    <method name="{_escaped(method.name)}">')
        lines += _doc(method.doc, 6)
        for way, arguments in (("in", method.takes), ("out", method.gives)):
            lines += [_arg(item, f' direction="{way}"') for item in arguments]
        lines.append("    </method>")
    for signal in interface.signals:
        lines.append(f'    <signal name="{_escaped(signal.name)}">')
        lines += [*_doc(signal.doc, 6), *(_arg(item, "") for item in signal.holds)]
        lines.append("    </signal>")
    for item in interface.constants:
        lines.append(f'    <property name="{_escaped(item.name)}" type="{item.type}" access="read">')
        lines += [
            '      <annotation name="org.freedesktop.DBus.Property.EmitsChangedSignal" value="const"/>',
            *_doc(item.doc, 6),
            "    </property>",
        ]
    return "\n".join([*lines, "  </interface>", "</node>", ""])


def _doc(text: str, indent: int) -> list[str]:
    """As comments: the format has no element for documentation."""
    return [f"{' ' * indent}<!-- {_escaped(line)} -->" for line in text.splitlines()]


def _arg(item: Argument, more: str) -> str:
    return f'      <arg name="{_escaped(item.name)}" type="{_escaped(item.type)}"{more}/>'


class BusObject:
    """A served object; belongs to the loop. :meth:`emit` may be called from any thread."""

    def __init__(self, bus: Bus, interface: Interface) -> None:
        self._bus = bus
        self._interface = interface
        self._methods = {method.name: method for method in interface.methods}
        self._xml = introspection(interface)
        self._loop = asyncio.get_running_loop()
        self._running: dict[asyncio.Task[None], str] = {}

    @classmethod
    async def serve(cls, bus: Bus, interface: Interface) -> BusObject | None:
        """Claim the interface's name and answer; None where another program has it.

        Raises: SystemAccessError.
        """
        made = cls(bus, interface)
        bus.connection.add_message_handler(made._received)
        # 4: do not queue; 1 in the answer: we are the owner.
        asked = (interface.name, 4)
        answer = await bus.call(_DAEMON, _DAEMON_PATH, _DAEMON, "RequestName", "su", asked)
        if answer[0] == 1:
            return made
        bus.connection.remove_message_handler(made._received)
        return None

    def emit(self, name: str, values: Sequence[Any] = ()) -> None:
        """Tell everybody who listens."""
        kind = next(item for item in self._interface.signals if item.name == name)
        message = Message.new_signal(
            self._interface.path,
            self._interface.name,
            name,
            "".join(item.type for item in kind.holds),
            list(values),
        )
        self._loop.call_soon_threadsafe(self._send, message)

    async def close(self) -> None:
        """Answer nothing any more, and give the name back."""
        self._bus.connection.remove_message_handler(self._received)
        for task in self._running:
            task.cancel()
        await self._bus.call(_DAEMON, _DAEMON_PATH, _DAEMON, "ReleaseName", "s", (self._interface.name,))

    def _send(self, message: Message) -> None:
        if self._bus.connection.connected:
            self._bus.connection.send(message)

    def _received(self, message: Message) -> Message | bool | None:
        if message.message_type is not MessageType.METHOD_CALL or message.path != self._interface.path:
            return None
        if message.interface == "org.freedesktop.DBus.Introspectable":
            return Message.new_method_return(message, "s", [self._xml])
        if message.interface == _PROPERTIES:
            return self._property(message)
        method = self._methods.get(message.member or "")
        if message.interface not in (self._interface.name, None) or method is None:
            return None
        if message.signature != "".join(item.type for item in method.takes):
            return Message.new_error(message, ErrorType.INVALID_ARGS, f"{method.name}: other arguments")
        sender = message.sender or ""
        if Counter(self._running.values())[sender] >= _PER_CALLER or len(self._running) >= _TOGETHER:
            return Message.new_error(message, ErrorType.LIMITS_EXCEEDED, "too many calls under way")
        task = asyncio.ensure_future(self._answer(message, method, sender))
        self._running[task] = sender
        task.add_done_callback(lambda done: self._running.pop(done, None))
        return True

    def _property(self, message: Message) -> Message | None:
        known = {item.name: item for item in self._interface.constants}
        if message.member == "GetAll" and message.body == [self._interface.name]:
            found = {name: Variant(item.type, item.value) for name, item in known.items()}
            return Message.new_method_return(message, "a{sv}", [found])
        if message.member == "Get" and message.body[:1] == [self._interface.name]:
            item = known.get(message.body[1])
            if item is not None:
                return Message.new_method_return(message, "v", [Variant(item.type, item.value)])
        return Message.new_error(message, "org.freedesktop.DBus.Error.UnknownProperty", "no such property")

    async def _answer(self, message: Message, method: Method, sender: str) -> None:
        try:
            if not await self._is_ours(sender):
                reply = Message.new_error(message, ErrorType.ACCESS_DENIED, "another person's program")
            else:
                values = await asyncio.to_thread(method.run, *message.body)
                signature = "".join(item.type for item in method.gives)
                reply = Message.new_method_return(message, signature, list(values))
        except NeuronError as error:
            reply = Message.new_error(message, error_name(self._interface.name, error.code), str(error))
        except Exception:  # noqa: BLE001 — the caller must get an answer; the log gets the bug
            _log.exception("%s", method.name)
            reply = Message.new_error(message, ErrorType.FAILED, "a mistake in the program; see its log")
        self._send(reply)

    async def _is_ours(self, sender: str) -> bool:
        try:
            (user,) = await self._bus.call(
                _DAEMON, _DAEMON_PATH, _DAEMON, "GetConnectionUnixUser", "s", (sender,)
            )
        except SystemAccessError:
            return False  # it left
        return bool(user == os.getuid())
