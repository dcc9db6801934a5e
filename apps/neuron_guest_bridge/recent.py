"""Which applications of a machine were started last, and which the person likes best, kept per machine."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from pathlib import Path

from libneuron.system.files import make_private_directory, write_atomic

MOST = 5
LIKED = 20
_LONGEST = 4096  # characters of a path; a guest chooses them


@dataclass(frozen=True)
class _Paths:
    """One small file per machine below ``folder``. What cannot be read counts as an empty list."""

    folder: Path
    most: int
    _lock: threading.Lock = field(default_factory=threading.Lock, compare=False)

    def get(self, machine: str) -> tuple[str, ...]:
        """Paths in the machine, in their order."""
        try:
            found = json.loads((self.folder / machine).read_text())
        except (OSError, ValueError):
            return ()
        paths = [path for path in found if isinstance(path, str)] if isinstance(found, list) else []
        return tuple(paths[: self.most])

    def _set(self, machine: str, paths: list[str]) -> None:
        make_private_directory(self.folder)
        data = json.dumps(paths[: self.most]).encode()
        write_atomic(self.folder / machine, data, mode=0o600, durable=False)


class Recent(_Paths):
    """The last one first."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, MOST)

    def add(self, machine: str, path: str) -> None:
        """``path`` was started. Raises: OSError."""
        if len(path) > _LONGEST:
            return
        with self._lock:
            self._set(machine, [path, *(item for item in self.get(machine) if item != path)])


class Favourites(_Paths):
    """In the order in which they were chosen."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, LIKED)

    def mark(self, machine: str, path: str, *, on: bool) -> None:
        """``path`` is a favourite from now on, or no longer. Raises: OSError."""
        with self._lock:
            others = [item for item in self.get(machine) if item != path]
            self._set(machine, [*others, path] if on and len(path) <= _LONGEST else others)
