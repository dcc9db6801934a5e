"""The helper in a person's session: the Windows backend, answering the service through the pipe."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict

from neuron_guest.backend import Backend, BackendError, Happening, Offer
from neuron_guest.helper_verbs import verbs
from neuron_guest.platform.windows.helper_link import Answerer, Stream
from neuron_guest.promises import PATIENCE, Promises

_log = logging.getLogger(__name__)


def _verbs(backend: Backend, promises: Promises) -> Mapping[str, Callable[..., object]]:
    """What every helper does, and promised copies."""

    def promise(number: int, mimes: Sequence[str], *, secret: bool) -> None:
        backend.clipboard_promise(mimes, lambda mime: promises.fetch(number, mime), secret=secret)

    return {**verbs(backend), "clipboard_promise": promise, "clipboard_supply": promises.supplied}


def serve(stream: Stream, backend: Backend) -> None:
    """Answer the service until it goes away, and tell it of every copy."""

    def want(wanted: int, number: int, mime: str) -> None:
        answerer.event("wanted", {"wanted": wanted, "number": number, "mime": mime})

    promises = Promises(want, patience=PATIENCE + 2)  # the service gives up first, and says why
    # A program that pastes holds up whoever looks at the clipboard: its supply must not wait behind them.
    answerer = Answerer(stream, _verbs(backend, promises), at_once={"clipboard_supply"})

    def changed(offer: Offer) -> None:
        answerer.event("clipboard", asdict(offer))

    def happened(happening: Happening) -> None:
        if happening.mode is not None:
            answerer.event("display", asdict(happening.mode))

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
