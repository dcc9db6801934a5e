"""The Windows backend, called inside Wine."""

from __future__ import annotations

import queue
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from neuron_guest.backend import BackendError, Mode, Offer
from neuron_guest.platform.windows.backend import WindowsBackend

_backend: WindowsBackend | None = None
_offers: queue.SimpleQueue[Offer] = queue.SimpleQueue()


def backend() -> WindowsBackend:
    """The one backend of this driver."""
    global _backend
    if _backend is None:
        _backend = WindowsBackend()
    return _backend


def do(verb: str, arguments: Sequence[Any] = (), named: Mapping[str, Any] | None = None) -> Any:
    """Call one method; a refusal comes back as ``{"refused": code}``."""
    try:
        return getattr(backend(), verb)(*arguments, **(named or {}))
    except BackendError as error:
        return {"refused": error.code, "message": str(error)}


def set_mode(width: int, height: int, refresh: int = 0) -> Any:
    """Switch the resolution."""
    return do("set_mode", [Mode(width, height, refresh)])


_fetched: list[str] = []


def promise(items: dict[str, bytes]) -> None:
    """Put a promise on the clipboard that remembers what was fetched of it."""
    _fetched.clear()

    def fetch(mime: str) -> bytes:
        _fetched.append(mime)
        return items[mime]

    backend()._board().promise(tuple(items), fetch, secret=False)


def fetched() -> list[str]:
    """What of the promise was wanted so far."""
    return list(_fetched)


def watch() -> None:
    """Collect offers from now on."""
    backend().clipboard_watch(_offers.put)


def next_offer() -> Offer:
    """The next one; fails after a while."""
    return _offers.get(timeout=20)


def rows_of(png: bytes) -> bytes:
    """The filtered rows inside a PNG of ours."""
    start = png.index(b"IDAT")
    size = int.from_bytes(png[start - 4 : start], "big")
    return zlib.decompress(png[start + 4 : start + 4 + size])


def pixels_of(png: bytes) -> dict[str, Any]:
    """How a PNG of ours decodes: size, and how many different pixels it has."""
    width, height = int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")
    return {"width": width, "height": height, "values": len(set(rows_of(png)))}
