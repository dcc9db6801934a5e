"""What the tray's menu holds for the machines as they are, as plain data; :mod:`.menu_keeper` shows it.

An entry's key says what it is, not where it stands: while a key stays, the entry under the person's pointer
does, whatever else changes around it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from libneuron.guest.api import GuestApp
from libneuron.guest.clipboard.rules import Direction, Side
from libneuron.guest.wire.requests import Permission
from libneuron.ui.text import translate
from neuron_guest_bridge import words
from neuron_guest_bridge.machines import Machine, Snapshot

MOST_APPS = 15
"""In the menu; the window has them all."""
_DIRECTIONS = (Direction.BOTH, Direction.TO_GUEST, Direction.TO_HOST, Direction.OFF)


class What(Enum):
    """What a person can wish for in the menu; a wish's value says which."""

    POWER = "power"
    """Value: one of :class:`~neuron_guest_bridge.machines.Act`."""
    DIRECTION = "direction"
    """Value: a :class:`Direction`'s."""
    SEND = "send"
    """Value: the :class:`Side` whose copy is sent."""
    LAUNCH = "launch"
    """Value: an application's path."""
    FOLLOW = "follow"
    PICTURE = "picture"
    WINDOW = "window"


@dataclass(frozen=True)
class Wish:
    """What choosing an entry asks for."""

    machine: str
    what: What
    value: str = ""


@dataclass(frozen=True)
class Entry:
    """One entry; ``key`` is its own among those beside it. Without ``text`` it is a line between others.

    ``below``: a menu of its own, ``checked``: whether it has a mark (None: it never has), ``one_of``: of the
    marked ones beside it only one is.
    """

    key: str
    text: str = ""
    wish: Wish | None = None
    below: tuple[Entry, ...] | None = None
    enabled: bool = True
    checked: bool | None = None
    one_of: bool = False


def _plain(name: str) -> str:
    """A name in a menu, where a single "&" would mark a letter."""
    return name.replace("&", "&&")


def entries(snapshot: Snapshot, apps: Mapping[str, tuple[GuestApp, ...]]) -> tuple[Entry, ...]:
    """One entry per machine, in the snapshot's order. ``apps``: of each machine, sorted."""
    return tuple(
        Entry(
            machine.id,
            translate("Tray", "{name} ({state})").format(
                name=_plain(machine.name), state=words.brief(machine)
            ),
            below=tuple(_machine(machine, apps.get(machine.id, ()))),
        )
        for machine in snapshot.machines
    )


def _machine(machine: Machine, apps: tuple[GuestApp, ...]) -> Iterator[Entry]:
    for name in machine.acts:
        yield Entry(f"power-{name}", words.act(name).text, Wish(machine.id, What.POWER, name))
    yield Entry("line-power")
    if machine.ready:
        clipboard, own = tuple(_clipboard(machine)), tuple(_apps(machine, apps))
        yield Entry("clipboard", translate("Tray", "&Clipboard"), below=clipboard)
        yield Entry("apps", translate("Tray", "&Applications"), below=own)
        if machine.can_follow:
            text, wish = translate("Tray", "&Match window size"), Wish(machine.id, What.FOLLOW)
            yield Entry("follow", text, wish, checked=machine.follows)
        if Permission.SCREENSHOT in machine.allowed:
            yield Entry("picture", translate("Tray", "Take pictur&e"), Wish(machine.id, What.PICTURE))
        yield Entry("line-ready")
    yield Entry("window", translate("Tray", "Sh&ow in window"), Wish(machine.id, What.WINDOW))


def _clipboard(machine: Machine) -> Iterator[Entry]:
    for value in _DIRECTIONS:
        yield Entry(
            f"direction-{value.value}",
            words.direction(value),
            Wish(machine.id, What.DIRECTION, value.value),
            checked=machine.clipboard is value,
            one_of=True,
        )
    yield Entry("line")
    for side, text in (
        (Side.HOST, translate("Tray", "&Send what I copied here")),
        (Side.GUEST, translate("Tray", "&Fetch what was copied there")),
    ):
        wish = Wish(machine.id, What.SEND, side.value)
        yield Entry(f"send-{side.value}", text, wish, enabled=machine.sharing)


def _apps(machine: Machine, apps: tuple[GuestApp, ...]) -> Iterator[Entry]:
    known = {app.path: app for app in apps}  # a machine may name one twice
    first = dict.fromkeys((*machine.favourites, *machine.recent))
    last = [known[path] for path in first if path in known]
    # An application stands here and below: starting it must not move the entry that it was started with.
    yield from (_app("first", machine, app) for app in last)
    if last:
        yield Entry("line")
    yield from (_app("app", machine, app) for app in list(known.values())[:MOST_APPS])
    if not known:
        yield Entry("none", translate("Tray", "None known yet"), enabled=False)
    elif len(known) > MOST_APPS:
        yield Entry("more", translate("Tray", "&More in the window…"), Wish(machine.id, What.WINDOW))


def _app(kind: str, machine: Machine, app: GuestApp) -> Entry:
    return Entry(f"{kind}-{app.path}", _plain(app.name), Wish(machine.id, What.LAUNCH, app.path))
