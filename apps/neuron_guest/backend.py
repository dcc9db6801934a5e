"""What the agent can do on the machine it runs on: one interface, three backends (Windows, Linux, simulated).

A backend's methods may block (the agent calls them on worker threads) and raise
:class:`BackendError` with a stable code; nothing else is expected from them. Bytes stay bytes: the agent
moves them in streams.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from libneuron.guest.wire.transfers import Place


class BackendError(Exception):
    """The desktop refused. ``code`` is stable and short ("no-session", "mode-refused", "not-found")."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


Fetch = Callable[[str], bytes]
"""MIME type → its bytes; may wait. Raises: BackendError."""


@dataclass(frozen=True)
class Mode:
    """A display mode: pixels, and the refresh rate in Hz (0: the driver's choice)."""

    width: int
    height: int
    refresh: int = 0


@dataclass(frozen=True)
class App:
    """An application a person can start. ``path`` is what ``launch`` takes; ``icon`` is a PNG or empty."""

    id: str
    name: str
    path: str
    args: tuple[str, ...] = ()
    icon: bytes = b""


@dataclass(frozen=True)
class Window:
    """A top-level window a person can see."""

    id: int
    title: str
    app: str
    focused: bool


@dataclass(frozen=True)
class Offer:
    """What a copy offers, best format first. Formats are MIME types: ``text/plain;charset=utf-8`` (LF line
    ends), ``text/html``, ``text/rtf``, ``image/png``, ``text/uri-list``. ``secret`` if a password manager
    marked it; ``own`` if this agent put it there."""

    formats: tuple[str, ...]
    secret: bool = False
    own: bool = False


@dataclass(frozen=True)
class Happening:
    """What the desktop tells of: ``session`` "active", "locked" or "none"; or the display's new ``mode``."""

    session: str = ""
    mode: Mode | None = None


class Files(Protocol):
    """What the agent does with files. Methods may block and raise BackendError, with the codes of
    ``libneuron.guest.wire.filing.FilingError`` among others."""

    def begin(self, size: int) -> int:
        """A new batch for ``size`` bytes; returns its number."""

    def write(self, batch: int, path: str, offset: int, data: bytes, *, directory: bool) -> None:
        """A piece of a file, in order, or a folder."""

    def finish(self, batch: int, place: Place) -> Sequence[str]:
        """The batch is complete: the addresses of its files."""

    def discard(self, batch: int) -> None:
        """Remove a batch."""

    def copied(self) -> Mapping[str, Any]:
        """The files on the clipboard: ``batch``, ``files`` (path, size, directory), ``left_out``."""

    def read(self, batch: int, node: int, offset: int, count: int) -> bytes:
        """A piece of a listed file."""


class Backend(Protocol):
    """The desktop of the person signed in inside the VM."""

    @property
    def files(self) -> Files:
        """Files that come from the host and go there."""

    def info(self) -> Mapping[str, object]:
        """JSON-able facts: os, os_version, hostname, user (or None), session ("active", "locked", "none"),
        backend ("windows", "linux", "simulated"), dpi, features (verbs that work here)."""

    def clipboard_offer(self) -> Offer:
        """What the clipboard holds now."""

    def clipboard_read(self, mime: str) -> bytes:
        """One format of the present clipboard. Raises: BackendError not-found, no-session."""

    def clipboard_write(self, items: Mapping[str, bytes], *, secret: bool) -> None:
        """Replace the clipboard by these formats of one copy, marked as our own."""

    def clipboard_promise(self, mimes: Sequence[str], fetch: Fetch, *, secret: bool) -> None:
        """Replace the clipboard by a promise, marked as our own: ``fetch`` is called when somebody pastes.
        Without formats a promise of ours that nobody has pasted from is taken back. Raises: BackendError
        unsupported where this desktop needs the content at once."""

    def clipboard_watch(self, changed: Callable[[Offer], None]) -> Callable[[], None]:
        """Call ``changed`` on some thread at each new copy, by notification, not polling; returns "stop"."""

    def desktop_watch(self, told: Callable[[Happening], None]) -> Callable[[], None]:
        """Call ``told`` on some thread when the screen is locked or unlocked, and when the display changes
        its mode; with the session at once, where it is known. Returns "stop". Raises: BackendError."""

    def modes(self) -> Sequence[Mode]:
        """Modes the display accepts."""

    def mode(self) -> Mode:
        """The present mode."""

    def set_mode(self, mode: Mode) -> Mode:
        """Test, then switch; returns what was read back. Raises: BackendError mode-refused."""

    def apps(self, *, icons: bool) -> Sequence[App]:
        """Applications of this machine."""

    def launch(self, path: str, args: Sequence[str]) -> int:
        """Start a program (never through a shell); returns its process id. Raises: BackendError not-found."""

    def open(self, target: str) -> None:
        """Open a file or an http(s) URL with the person's default application."""

    def windows(self) -> Sequence[Window]:
        """Windows of the person's desktop."""

    def focus_window(self, window: int) -> None:
        """Bring a window to the front. Raises: BackendError not-found."""

    def close_window(self, window: int) -> None:
        """Ask a window to close, as its close button would. Raises: BackendError not-found."""

    def screenshot(self) -> bytes:
        """The whole desktop as PNG."""

    def power(self, action: str) -> None:
        """ "shutdown" or "reboot"; returns before it happens."""

    def metrics(self) -> Mapping[str, float]:
        """cpu (0–1), memory_used and memory_total in bytes, uptime in seconds."""

    def close(self) -> None:
        """Stop watchers and release what is held."""
