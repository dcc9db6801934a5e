"""One connected machine's clipboard: the bridge between it and this desktop's, opened off every loop."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from libneuron.guest.api import GuestApi
from libneuron.guest.clipboard.bridge import Bridge, Transfer
from libneuron.guest.clipboard.channel import GuestClipboard
from libneuron.guest.clipboard.rivals import rivals
from libneuron.guest.clipboard.rules import Activity, Rival, Rules, Side
from libneuron.guest.files import GuestFiles
from libneuron.system.clipboard.errors import ClipboardError
from libneuron.system.clipboard.manual import ManualClipboard
from libneuron.system.clipboard.model import Clipboard
from libneuron.system.clock import Clock
from libneuron.system.loop import LoopThread

_log = logging.getLogger(__name__)
_PATIENCE = 60.0  # seconds for a copy that is fetched by hand
BY_HAND = ("text/plain;charset=utf-8", "text/html", "image/png")
"""What crosses where the desktop lets no program look at its clipboard unasked."""


@dataclass(frozen=True)
class Shared:
    """What is shown of it. ``manual``: copies cross only by the person's hand."""

    manual: bool = False
    rivals: frozenset[Rival] = frozenset()
    standing_back: bool = False


class ClipboardLink:
    """From :meth:`__init__`, which may wait for the desktop, to :meth:`close`."""

    def __init__(
        self,
        origin: str,
        api: GuestApi,
        *,
        io: LoopThread,
        clock: Clock,
        spool: Path,
        host: Clipboard,
        rules: Rules,
        files: GuestFiles | None,
        crossed: Callable[[Activity], None],
        moving: Callable[[Transfer], None],
        changed: Callable[[], None],
    ) -> None:
        """``files``: None for an agent that knows nothing of files."""
        self._host = host
        self._bridge = Bridge(
            origin=origin,
            host=host,
            rules=rules,
            clock=clock,
            on_activity=crossed,
            on_transfer=moving,
            on_status=lambda _status: changed(),
        )
        self.guest = GuestClipboard(api, loop=io.loop, origin=origin, spool=spool, files=files)
        self._bridge.attach(self.guest)

    @property
    def shared(self) -> Shared:
        """The present state."""
        status = self._bridge.status
        return Shared(isinstance(self._host, ManualClipboard), status.rivals, status.standing_back)

    def set_rules(self, rules: Rules) -> None:
        """The person decided."""
        self._bridge.set_rules(rules)

    def see(self, classes: frozenset[str], *, spice: bool) -> None:
        """These windows are on the desktop; ``spice``: the machine has the SPICE agent's channel."""
        self._bridge.set_rivals(rivals(spice_channel=spice, windows=classes))

    def send(self, source: Side) -> None:
        """Offer what one clipboard holds on the other."""
        self._bridge.send(source)

    def hand(self, items: Mapping[str, bytes], *, secret: bool) -> None:
        """By hand: offer what the person copied here."""
        if isinstance(self._host, ManualClipboard):
            self._host.copy(items, secret=secret)
            self._bridge.send(Side.HOST)

    def take(self) -> Mapping[str, bytes]:
        """By hand: fetch what was copied in the machine. Blocks. Raises: GuestError, ClipboardError."""
        if not isinstance(self._host, ManualClipboard):
            return {}
        self._bridge.send(Side.GUEST)
        found: dict[str, bytes] = {}
        for mime in self._host.offered:
            if mime in BY_HAND:
                found[mime] = self._host.paste(mime).result(_PATIENCE).whole()
        if not found:
            raise ClipboardError("clipboard.stale")
        return found

    def take_back(self, *, patience: float) -> None:
        """What the machine was promised is so no more; waits ``patience`` seconds at most for its word."""
        with contextlib.suppress(TimeoutError, ClipboardError):
            self.guest.withdraw().result(patience)

    def close(self) -> None:
        """Stop sharing; joins the clipboard's thread."""
        self._bridge.close()
