"""The person's desktop on Windows (:class:`neuron_guest.backend.Backend`), inside that person's session."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from neuron_guest.backend import App, BackendError, Fetch, Happening, Mode, Offer, Window
from neuron_guest.files import LocalFiles, Places
from neuron_guest.platform.windows import apps as app_list
from neuron_guest.platform.windows import (
    desktop_windows,
    display,
    known_folders,
    launch,
    power,
    screenshot,
    system_info,
    text_formats,
    win32,
)
from neuron_guest.platform.windows.clipboard import Clipboard
from neuron_guest.platform.windows.clipboard_formats import FILES
from neuron_guest.platform.windows.known_folders import Folder
from neuron_guest.platform.windows.message_window import MessageWindow
from neuron_guest.platform.windows.metrics import Metrics

_log = logging.getLogger(__name__)
Result = TypeVar("Result")
_WM_DISPLAYCHANGE = 0x007E


def _asked(work: Callable[[], Result]) -> Result:
    """What Windows refuses is told as a refusal, with Windows' own words."""
    try:
        return work()
    except win32.Win32Error as error:
        raise BackendError("failed", str(error)) from error
    except OSError as error:
        raise BackendError("failed", str(error)) from error


class WindowsBackend:
    """Everything the agent can do here. The clipboard's window is made when it is first wanted."""

    def __init__(self) -> None:
        display.use_real_pixels()
        self._clipboard: Clipboard | None = None
        self._lock = threading.Lock()
        self._metrics = Metrics()
        self.files = LocalFiles(
            Places(
                private=lambda: _asked(lambda: known_folders.path_of(Folder.LOCAL_APP_DATA)) / "NeuronGuest",
                downloads=lambda: _asked(lambda: known_folders.path_of(Folder.DOWNLOADS)),
                copied=self._copied_files,
                address=lambda path: text_formats.uri_of_path(str(path)) or "",
            )
        )

    def _copied_files(self) -> Sequence[Path]:
        uris = self.clipboard_read(FILES).decode().split("\r\n")
        paths = [text_formats.path_of_uri(uri) for uri in uris if uri]
        return [Path(path) for path in paths if path is not None]

    def _board(self) -> Clipboard:
        with self._lock:
            if self._clipboard is None:
                self._clipboard = _asked(Clipboard)
            return self._clipboard

    def info(self) -> Mapping[str, object]:
        """See :meth:`Backend.info`."""
        return _asked(system_info.info)

    def clipboard_offer(self) -> Offer:
        """See :meth:`Backend.clipboard_offer`."""
        return self._board().offer()

    def clipboard_read(self, mime: str) -> bytes:
        """See :meth:`Backend.clipboard_read`."""
        return self._board().read(mime)

    def clipboard_write(self, items: Mapping[str, bytes], *, secret: bool) -> None:
        """See :meth:`Backend.clipboard_write`."""
        self._board().write(items, secret=secret)

    def clipboard_promise(self, mimes: Sequence[str], fetch: Fetch, *, secret: bool) -> None:
        """See :meth:`Backend.clipboard_promise`."""
        if mimes:
            self._board().promise(mimes, fetch, secret=secret)
        else:
            self._board().withdraw()

    def clipboard_watch(self, changed: Callable[[Offer], None]) -> Callable[[], None]:
        """See :meth:`Backend.clipboard_watch`."""
        return self._board().watch(changed)

    def desktop_watch(self, told: Callable[[Happening], None]) -> Callable[[], None]:
        """See :meth:`Backend.desktop_watch`: of the display; locks are the service's to know."""

        def receive(message: int, _wparam: int, _lparam: int) -> int | None:
            if message == _WM_DISPLAYCHANGE:
                try:
                    told(Happening(mode=display.current()))
                except (BackendError, win32.Win32Error) as error:
                    _log.info("the display's new mode is not known: %s", error)
            return None

        window = _asked(lambda: MessageWindow(receive, name="NeuronGuestDisplay", broadcasts=True))
        return window.close

    def modes(self) -> Sequence[Mode]:
        """See :meth:`Backend.modes`."""
        return _asked(display.modes)

    def mode(self) -> Mode:
        """See :meth:`Backend.mode`."""
        return _asked(display.current)

    def set_mode(self, mode: Mode) -> Mode:
        """See :meth:`Backend.set_mode`."""
        return _asked(lambda: display.set_mode(mode))

    def apps(self, *, icons: bool) -> Sequence[App]:
        """See :meth:`Backend.apps`."""
        return _asked(lambda: app_list.apps(with_icons=icons))

    def launch(self, path: str, args: Sequence[str]) -> int:
        """See :meth:`Backend.launch`."""
        return _asked(lambda: launch.launch(path, args))

    def open(self, target: str) -> None:
        """See :meth:`Backend.open`."""
        _asked(lambda: launch.open_target(target))

    def windows(self) -> Sequence[Window]:
        """See :meth:`Backend.windows`."""
        return _asked(desktop_windows.windows)

    def focus_window(self, window: int) -> None:
        """See :meth:`Backend.focus_window`."""
        _asked(lambda: desktop_windows.focus(window))

    def close_window(self, window: int) -> None:
        """See :meth:`Backend.close_window`."""
        _asked(lambda: desktop_windows.close(window))

    def screenshot(self) -> bytes:
        """See :meth:`Backend.screenshot`."""
        return _asked(screenshot.capture)

    def power(self, action: str) -> None:
        """See :meth:`Backend.power`."""
        _asked(lambda: power.begin(action))

    def metrics(self) -> Mapping[str, float]:
        """See :meth:`Backend.metrics`."""
        return _asked(self._metrics.read)

    def close(self) -> None:
        """See :meth:`Backend.close`."""
        with self._lock:
            if self._clipboard is not None:
                self._clipboard.close()
                self._clipboard = None
