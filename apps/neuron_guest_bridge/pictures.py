"""Where pictures of a machine's desktop are kept: new files in the person's folder for pictures."""

from __future__ import annotations

import os
import re
from datetime import datetime
from pathlib import Path

from libneuron.guest.errors import GuestError

_ODD = re.compile(r"[^\w .()+-]")
_MOST = 1000  # pictures of one machine within one second


def save(folder: Path, *, machine: str, at: datetime, png: bytes) -> Path:
    """Write a picture under a name that was free; returns it. Raises: GuestError not-written."""
    plain = _ODD.sub("_", machine).strip(" .")[:80] or "machine"
    stem = f"{plain} {at:%Y-%m-%d %H-%M-%S}"
    path = folder / f"{stem}.png"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(2, _MOST):
            try:
                descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            except FileExistsError:
                path = folder / f"{stem} ({number}).png"
                continue
            _fill(path, descriptor, png)
            return path
    except OSError as error:
        raise GuestError("guest.not-written", path=path, details=str(error)) from error
    raise GuestError("guest.not-written", path=path)


def _fill(path: Path, descriptor: int, png: bytes) -> None:
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(png)
    except OSError:
        path.unlink(missing_ok=True)  # half a picture is none
        raise
