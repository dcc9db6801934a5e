"""Notifications through org.freedesktop.Notifications, for programs without Qt. The server may be any
desktop's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from dbus_fast import Variant

from libneuron.system.bus import Bus, Signal

_NAME = "org.freedesktop.Notifications"
_PATH = "/org/freedesktop/Notifications"


class Urgency(IntEnum):
    """The specification's levels."""

    LOW = 0
    NORMAL = 1
    CRITICAL = 2


@dataclass(frozen=True)
class Note:
    """One notification. ``actions``: key → label, shown where the server has buttons; ``without_actions`` is
    added to the body where it has none; ``app_id`` is the desktop file's base name."""

    app_id: str
    app_name: str
    title: str
    body: str
    urgency: Urgency = Urgency.NORMAL
    actions: Mapping[str, str] = field(default_factory=dict)
    without_actions: str = ""


async def notify(
    bus: Bus, note: Note, *, wait: float | None, shown: Callable[[], None] = lambda: None
) -> str | None:
    """Show ``note``; returns the key of the action that the person chose, or None.

    ``shown`` is called once the server has it. Waits for the person only where the server has actions
    and the note has some: ``wait`` seconds, None without end. Raises: SystemAccessError bus-error where
    no server runs.
    """
    (abilities,) = await bus.call(_NAME, _PATH, _NAME, "GetCapabilities")
    can = "actions" in abilities and bool(note.actions)
    body = note.body if can or not note.without_actions else f"{note.body}\n{note.without_actions}"
    if "body-markup" in abilities:
        body = body.replace("&", "&amp;").replace("<", "&lt;")
    pairs = [word for pair in note.actions.items() for word in pair] if can else []
    hints = {
        "urgency": Variant("y", int(note.urgency)),
        "desktop-entry": Variant("s", note.app_id),
    }
    heard: asyncio.Queue[Signal] = asyncio.Queue()
    await bus.subscribe(f"type='signal',interface='{_NAME}',path='{_PATH}'", heard.put_nowait)
    expire = 0 if note.urgency is Urgency.CRITICAL else -1
    arguments = (note.app_name, 0, note.app_id, note.title, body, pairs, hints, expire)
    (number,) = await bus.call(_NAME, _PATH, _NAME, "Notify", "susssasa{sv}i", arguments)
    shown()
    if not can:
        return None
    try:
        async with asyncio.timeout(wait):
            return await _chosen(heard, number)
    except TimeoutError:
        return None


async def _chosen(heard: asyncio.Queue[Signal], number: int) -> str | None:
    while True:
        signal = await heard.get()
        if not signal.body or signal.body[0] != number:
            continue
        if signal.member == "ActionInvoked":
            return str(signal.body[1])
        if signal.member == "NotificationClosed":
            return None
