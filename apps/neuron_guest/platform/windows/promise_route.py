"""A promise between the host and the helper: the service hands on what is wanted, and what is supplied."""

from __future__ import annotations

import logging
import threading
from typing import Any

from libneuron.guest.wire.errors import FieldError
from libneuron.guest.wire.fields import Fields
from neuron_guest.backend import BackendError, Fetch
from neuron_guest.platform.windows.helper_link import Caller

_log = logging.getLogger(__name__)

_AT_ONCE = 8  # pastes that are served at the same time
_SLOW = 90.0  # seconds


class PromiseRoute:
    """The present promise. Methods may be called on any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._number = 0
        self._fetch: Fetch | None = None
        self._places = threading.BoundedSemaphore(_AT_ONCE)

    def begin(self, fetch: Fetch) -> int:
        """A new promise; older ones are stale. Returns its number."""
        with self._lock:
            self._number += 1
            self._fetch = fetch
            return self._number

    def wanted(self, value: Any, helper: Caller) -> None:
        """A program in the session pastes, says the helper; nothing in ``value`` is trusted."""
        try:
            fields = Fields(value, "wanted")
            wanted, number = (fields.integer(name, 0, 1 << 53) for name in ("wanted", "number"))
            mime = fields.line("mime", limit=128)
        except FieldError as error:
            _log.warning("the helper wants something that makes no sense: %s", error)
            return
        with self._lock:
            fetch = self._fetch if number == self._number else None
        if self._places.acquire(blocking=False):
            supply = (helper, wanted, fetch, mime)
            threading.Thread(target=self._supply, args=supply, name="neuron-supply", daemon=True).start()

    def _supply(self, helper: Caller, wanted: int, fetch: Fetch | None, mime: str) -> None:
        data, problem = b"", "stale"
        try:
            if fetch is not None:
                data, problem = fetch(mime), ""
        except BackendError as error:
            problem = error.code
        answer = {"wanted": wanted, "data": data, "problem": problem}
        try:
            helper.call("clipboard_supply", answer, timeout=_SLOW)
        except BackendError as error:
            _log.info("what was pasted did not reach the session: %s", error)
        finally:
            self._places.release()  # not before: a helper that takes nothing would have us keep ever more
