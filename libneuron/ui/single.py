"""One instance per person and app: a second start asks the first to show itself.

A lock file decides (it cannot go stale, whatever becomes of its owner); connecting to a socket beside it is
the wish.
Works where there is no session bus.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QSocketNotifier, QTimer, Slot

from libneuron.system.places import make_private_directory

if TYPE_CHECKING:
    import socket

_PATIENCE = 2.0  # seconds in which a first instance that is just starting begins to listen


class SingleInstance(QObject):
    """Owned by the first instance; ``shown`` is called when another start asks for the window, and
    :attr:`wished` with what that start was told to do. Any program of this person can send such a wish."""

    wished: Callable[[str], None] | None = None

    def __init__(self, folder: Path, name: str, shown: Callable[[], None]) -> None:
        """``folder`` is private to the person. :attr:`first` says whether this is the first instance."""
        super().__init__()
        make_private_directory(folder)
        self._shown = shown
        self._socket_path = folder / f"{name}.socket"
        self._lock = os.open(folder / f"{name}.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        self._listener: socket.socket | None = None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.first = False
            return
        self.first = True
        QTimer.singleShot(0, self, self._listen)  # once the event loop runs: the start comes first

    def _listen(self) -> None:
        import socket

        if self._lock < 0:
            return  # closed meanwhile
        self._socket_path.unlink(missing_ok=True)  # ours: we hold the lock
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.settimeout(0)
        self._listener.bind(str(self._socket_path))
        self._listener.listen(4)
        self._notifier = QSocketNotifier(self._listener.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._asked)

    @Slot()
    def _asked(self) -> None:
        if self._listener is None:
            return
        try:
            wish, _ = self._listener.accept()
        except OSError:
            return  # the other one went away again
        with wish:
            wish.settimeout(0.1)  # it is sent right after the connection
            try:
                text = wish.recv(256).decode("utf-8", "replace")
            except OSError:
                text = ""
        self._shown()
        if text and self.wished is not None:
            self.wished(text)

    def ask_first(self, text: str = "") -> bool:
        """Ask the first instance to show itself, and to do what ``text`` (short) says to it.

        False if it does not listen (it is ending).
        """
        import socket

        end = time.monotonic() + _PATIENCE
        while True:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as wish:
                wish.settimeout(2)
                try:
                    wish.connect(str(self._socket_path))
                    wish.sendall(text.encode())
                except OSError:
                    if time.monotonic() > end:
                        return False
                else:
                    return True
            time.sleep(0.05)

    def close(self) -> None:
        """Let another instance be the first."""
        if self._listener is not None:
            self._notifier.setEnabled(False)
            self._listener.close()
            self._listener = None
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1
