"""Finds the libraries a program needs, the way ld.so(8) would, inside a root prefix."""

from __future__ import annotations

import fnmatch
import os
from collections import deque
from pathlib import Path, PurePosixPath

from libneuron.system.files import Root
from libneuron.updates.kinds.elf import Elf, NotElfError, read_elf

_DEFAULT = ("/lib", "/usr/lib", "/lib64", "/usr/lib64")


def configured_directories(root: Root) -> tuple[str, ...]:
    """The loader's directories: ld.so.conf with its includes, then the built-in ones."""
    found: list[str] = []
    _read_conf(root, "/etc/ld.so.conf", found, depth=0)
    return tuple(dict.fromkeys((*found, *_DEFAULT)))


def _read_conf(root: Root, path: str, found: list[str], *, depth: int) -> None:
    if depth > 8:
        return
    for line in (root.text(path) or "").splitlines():
        words = line.split("#", 1)[0].split()
        if not words:
            continue
        if words[0] != "include":
            found.append(words[0])
            continue
        for pattern in words[1:]:
            whole = PurePosixPath("/etc") / pattern
            for name in root.names(str(whole.parent)):
                if fnmatch.fnmatch(name, whole.name):
                    _read_conf(root, str(whole.parent / name), found, depth=depth + 1)


class Libraries:
    """Looks libraries up and remembers what it saw; one per check run."""

    def __init__(self, root: Root) -> None:
        self._root = root
        self._directories = configured_directories(root)
        self._seen: dict[Path, Elf | None] = {}

    def _read(self, path: Path) -> Elf | None:
        if path not in self._seen:
            try:
                self._seen[path] = read_elf(path)
            except (NotElfError, OSError):
                self._seen[path] = None
        return self._seen[path]

    def _find(self, name: str, user: Elf, origin: str) -> tuple[str, Elf] | None:
        if "/" in name:
            fitting = self._read(self._root.path(name))
            return None if fitting is None else (name, fitting)
        own = [part.replace("$ORIGIN", origin).replace("${ORIGIN}", origin) for part in user.search]
        for directory in (*own, *self._directories):
            place = os.path.normpath(f"{directory}/{name}")
            path = self._root.path(place)
            if not path.exists():
                continue
            found = self._read(path)
            if found is not None and (found.machine, found.wide) == (user.machine, user.wide):
                return place, found
        return None

    def problems(self, absolute: str) -> tuple[str, ...]:
        """What would keep the program at ``absolute`` from starting; empty where nothing would.

        Raises: FileNotFoundError, PermissionError.
        """
        path = self._root.path(absolute)
        with path.open("rb") as file:
            start = file.read(256)
        if start.startswith(b"#!"):
            return self._script(start)
        program = self._read(path)
        if program is None:
            return ("is damaged",)
        missing: set[str] = set()
        if program.interpreter and not self._root.path(program.interpreter).exists():
            missing.add(program.interpreter)
        # Breadth first, like ld.so: a library that is loaded already is not searched for again.
        loaded: set[str] = set()
        users = deque([(program, str(PurePosixPath(absolute).parent))])
        while users:
            user, origin = users.popleft()
            for name in user.needed:
                if name in loaded:
                    continue
                loaded.add(name)
                found = self._find(name, user, origin)
                if found is None:
                    missing.add(name)
                else:
                    users.append((found[1], str(PurePosixPath(found[0]).parent)))
        return tuple(f"needs {name}" for name in sorted(missing))

    def _script(self, start: bytes) -> tuple[str, ...]:
        words = start[2:].split(b"\n", 1)[0].split()
        if not words:
            return ("names no interpreter",)
        name = words[0].decode("utf-8", "replace")
        return () if self._root.path(name).exists() else (f"needs {name}",)
