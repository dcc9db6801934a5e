"""The helper in a person's session: the Windows backend, answering the service through the pipe."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from neuron_guest.backend import Backend, Mode, Offer
from neuron_guest.platform.windows.helper_link import Answerer, Stream


def _plain(value: Any) -> object:
    """Dataclasses as objects, for the wire."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return dict(value) if isinstance(value, Mapping) else value


def verbs(backend: Backend) -> Mapping[str, Callable[..., object]]:
    """What the service may ask for. Power and metrics are the service's own."""
    return {
        "info": lambda: _plain(backend.info()),
        "clipboard_offer": lambda: _plain(backend.clipboard_offer()),
        "clipboard_read": backend.clipboard_read,
        "clipboard_write": lambda items, secret: backend.clipboard_write(items, secret=secret),
        "modes": lambda: _plain(backend.modes()),
        "mode": lambda: _plain(backend.mode()),
        "set_mode": lambda width, height, refresh: _plain(backend.set_mode(Mode(width, height, refresh))),
        "apps": lambda icons: _plain(backend.apps(icons=icons)),
        "launch": backend.launch,
        "open": backend.open,
        "windows": lambda: _plain(backend.windows()),
        "focus_window": backend.focus_window,
        "close_window": backend.close_window,
        "screenshot": backend.screenshot,
    }


def serve(stream: Stream, backend: Backend) -> None:
    """Answer the service until it goes away, and tell it of every copy."""
    answerer = Answerer(stream, verbs(backend))

    def changed(offer: Offer) -> None:
        answerer.event("clipboard", _plain(offer))

    stop = backend.clipboard_watch(changed)
    try:
        answerer.run()
    finally:
        stop()
        backend.close()
