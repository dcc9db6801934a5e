"""The helper in the person's session: its desktop, for the service."""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from neuron_guest.backend import Backend, BackendError, Happening, Offer
from neuron_guest.helper_verbs import verbs
from neuron_guest.platform.linux import link

_log = logging.getLogger("neuron_guest")


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
