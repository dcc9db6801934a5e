"""A desktop that exists only in memory, for the demo and for tests. Everything it shows says "simulated"."""

from __future__ import annotations

import shutil
import struct
import tempfile
import threading
import time
import weakref
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from libneuron.guest.wire.content import TEXT
from libneuron.guest.wire.png import SIGNATURE
from neuron_guest.backend import App, BackendError, Fetch, Happening, Mode, Offer, Window
from neuron_guest.files import LocalFiles, Places

_MODES = (Mode(1024, 768, 60), Mode(1280, 800, 60), Mode(1920, 1080, 60), Mode(2560, 1440, 60))
_FILES = "text/uri-list"
_APPS = (
    App("notes", "Notes (simulated)", "notes"),
    App("paint", "Paint (simulated)", "paint"),
    App("files", "Files (simulated)", "files"),
)


def png(width: int, height: int, rows: bytes) -> bytes:
    """A PNG from 8-bit RGB rows, top first (ISO/IEC 15948)."""
    stride = width * 3
    raw = b"".join(b"\0" + rows[at : at + stride] for at in range(0, stride * height, stride))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return SIGNATURE + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(raw, 1)) + chunk(b"IEND", b"")


class SimulatedBackend:
    """See :class:`neuron_guest.backend.Backend`. ``powered_off`` is set instead of switching anything off."""

    def __init__(self, folder: Path | None = None) -> None:
        """``folder`` is its disk and the caller's; without one it has a temporary folder."""
        self._given = folder
        self._lock = threading.Lock()
        self._mode = _MODES[1]
        self._items: dict[str, bytes] = {}
        self._fetch: Fetch | None = None  # of a promise
        self._offer = Offer(())
        self._watchers: list[Callable[[Offer], None]] = []
        self._tellers: list[Callable[[Happening], None]] = []
        self._locked = False
        self._windows: dict[int, Window] = {}
        self._next = 100
        self._began = time.monotonic()
        self.powered_off = threading.Event()
        self._folder: Path | None = None
        self.files = LocalFiles(
            Places(
                private=lambda: self.folder / "private",
                downloads=lambda: self.folder / "Downloads",
                copied=self._copied_files,
                address=Path.as_uri,
            )
        )

    @property
    def folder(self) -> Path:
        """This guest's disk; a temporary one is made when it is wanted, and goes with :meth:`close`."""
        if self._given is not None:
            return self._given
        with self._lock:
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="neuron-simulated-"))
                weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
            return self._folder

    def _copied_files(self) -> Sequence[Path]:
        lines = self.clipboard_read(_FILES).decode("utf-8", "surrogateescape").split("\r\n")
        return [Path(unquote(urlsplit(line).path)) for line in lines if line]

    def info(self) -> Mapping[str, object]:
        """See :meth:`Backend.info`."""
        return {
            "os": "simulated",
            "os_version": "1",
            "hostname": "simulated-guest",
            "user": "simulated",
            "session": "locked" if self._locked else "active",
            "backend": "simulated",
            "dpi": 96,
            "features": ["clipboard", "resolution", "launch", "windows", "screenshot", "power"],
        }

    def clipboard_offer(self) -> Offer:
        """See :meth:`Backend.clipboard_offer`."""
        return self._offer

    def clipboard_read(self, mime: str) -> bytes:
        """See :meth:`Backend.clipboard_read`."""
        with self._lock:
            offer, fetch = self._offer, self._fetch
            if mime in self._items:
                return self._items[mime]
        if fetch is None or mime not in offer.formats:
            raise BackendError("not-found", f"the clipboard holds no {mime}")
        data = fetch(mime)
        with self._lock:
            if offer is self._offer:
                self._items[mime] = data
        return data

    def clipboard_write(self, items: Mapping[str, bytes], *, secret: bool) -> None:
        """See :meth:`Backend.clipboard_write`."""
        self._put(dict(items), Offer(tuple(items), secret=secret, own=True))

    def clipboard_promise(self, mimes: Sequence[str], fetch: Fetch, *, secret: bool) -> None:
        """See :meth:`Backend.clipboard_promise`."""
        if mimes:
            self._put({}, Offer(tuple(mimes), secret=secret, own=True), fetch)
        elif self._fetch is not None and not self._items:
            self._put({}, Offer((), own=True))

    def copy(self, items: Mapping[str, bytes], *, secret: bool = False) -> None:
        """Someone inside the simulated guest copies."""
        self._put(dict(items), Offer(tuple(items), secret=secret))

    def _put(self, items: dict[str, bytes], offer: Offer, fetch: Fetch | None = None) -> None:
        with self._lock:
            self._items, self._offer, self._fetch = items, offer, fetch
            watchers = list(self._watchers)
        for changed in watchers:
            changed(offer)

    def clipboard_watch(self, changed: Callable[[Offer], None]) -> Callable[[], None]:
        """See :meth:`Backend.clipboard_watch`."""
        self._watchers.append(changed)
        return lambda: self._watchers.remove(changed)

    def desktop_watch(self, told: Callable[[Happening], None]) -> Callable[[], None]:
        """See :meth:`Backend.desktop_watch`."""
        self._tellers.append(told)
        told(Happening(session="locked" if self._locked else "active"))
        return lambda: self._tellers.remove(told)

    def lock(self, *, locked: bool) -> None:
        """Somebody inside the simulated guest locks or unlocks the screen."""
        self._locked = locked
        for told in list(self._tellers):
            told(Happening(session="locked" if locked else "active"))

    def modes(self) -> Sequence[Mode]:
        """See :meth:`Backend.modes`."""
        return _MODES

    def mode(self) -> Mode:
        """See :meth:`Backend.mode`."""
        return self._mode

    def set_mode(self, mode: Mode) -> Mode:
        """See :meth:`Backend.set_mode`."""
        for known in _MODES:
            if (known.width, known.height) == (mode.width, mode.height):
                self._mode = known
                for told in list(self._tellers):
                    told(Happening(mode=known))
                return known
        raise BackendError("mode-refused", f"{mode.width}×{mode.height} is not among the modes")

    def apps(self, *, icons: bool) -> Sequence[App]:
        """See :meth:`Backend.apps`."""
        if not icons:
            return _APPS
        icon = png(16, 16, b"\x30\x60\xa0" * 256)
        return [App(app.id, app.name, app.path, app.args, icon) for app in _APPS]

    def launch(self, path: str, args: Sequence[str]) -> int:
        """See :meth:`Backend.launch`."""
        for app in _APPS:
            if path in (app.id, app.path):
                with self._lock:
                    self._next += 1
                    title = " ".join((app.name, *args))
                    self._windows[self._next] = Window(self._next, title, app.id, focused=False)
                self.focus_window(self._next)
                if app.id == "notes":  # so that a copy made inside can be tried from the outside
                    self.copy({TEXT: b"Copied in the simulated machine\xe2\x80\x99s Notes"})
                return self._next
        raise BackendError("not-found", f"there is no program “{path}”")

    def open(self, target: str) -> None:
        """See :meth:`Backend.open`."""
        if not target.startswith(("http://", "https://")) and not Path(target).exists():
            raise BackendError("not-found", f"there is no file “{target}”")
        self.launch("files", (target,))

    def windows(self) -> Sequence[Window]:
        """See :meth:`Backend.windows`."""
        with self._lock:
            return tuple(self._windows.values())

    def focus_window(self, window: int) -> None:
        """See :meth:`Backend.focus_window`."""
        with self._lock:
            if window not in self._windows:
                raise BackendError("not-found", f"there is no window {window}")
            for number, found in self._windows.items():
                self._windows[number] = Window(number, found.title, found.app, focused=number == window)

    def close_window(self, window: int) -> None:
        """See :meth:`Backend.close_window`."""
        with self._lock:
            if self._windows.pop(window, None) is None:
                raise BackendError("not-found", f"there is no window {window}")

    def screenshot(self) -> bytes:
        """See :meth:`Backend.screenshot`: a gradient of the mode's size with the windows as bars."""
        width, height = self._mode.width, self._mode.height
        line = b"".join(bytes((40, 60 + 150 * x // width, 120)) for x in range(width))
        bar = b"\xf0\xf0\xe0" * width
        bars = len(self.windows())
        rows = [bar if bars and y % 40 < 20 and y < 40 * bars else line for y in range(height)]
        return png(width, height, b"".join(rows))

    def power(self, action: str) -> None:
        """See :meth:`Backend.power`."""
        if action not in ("shutdown", "reboot"):
            raise BackendError("not-found", action)
        self.powered_off.set()

    def metrics(self) -> Mapping[str, float]:
        """See :meth:`Backend.metrics`."""
        return {
            "cpu": 0.25,
            "memory_used": 2.0 * 2**30,
            "memory_total": 8.0 * 2**30,
            "uptime": time.monotonic() - self._began,
        }

    def close(self) -> None:
        """See :meth:`Backend.close`."""
        self._watchers.clear()
        with self._lock:
            folder, self._folder = self._folder, None
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
