"""What the running service tells the installer: a small file beside the keys, replaced whole."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from libneuron.guest.wire.errors import FieldError
from libneuron.guest.wire.fields import Fields
from neuron_guest import VERSION

_log = logging.getLogger(__name__)

STATUS_FILE = "status.json"


@dataclass(frozen=True)
class Told:
    """The version that runs, its process, and the port: "" if it is open, else why not."""

    version: str
    process: int
    port: str | None


class Status:
    """The service's side."""

    def __init__(self, path: Callable[[], Path]) -> None:
        self._where = path
        self._last: str | None = None
        self._running = False

    def begin(self) -> None:
        """The service runs now; from here on the file is written."""
        self._running = True
        self._write(None)

    def port(self, why_not: str) -> None:
        """An attempt to open the port: empty if it worked."""
        if self._running and why_not != self._last:
            self._write(why_not)

    def _write(self, port: str | None) -> None:
        self._last = port
        told = {"version": VERSION, "process": os.getpid(), "port": port}
        try:
            path = self._where()
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh = path.with_suffix(".new")
            fresh.write_text(json.dumps(told), encoding="utf-8")
            fresh.replace(path)
        except OSError as error:
            _log.warning("the status could not be written: %s", error)


def read(path: Path) -> Told | None:
    """The installer's side; None while there is nothing readable."""
    try:
        fields = Fields(json.loads(path.read_text(encoding="utf-8")))
        port = fields.text("port") if fields.has("port") else None
        return Told(fields.line("version"), fields.integer("process", 0, 0xFFFFFFFF), port)
    except (OSError, ValueError, FieldError):
        return None
