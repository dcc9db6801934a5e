"""The helper in the person's session: its desktop, for the service."""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

from neuron_guest import files_link
from neuron_guest.backend import Backend, BackendError, Happening, Mode, Offer
from neuron_guest.platform.linux import link

_log = logging.getLogger("neuron_guest")


def verbs(backend: Backend) -> Mapping[str, Callable[..., object]]:
    """What the service may ask the helper for; power and load are the service's own."""
    return {
        "info": lambda: dict(backend.info()),
        "clipboard_offer": lambda: asdict(backend.clipboard_offer()),
        "clipboard_read": backend.clipboard_read,
        "clipboard_write": lambda items, secret: backend.clipboard_write(items, secret=secret),
        "modes": lambda: [asdict(mode) for mode in backend.modes()],
        "mode": lambda: asdict(backend.mode()),
        "set_mode": lambda width, height, refresh: asdict(backend.set_mode(Mode(width, height, refresh))),
        "apps": lambda icons: [asdict(app) for app in backend.apps(icons=icons)],
        "launch": backend.launch,
        "open": backend.open,
        "windows": lambda: [asdict(window) for window in backend.windows()],
        "focus_window": backend.focus_window,
        "close_window": backend.close_window,
        "screenshot": backend.screenshot,
        **files_link.verbs(backend.files),
    }


def serve_session(backend: Backend, path: Path = link.SOCKET) -> bool:
    """The helper: serve this session to the service until it goes; True if it wants us no more."""
    stream = socket.socket(socket.AF_UNIX)
    try:
        stream.connect(str(path))
    except OSError as error:
        _log.debug("NeuronGuest's service is not there: %s", error)
        stream.close()
        return False
    if link.peer_user(stream) not in (0, os.geteuid()):
        _log.error("who listens at %s is not the service", path)
        stream.close()
        return False
    stops: list[Callable[[], None]] = []
    sending = threading.Lock()

    def copied(offer: Offer) -> None:
        with sending:
            link.send(stream, {"event": "clipboard", "value": asdict(offer)})

    def happened(happening: Happening) -> None:
        if happening.mode is not None:
            with sending:
                link.send(stream, {"event": "display", "value": asdict(happening.mode)})

    def listen(watch: Callable[[], Callable[[], None]]) -> None:
        try:
            stops.append(watch())
        except BackendError as error:
            _log.info("some events are not told: %s", error)

    listen(lambda: backend.clipboard_watch(copied))
    listen(lambda: backend.desktop_watch(happened))
    try:
        return link.answer(stream, verbs(backend), sending)
    finally:
        for stop in stops:
            stop()
        stream.close()
