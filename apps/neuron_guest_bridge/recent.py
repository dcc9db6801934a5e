"""Which applications of a machine were started last, kept per machine."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from pathlib import Path

from libneuron.system.files import make_private_directory, write_atomic

MOST = 5
_LONGEST = 4096  # characters of a path; a guest chooses them


@dataclass(frozen=True)
class Recent:
    """One small file per machine below ``folder``. What cannot be read counts as nothing started yet."""

    folder: Path
    _lock: threading.Lock = field(default_factory=threading.Lock, compare=False)

    def get(self, machine: str) -> tuple[str, ...]:
        """Paths in the machine, the last one first."""
        try:
            found = json.loads((self.folder / machine).read_text())
        except (OSError, ValueError):
            return ()
        paths = [path for path in found if isinstance(path, str)] if isinstance(found, list) else []
        return tuple(paths[:MOST])

    def add(self, machine: str, path: str) -> None:
        """``path`` was started. Raises: OSError."""
        if len(path) > _LONGEST:
            return
        with self._lock:
            paths = [path, *(item for item in self.get(machine) if item != path)][:MOST]
            make_private_directory(self.folder)
            write_atomic(self.folder / machine, json.dumps(paths).encode(), mode=0o600, durable=False)
