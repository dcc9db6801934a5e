"""Which clipboard this desktop lets us have: the best of data-control, X11, and by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from libneuron.system.clipboard.errors import ClipboardError
from libneuron.system.clipboard.manual import ManualClipboard
from libneuron.system.clipboard.model import Clipboard
from libneuron.system.clipboard.wayland import WaylandClipboard
from libneuron.system.clipboard.wayland_wire import socket_path


@dataclass(frozen=True)
class Found:
    """The clipboard to use, and why the better ones could not be had (for the doctor's page)."""

    clipboard: Clipboard
    passed_over: tuple[str, ...]


def open_clipboard(environment: Mapping[str, str], *, spool: Path) -> Found:
    """Connect to the desktop's clipboard; large content goes to the private folder ``spool``.

    Waits for the desktop's first answers (at most some seconds): not for a window's thread. Never fails: the
    last rung is :class:`ManualClipboard`. In a Wayland session without data-control (GNOME) the X11 rung is
    Xwayland's clipboard.
    """
    rungs: list[Callable[[], Clipboard]] = []
    if display := environment.get("WAYLAND_DISPLAY"):
        runtime = Path(environment.get("XDG_RUNTIME_DIR", "/nonexistent"))
        rungs.append(lambda: WaylandClipboard(socket=socket_path(display, runtime), spool=spool))
    if screen := environment.get("DISPLAY"):
        rungs.append(lambda: _x11(screen, spool))
    passed_over: list[str] = []
    for rung in rungs:
        try:
            return Found(rung(), tuple(passed_over))
        except ClipboardError as error:
            passed_over.append(error.details)
    return Found(ManualClipboard(), tuple(passed_over))


def _x11(display: str, spool: Path) -> Clipboard:
    try:
        from libneuron.system.clipboard.x11 import X11Clipboard
    except ImportError as error:  # a library-only installation, or no libxcb
        raise ClipboardError("clipboard.unavailable", details=f"X11: {error}") from error
    return X11Clipboard(spool=spool, display=display)
