"""Whether a desktop answers where the environment says that one is.

Qt ends the whole process where none does (QGuiApplication: "could not connect to display").
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
from collections.abc import Mapping
from pathlib import Path

_X11 = re.compile(r"(?P<host>[^:/]*):(?P<number>\d{1,5})(\.\d+)?")
_SOCKETS = "/tmp/.X11-unix/X"  # noqa: S108 — where X servers listen (X(7))
_TCP = 6000
_PATIENCE = 3.0  # seconds for a server on another machine


def _listens(address: str | bytes) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as probe:
        probe.settimeout(_PATIENCE)
        with contextlib.suppress(OSError):
            probe.connect(address)
            return True
    return False


def _x11(display: str) -> bool:
    found = _X11.fullmatch(display)
    if found is None:
        return True  # a form of its own (launchd's path): Qt is to judge
    number = int(found["number"])
    if found["host"] in ("", "unix"):
        path = f"{_SOCKETS}{number}"
        return _listens(b"\0" + path.encode()) or _listens(path)
    with contextlib.suppress(OSError):
        socket.create_connection((found["host"], _TCP + number), _PATIENCE).close()
        return True
    return False


def answers(environment: Mapping[str, str]) -> bool:
    """Whether a window can be shown: a compositor or an X server listens, or Qt was told of another way."""
    if environment.get("QT_QPA_PLATFORM"):
        return True
    wayland, x11 = environment.get("WAYLAND_DISPLAY"), environment.get("DISPLAY")
    if wayland and _listens(os.fspath(Path(environment.get("XDG_RUNTIME_DIR", "/")) / wayland)):
        return True
    return bool(x11) and _x11(str(x11))
