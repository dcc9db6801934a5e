"""What the guest tells of its own accord: copies, the session's lock, the display's mode.

Backends tell on any thread; the agent's thread sends, one at a time and only when the port took everything
before it. Of each kind only the latest counts, so nothing here grows.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any

from libneuron.guest.wire.events import CLIPBOARD_OFFERED, DISPLAY_CHANGED, SESSION_CHANGED
from libneuron.guest.wire.jsontext import encode
from libneuron.guest.wire.requests import Permission
from neuron_guest.backend import Backend, BackendError, Happening, Offer

_log = logging.getLogger("neuron_guest")

_OFFERED = 64  # formats told of one copy, and (below) bytes of all their names: they fit one message
_OFFERED_BYTES = 8 * 1024


class Events:
    """From :meth:`watch` to :meth:`stop`. ``wake`` is called when there is something to :meth:`take`."""

    def __init__(self, backend: Backend, wake: Callable[[], None]) -> None:
        self._backend = backend
        self._wake = wake
        self._lock = threading.Lock()
        self._stops: list[Callable[[], None]] | None = None
        self._offer: Offer | None = None
        self._desktop: dict[str, Mapping[str, Any]] = {}
        self._news: set[str] = set()

    @property
    def waiting(self) -> bool:
        """Whether there is something to tell."""
        return bool(self._news)

    def greeted(self) -> None:
        """A host has greeted: it is told how the desktop is, and of everything from now on."""
        with self._lock:
            self._news.update(self._desktop)
        if self._stops is None:
            self._stops = []
            self._begin("copies", lambda: self._backend.clipboard_watch(self._copied))
            self._begin("the desktop", lambda: self._backend.desktop_watch(self._happened))

    def _begin(self, what: str, watch: Callable[[], Callable[[], None]]) -> None:
        assert self._stops is not None
        try:
            self._stops.append(watch())
        except BackendError as error:
            _log.info("nothing here tells of %s: %s", what, error)

    def stop(self) -> None:
        """Tell of nothing more."""
        stops, self._stops = self._stops, None
        for stop in stops or ():
            stop()

    # On any thread.

    def _copied(self, offer: Offer) -> None:
        with self._lock:
            self._offer = offer
            self._news.add(CLIPBOARD_OFFERED)
        self._wake()

    def _happened(self, happening: Happening) -> None:
        with self._lock:
            if happening.session:
                self._know(SESSION_CHANGED, {"session": happening.session})
            if happening.mode is not None:
                mode = happening.mode
                data = {"width": mode.width, "height": mode.height, "refresh": mode.refresh}
                self._know(DISPLAY_CHANGED, data)
        self._wake()

    def _know(self, kind: str, data: Mapping[str, Any]) -> None:
        if self._desktop.get(kind) != data:
            self._desktop[kind] = data
            self._news.add(kind)

    # On the agent's.

    def take(self, permissions: frozenset[Permission]) -> tuple[str, Mapping[str, Any]] | None:
        """The next event that the host may hear of, if any."""
        with self._lock:
            while self._news:
                kind = self._news.pop()
                if kind != CLIPBOARD_OFFERED:
                    return kind, self._desktop[kind]
                offer, self._offer = self._offer, None
                if offer is None or Permission.CLIPBOARD_OUT not in permissions:
                    continue
                if offer.secret and Permission.SECRETS not in permissions:
                    continue
                return kind, {"formats": _named(offer.formats), "secret": offer.secret, "own": offer.own}
        return None


def _named(formats: tuple[str, ...]) -> list[str]:
    """The first names that fit one message: any program in the guest can make up more, and longer ones."""
    left = _OFFERED_BYTES
    names: list[str] = []
    for name in formats[:_OFFERED]:
        left -= len(encode({"": name}))
        if left < 0:
            break
        names.append(name)
    return names
