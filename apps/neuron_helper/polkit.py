"""Asks polkit whether a caller may do something. The caller's own word is never taken for anything."""

from __future__ import annotations

import secrets

from dbus_fast import Variant

from libneuron.errors import NeuronError
from libneuron.system.bus import Bus
from libneuron.system.helper import HelperError

_NAME = "org.freedesktop.PolicyKit1"
_PATH = "/org/freedesktop/PolicyKit1/Authority"
_INTERFACE = "org.freedesktop.PolicyKit1.Authority"
_INTERACTION = 1  # AllowUserInteraction


async def authorize(bus: Bus, sender: str, action: str, *, interaction: bool, limit: float) -> None:
    """Return if ``sender`` (a unique bus name) may do ``action``.

    ``limit`` is in seconds and bounds a password dialog too; a dialog left open then is closed.
    Raises: HelperError denied, no-answer. Everything unclear is a no.
    """
    cancellation = secrets.token_hex(16)
    subject = ["system-bus-name", {"name": Variant("s", sender)}]
    flags = _INTERACTION if interaction else 0
    try:
        answer = await bus.call(
            _NAME,
            _PATH,
            _INTERFACE,
            "CheckAuthorization",
            "(sa{sv})sa{ss}us",
            (subject, action, {}, flags, cancellation),
            timeout=limit,
        )
    except NeuronError as error:
        if error.code == "system.bus-timeout":
            await _cancel(bus, cancellation)
        raise HelperError("helper.no-answer", details=error.details or str(error)) from error
    if not answer or not isinstance(answer[0], list) or answer[0][:1] != [True]:
        raise HelperError("helper.denied")


async def _cancel(bus: Bus, cancellation: str) -> None:
    try:
        await bus.call(
            _NAME, _PATH, _INTERFACE, "CancelCheckAuthorization", "s", (cancellation,), timeout=1.0
        )
    except NeuronError:
        return  # the dialog closes by itself when we leave the bus
