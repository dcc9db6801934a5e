"""What a helper in the person's session does for the service, whatever carries it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict

from neuron_guest import files_link
from neuron_guest.backend import Backend, Mode


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
