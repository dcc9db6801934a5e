"""One machine's connection: the channel's client and, while it is ready, its clipboard."""

from __future__ import annotations

import logging
import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from libneuron.guest.api import GuestApi
from libneuron.guest.client import BlockingGuest, GuestClient, VmKeys
from libneuron.guest.clipboard.bridge import Bridge
from libneuron.guest.clipboard.channel import GuestClipboard
from libneuron.guest.clipboard.rules import Activity, Direction, Happened, Rules, Side
from libneuron.guest.errors import GuestError
from libneuron.guest.owned import OwnedEndpoint
from libneuron.guest.permissions import PermissionStore
from libneuron.guest.state import State
from libneuron.guest.transport import Endpoint
from libneuron.guest.wire.requests import Permission
from libneuron.system.clipboard.errors import ClipboardError
from libneuron.system.clipboard.model import Clipboard
from libneuron.system.clock import Clock
from libneuron.system.loop import LoopThread
from neuron_guest_bridge.activity import Line, Way, What
from neuron_guest_bridge.sharing import direction_of, with_direction

_log = logging.getLogger(__name__)
_T = TypeVar("_T")
_WHAT = {
    Happened.OFFERED: What.COPY_OFFERED,
    Happened.CROSSED: What.COPY_CROSSED,
    Happened.WITHHELD: What.COPY_WITHHELD,
    Happened.FAILED: What.COPY_FAILED,
}


@dataclass(frozen=True)
class Surroundings:
    """What every link shares. ``host_clipboard`` makes a new one; it raises ClipboardError where none is."""

    io: LoopThread
    clock: Clock
    permissions: PermissionStore
    runtime: Path
    spool: Path
    host_clipboard: Callable[[], Clipboard]
    changed: Callable[[str], None]
    happened: Callable[[Line], None]


class Link:
    """Keeps one machine connected from :meth:`__init__` to :meth:`close`, which block for moments only."""

    def __init__(
        self, machine: str, name: str, endpoint: Endpoint, keys: VmKeys, around: Surroundings
    ) -> None:
        self.machine = machine
        self.name = name
        self._around = around
        self._lock = threading.Lock()
        self._bridge: Bridge | None = None
        self._guest_clipboard: GuestClipboard | None = None
        self._closed = False
        self._endpoint = OwnedEndpoint(endpoint, runtime=around.runtime, vm=machine)
        self.client = GuestClient(
            self._endpoint, keys, permissions=self.allowed, on_state=self._state, on_event=self._event
        )
        self._endpoint.owned = self.client
        self._guest = BlockingGuest(around.io, self.client)

    def allowed(self) -> frozenset[Permission]:
        """What the person allows this machine."""
        return self._around.permissions.get(self.machine)

    @property
    def sharing(self) -> bool:
        """Whether the clipboard is connected."""
        return self._bridge is not None

    def ask(self, work: Callable[[GuestApi], Awaitable[_T]]) -> _T:
        """Run one piece of work with the typed verbs. Blocks. Raises: GuestError."""
        return self._guest.run(work)

    def kick(self) -> None:
        """Something changed: try to connect at once."""
        self._around.io.loop.call_soon_threadsafe(self.client.kick)

    def set_direction(self, direction: Direction) -> None:
        """Store which copies may cross, and make it so. Blocks. Raises: GuestError."""
        self._around.permissions.set(self.machine, with_direction(self.allowed(), direction))
        bridge = self._bridge
        if bridge is not None:
            bridge.set_rules(self._rules())
        self._around.io.wait(self.client.update_permissions(), timeout=20)

    def send_copy(self, source: Side) -> None:
        """Offer what is on one clipboard now on the other. Raises: GuestError disconnected."""
        bridge = self._bridge
        if bridge is None:
            raise GuestError("guest.disconnected", vm=self.name, verb="clipboard")
        bridge.send(source)

    def close(self) -> None:
        """Disconnect for good."""
        self._closed = True
        self._guest.close()
        self._around.io.wait(self._endpoint.close())
        self._unshare()

    # On the loop's thread.

    def _state(self, state: State, _problem: GuestError | None) -> None:
        if state is State.READY and not self._closed:
            self._share()
        else:
            self._unshare()
        self._around.changed(self.machine)

    def _event(self, kind: str, data: Mapping[str, Any]) -> None:
        clipboard = self._guest_clipboard
        if clipboard is not None:
            clipboard.event(kind, data)

    def _rules(self) -> Rules:
        allowed = self.allowed()
        return Rules(direction=direction_of(allowed), secrets=Permission.SECRETS in allowed)

    def _share(self) -> None:
        with self._lock:
            if self._bridge is not None:
                return
            try:
                host = self._around.host_clipboard()
            except ClipboardError as error:
                _log.info("the clipboard of this desktop cannot be shared: %s", error.details or error)
                return
            self._bridge = Bridge(
                origin=self.machine,
                host=host,
                rules=self._rules(),
                clock=self._around.clock,
                on_activity=self._crossed,
            )
            self._guest_clipboard = GuestClipboard(
                self._guest.api, loop=self._around.io.loop, origin=self.machine, spool=self._around.spool
            )
            self._bridge.attach(self._guest_clipboard)

    def _unshare(self) -> None:
        with self._lock:
            bridge, self._bridge = self._bridge, None
            self._guest_clipboard = None
        if bridge is not None:
            # Closing joins the clipboard's thread: not on the loop, which others wait for.
            threading.Thread(target=bridge.close, name="clipboard-close", daemon=True).start()

    def _crossed(self, activity: Activity) -> None:
        self._around.happened(
            Line(
                at=activity.at,
                machine=self.name,
                what=_WHAT[activity.happened],
                way=Way.TO_GUEST if activity.source is Side.HOST else Way.TO_HOST,
                formats=activity.formats,
                size=activity.size,
                detail=activity.reason,
            )
        )
