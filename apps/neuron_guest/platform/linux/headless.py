"""A Linux guest without a desktop, or with nobody signed in: what still works, and clear refusals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from neuron_guest.backend import App, BackendError, Fetch, Files, Happening, Mode, Offer, Window
from neuron_guest.files_link import NoFiles
from neuron_guest.platform.linux import system


def _nobody(*_request: object) -> BackendError:
    return BackendError("no-session", "nobody is signed in to a desktop")


class HeadlessBackend:
    """See :class:`neuron_guest.backend.Backend`. The clipboard lies in memory; programs need a session."""

    def __init__(self) -> None:
        self.files: Files = NoFiles()
        self._clipboard = system.MemoryClipboard()
        self._meter = system.Meter()

    def info(self) -> Mapping[str, object]:
        """See :meth:`Backend.info`."""
        return {
            **system.facts(),
            "user": None,
            "session": "none",
            "dpi": 96,
            "features": ["clipboard", "power", "metrics"],
        }

    def clipboard_offer(self) -> Offer:
        """See :meth:`Backend.clipboard_offer`."""
        held = self._clipboard
        return Offer(tuple(held.items), secret=held.secret, own=held.own)

    def clipboard_read(self, mime: str) -> bytes:
        """See :meth:`Backend.clipboard_read`."""
        return self._clipboard.read(mime)

    def clipboard_write(self, items: Mapping[str, bytes], *, secret: bool) -> None:
        """See :meth:`Backend.clipboard_write`."""
        self._clipboard.write(items, secret=secret)

    def clipboard_promise(self, mimes: Sequence[str], fetch: Fetch, *, secret: bool) -> None:
        """See :meth:`Backend.clipboard_promise`. Nobody pastes here, and the desktop's tools cannot wait."""
        del mimes, fetch, secret
        raise BackendError("unsupported", "the clipboard here needs the content at once")

    def clipboard_watch(self, changed: Callable[[Offer], None]) -> Callable[[], None]:
        """See :meth:`Backend.clipboard_watch`: nobody copies here."""
        del changed
        return lambda: None

    def desktop_watch(self, told: Callable[[Happening], None]) -> Callable[[], None]:
        """See :meth:`Backend.desktop_watch`."""
        told(Happening(session="none"))
        return lambda: None

    def modes(self) -> Sequence[Mode]:
        """See :meth:`Backend.modes`."""
        raise _nobody()

    def mode(self) -> Mode:
        """See :meth:`Backend.mode`."""
        raise _nobody()

    def set_mode(self, mode: Mode) -> Mode:
        """See :meth:`Backend.set_mode`."""
        raise _nobody(mode)

    def apps(self, *, icons: bool) -> Sequence[App]:
        """See :meth:`Backend.apps`."""
        raise _nobody(icons)

    def launch(self, path: str, args: Sequence[str]) -> int:
        """See :meth:`Backend.launch`: never as the administrator."""
        raise _nobody(path, args)

    def open(self, target: str) -> None:
        """See :meth:`Backend.open`."""
        raise _nobody(target)

    def windows(self) -> Sequence[Window]:
        """See :meth:`Backend.windows`."""
        raise _nobody()

    def focus_window(self, window: int) -> None:
        """See :meth:`Backend.focus_window`."""
        raise _nobody(window)

    def close_window(self, window: int) -> None:
        """See :meth:`Backend.close_window`."""
        raise _nobody(window)

    def screenshot(self) -> bytes:
        """See :meth:`Backend.screenshot`."""
        raise _nobody()

    def power(self, action: str) -> None:
        """See :meth:`Backend.power`."""
        system.power(action)

    def metrics(self) -> Mapping[str, float]:
        """See :meth:`Backend.metrics`."""
        return self._meter.read()

    def close(self) -> None:
        """See :meth:`Backend.close`."""
