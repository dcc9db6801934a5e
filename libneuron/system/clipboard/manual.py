"""Where a desktop lets no program look at its clipboard unasked, the person does it by hand.

A window that has the focus may use the clipboard: "send" hands its content to :meth:`ManualClipboard.copy`,
"fetch" asks :meth:`ManualClipboard.paste` and puts the answer there.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future

from libneuron.progress import Progress
from libneuron.system.clipboard.errors import ClipboardError
from libneuron.system.clipboard.model import Claim, ClipboardOffer
from libneuron.system.clipboard.spool import MIB, Content, SpoolLimits


class ManualClipboard:
    """See :class:`libneuron.system.clipboard.model.Clipboard`."""

    kind = "manual"
    most = 1 << 62

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._number = 1
        self._items: Mapping[str, bytes] = {}
        self._claim: Claim | None = None
        self._closed = False
        self._changed: Callable[[ClipboardOffer], None] = lambda _offer: None

    def start(self, changed: Callable[[ClipboardOffer], None], lost: Callable[[Exception], None]) -> None:
        """See Clipboard.start."""
        del lost
        self._changed = changed
        changed(ClipboardOffer(self._number, tuple(self._items)))

    def copy(self, items: Mapping[str, bytes], *, secret: bool) -> None:
        """The person sends what the desktop's clipboard holds, by format."""
        with self._lock:
            self._number += 1
            self._items, self._claim = items, None
            offer = ClipboardOffer(self._number, tuple(items), secret)
        self._changed(offer)

    @property
    def offered(self) -> tuple[str, ...]:
        """The formats that :meth:`paste` can fetch now, best first."""
        claim = self._claim
        return claim.formats if claim is not None else ()

    def paste(self, mime: str) -> Future[Content]:
        """The person fetches ``mime``. The future raises what ``Claim.fetch`` raises, or stale."""
        claim = self._claim
        if claim is None or mime not in claim.formats:
            return _failed(ClipboardError("clipboard.stale"))
        return claim.fetch(mime)

    def read(
        self, number: int, mime: str, limits: SpoolLimits, progress: Progress | None = None
    ) -> Future[Content]:
        """See Clipboard.read."""
        del progress  # it is all here already
        with self._lock:
            data = self._items.get(mime) if number == self._number and not self._closed else None
        if data is None:
            return _failed(ClipboardError("clipboard.stale"))
        if len(data) > limits.most:
            return _failed(ClipboardError("clipboard.too-large", limit=limits.most // MIB))
        future: Future[Content] = Future()
        future.set_result(Content.of(data))
        return future

    def claim(self, claim: Claim) -> Future[None]:
        """See Clipboard.claim."""
        future: Future[None] = Future()
        with self._lock:
            current = claim.after == self._number and not self._closed
            if current:
                self._claim = claim
        if current:
            future.set_result(None)
        else:
            future.set_exception(ClipboardError("clipboard.stale"))
        return future

    def release(self) -> None:
        """See Clipboard.release."""
        self._claim = None

    def close(self) -> None:
        """See Clipboard.close."""
        self._closed = True
        self._claim = None


def _failed(error: Exception) -> Future[Content]:
    future: Future[Content] = Future()
    future.set_exception(error)
    return future
