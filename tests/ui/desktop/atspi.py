"""A small assistive client: reads and drives apps through AT-SPI, over D-Bus like a screen reader does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from libneuron.system.bus import Bus, LoopThread
from libneuron.system.errors import SystemAccessError
from tests.ui.desktop.session import Desktop, wait_for

_ACCESSIBLE = "org.a11y.atspi.Accessible"
_STATES = {
    1: "active",
    4: "checked",
    8: "enabled",
    11: "focusable",
    12: "focused",
    25: "showing",
    30: "visible",
}
_PRESS = ("Press", "Toggle", "ShowMenu")


@dataclass(frozen=True)
class Node:
    """One accessible object of an app."""

    client: Client
    service: str
    path: str

    def _call(self, interface: str, member: str, signature: str = "", *body: Any) -> tuple[Any, ...]:
        return self.client.call(self.service, self.path, interface, member, signature, body)

    def _get(self, interface: str, name: str) -> Any:
        return self._call("org.freedesktop.DBus.Properties", "Get", "ss", interface, name)[0]

    @property
    def name(self) -> str:
        """What a screen reader calls it."""
        return str(self._get(_ACCESSIBLE, "Name"))

    @property
    def description(self) -> str:
        """What a screen reader adds."""
        return str(self._get(_ACCESSIBLE, "Description"))

    @property
    def role(self) -> str:
        """Its role, as AT-SPI names it ("push button", "list item")."""
        return str(self._call(_ACCESSIBLE, "GetRoleName")[0])

    @property
    def states(self) -> set[str]:
        """Those of its states that matter here."""
        low, high = self._call(_ACCESSIBLE, "GetState")[0]
        bits = low | high << 32
        return {word for bit, word in _STATES.items() if bits >> bit & 1}

    @property
    def children(self) -> list[Node]:
        """What it holds."""
        return [Node(self.client, *child) for child in self._call(_ACCESSIBLE, "GetChildren")[0]]

    @property
    def text(self) -> str:
        """The text of a field or document."""
        return str(self._call("org.a11y.atspi.Text", "GetText", "ii", 0, -1)[0])

    def press(self) -> None:
        """Do its first action that presses, toggles or opens."""
        count = self._get("org.a11y.atspi.Action", "NActions")
        names = [str(self._call("org.a11y.atspi.Action", "GetName", "i", at)[0]) for at in range(count)]
        at = next(at for at, name in enumerate(names) if name in _PRESS)
        self._call("org.a11y.atspi.Action", "DoAction", "i", at)

    def focus(self) -> None:
        """Give it the keyboard."""
        self._call("org.a11y.atspi.Component", "GrabFocus")

    def write(self, text: str) -> None:
        """Replace the text of a field."""
        self._call("org.a11y.atspi.EditableText", "SetTextContents", "s", text)

    def walk(self) -> Iterator[Node]:
        """This and everything below it that is there at the moment."""
        yield self
        try:
            children = self.children
        except SystemAccessError:
            return  # gone in the meantime
        for child in children:
            yield from child.walk()


class Client:
    """Used as a context inside a :class:`Desktop`."""

    def __init__(self, desktop: Desktop) -> None:
        self._desktop = desktop
        self._thread = LoopThread()
        session = self._thread.wait(Bus.open(address=desktop.environment["DBUS_SESSION_BUS_ADDRESS"]))
        address = self._thread.wait(
            session.call("org.a11y.Bus", "/org/a11y/bus", "org.a11y.Bus", "GetAddress")
        )[0]
        self._thread.wait(session.close())
        self._bus = self._thread.wait(Bus.open(address=address))
        self.apps()  # starts the registry: an app that starts before it is not seen

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.wait(self._bus.close())
        self._thread.close()

    def call(
        self, service: str, path: str, interface: str, member: str, signature: str, body: tuple[Any, ...]
    ) -> tuple[Any, ...]:
        """One method call. Raises: SystemAccessError."""
        return self._thread.wait(
            self._bus.call(service, path, interface, member, signature, body, timeout=10), timeout=15
        )

    def apps(self) -> list[Node]:
        """The root of each app that has registered."""
        root = Node(self, "org.a11y.atspi.Registry", "/org/a11y/atspi/accessible/root")
        return root.children

    def find(self, role: str, name: str, *, seconds: float = 60.0) -> Node:
        """The object of ``role`` with ``name`` that shows on the screen, waiting for it to appear."""

        def probe() -> Node | None:
            for app in self.apps():
                for node in app.walk():
                    try:
                        if node.name == name and node.role == role and "showing" in node.states:
                            return node
                    except SystemAccessError:
                        continue
            return None

        return wait_for(probe, f"the {role} “{name}”", seconds=seconds, seen=self.tree)

    def tree(self) -> str:
        """Everything there is, one line each, for a failing test."""
        lines = []
        for app in self.apps():
            for node in app.walk():
                try:
                    lines.append(f"{node.role} “{node.name}” {sorted(node.states)}")
                except SystemAccessError:
                    lines.append("(gone)")
        return "\n".join(lines)
