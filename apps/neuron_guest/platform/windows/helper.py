"""The helper in a person's session: the Windows backend, answering the service through the pipe."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from neuron_guest import files_link
from neuron_guest.backend import Backend, BackendError, Happening, Mode, Offer
from neuron_guest.platform.windows.helper_link import Answerer, Stream
from neuron_guest.promises import PATIENCE, Promises

_log = logging.getLogger(__name__)


def _plain(value: Any) -> object:
    """Dataclasses as objects, for the wire."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return dict(value) if isinstance(value, Mapping) else value


def verbs(backend: Backend, promises: Promises) -> Mapping[str, Callable[..., object]]:
    """What the service may ask for. Power and metrics are the service's own."""

    def promise(number: int, mimes: Sequence[str], *, secret: bool) -> None:
        backend.clipboard_promise(mimes, lambda mime: promises.fetch(number, mime), secret=secret)

    return {
        "info": lambda: _plain(backend.info()),
        "clipboard_offer": lambda: _plain(backend.clipboard_offer()),
        "clipboard_read": backend.clipboard_read,
        "clipboard_write": lambda items, secret: backend.clipboard_write(items, secret=secret),
        "clipboard_promise": promise,
        "clipboard_supply": promises.supplied,
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
        **files_link.verbs(backend.files),
    }


def serve(stream: Stream, backend: Backend) -> None:
    """Answer the service until it goes away, and tell it of every copy."""

    def want(wanted: int, number: int, mime: str) -> None:
        answerer.event("wanted", {"wanted": wanted, "number": number, "mime": mime})

    promises = Promises(want, patience=PATIENCE + 2)  # the service gives up first, and says why
    # A program that pastes holds up whoever looks at the clipboard: its supply must not wait behind them.
    answerer = Answerer(stream, verbs(backend, promises), at_once={"clipboard_supply"})

    def changed(offer: Offer) -> None:
        answerer.event("clipboard", _plain(offer))

    def happened(happening: Happening) -> None:
        if happening.mode is not None:
            answerer.event("display", _plain(happening.mode))

    stops = [backend.clipboard_watch(changed)]
    try:
        stops.append(backend.desktop_watch(happened))
    except BackendError as error:
        _log.info("the display's changes are not told: %s", error)
    try:
        answerer.run()
    finally:
        promises.end()
        for stop in stops:
            stop()
        backend.close()
