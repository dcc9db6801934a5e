"""What one connection tells of its own accord. Each registration holds the connection until it is undone."""

from __future__ import annotations

import contextlib
import functools
import logging
from collections.abc import Callable
from typing import Any

import libvirt
import libvirt_qemu

_log = logging.getLogger(__name__)

_EVENTS = (
    "LIFECYCLE", "REBOOT", "DEVICE_ADDED", "DEVICE_REMOVED", "AGENT_LIFECYCLE", "CHANNEL_LIFECYCLE",
    "TRAY_CHANGE", "PMSUSPEND", "PMWAKEUP",
)  # fmt: skip


class Listening:
    """From its making to :meth:`release` both callbacks are called on libvirt's event loop.

    ``told`` gets the UUID of a domain that changed, ``closed`` that the connection was lost.
    """

    def __init__(
        self, connection: libvirt.virConnect, *, told: Callable[[str], None], closed: Callable[[], None]
    ) -> None:
        self.connection = connection
        self._undo: list[Callable[[], Any]] = []

        def changed(_connection: object, domain: libvirt.virDomain, *_rest: object) -> None:
            told(domain.UUIDString())

        def lost(_connection: object, reason: int, _opaque: object) -> None:
            _log.debug("the connection closed (%s)", reason)
            closed()

        # CHANNEL_LIFECYCLE is newer than most libvirts in use (2026); before it only QEMU's own event tells
        # that the guest opened our port, and the agent's lifecycle event is for qemu-ga's port alone.
        for name in _EVENTS:
            number = getattr(libvirt, f"VIR_DOMAIN_EVENT_ID_{name}", None)
            if number is None:
                continue
            try:
                handle = connection.domainEventRegisterAny(None, number, changed, None)
                self._undo.append(functools.partial(connection.domainEventDeregisterAny, handle))
            except libvirt.libvirtError as error:
                _log.debug("nothing tells of %s: %s", name, error)
        with contextlib.suppress(libvirt.libvirtError):
            handle = libvirt_qemu.qemuMonitorEventRegister(
                connection, None, "VSERPORT_CHANGE", changed, None, 0
            )
            self._undo.append(functools.partial(libvirt_qemu.qemuMonitorEventDeregister, connection, handle))
        with contextlib.suppress(libvirt.libvirtError):
            connection.registerCloseCallback(lost, None)
            self._undo.append(connection.unregisterCloseCallback)

    @property
    def dead(self) -> bool:
        """Whether the connection is gone, so that :meth:`release` cannot wait for anybody."""
        try:
            return not self.connection.isAlive()
        except libvirt.libvirtError:
            return True

    def release(self) -> None:
        """Undo everything and close the connection; blocks while the daemon is asked."""
        for undo in (*self._undo, self.connection.close):
            with contextlib.suppress(libvirt.libvirtError):
                undo()
        self._undo.clear()
