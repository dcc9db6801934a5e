"""A host's clipboard coupled with a guest's through everything the product has between them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from libneuron.guest.client import BlockingGuest, GuestClient, VmKeys
from libneuron.guest.clipboard.bridge import Bridge, Transfer
from libneuron.guest.clipboard.channel import GuestClipboard
from libneuron.guest.clipboard.rules import Activity, Happened, Rules, Side
from libneuron.guest.files import GuestFiles
from libneuron.guest.transport import Endpoint
from libneuron.guest.wire.requests import Permission
from libneuron.system.bus import LoopThread
from libneuron.system.clipboard.model import Clipboard
from libneuron.system.clipboard.wayland import WaylandClipboard
from libneuron.system.clipboard.x11 import Times, X11Clipboard
from libneuron.system.clock import RealClock
from tests.system.clipboard.conftest import Compositor, Display

ALLOWED = frozenset(Permission) - {Permission.SECRETS}


def host_clipboard(desktop: Display, spool: Path) -> Clipboard:
    """This desktop's clipboard, as the product opens it; an owner that is silent costs a second."""
    if isinstance(desktop, Compositor):
        return WaylandClipboard(socket=desktop.socket, spool=spool)
    return X11Clipboard(spool=spool, display=desktop.name, times=Times(ask=1.0, step=1.0))


class Coupling:
    """From :meth:`__init__`, which waits for the guest, to :meth:`close`."""

    def __init__(
        self,
        endpoint: Endpoint,
        keys: VmKeys,
        host: Clipboard,
        folder: Path,
        *,
        rules: Rules | None = None,
        wait: float = 60.0,
    ) -> None:
        self.wait = wait
        self._closed = False
        self.transfers: list[Transfer] = []
        self.received = folder / "received"
        self._news = threading.Condition()
        self.io = LoopThread()
        self.clipboard: GuestClipboard | None = None
        client = GuestClient(endpoint, keys, permissions=lambda: ALLOWED, on_event=self._event)
        self.guest = BlockingGuest(self.io, client)
        self.guest.wait_ready(wait)
        clipboard = self.clipboard = GuestClipboard(
            self.guest.api,
            loop=self.io.loop,
            origin="vm",
            spool=folder / "spool",
            files=GuestFiles(client, folder=self.received),
        )
        self.bridge = Bridge(
            origin="vm",
            host=host,
            rules=rules or Rules(),
            clock=RealClock(),
            on_activity=lambda _line: self.tell(),
            on_transfer=self._transfer,
        )
        self.bridge.attach(clipboard)

    def _event(self, kind: str, data: Mapping[str, Any]) -> None:
        if self.clipboard is not None:
            self.clipboard.event(kind, data)

    def _transfer(self, transfer: Transfer) -> None:
        self.transfers.append(transfer)
        self.tell()

    def tell(self) -> None:
        """Something happened: look again."""
        with self._news:
            self._news.notify_all()

    def until(self, wanted: Callable[[], bool]) -> None:
        """Wait for something that :meth:`tell` tells of."""
        with self._news:
            assert self._news.wait_for(wanted, self.wait), self.bridge.activities[-5:]

    def seen(self, happened: Happened, source: Side, *, times: int = 1) -> list[Activity]:
        """The activities of this kind, once there are so many."""

        def found() -> list[Activity]:
            return [a for a in self.bridge.activities if a.happened is happened and a.source is source]

        self.until(lambda: len(found()) >= times)
        return found()

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self.bridge.close()
        self.guest.close()
        self.io.close()
