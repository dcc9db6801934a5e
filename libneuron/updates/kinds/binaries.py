"""Critical programs exist, may be executed, and find all their libraries."""

from __future__ import annotations

import os

from libneuron.system.tables import Table
from libneuron.updates.health import Outcome, failed
from libneuron.updates.kinds.libraries import Libraries
from libneuron.updates.subject import Probe, Subject

_DIRECTORIES = ("/usr/bin", "/bin", "/usr/sbin", "/sbin")


def binaries(settings: Table) -> Probe:
    """``programs``: names that must exist; ``if_present``: checked where they exist. A name is searched in
    the system's program directories; a path is taken as it is."""
    must = settings.items("programs", str)
    may = settings.items("if_present", str)

    def probe(subject: Subject) -> Outcome:
        libraries = Libraries(subject.root)
        wrong: list[str] = []
        for name, needed in (*((name, True) for name in must), *((name, False) for name in may)):
            place = _find(subject, name)
            if place is None:
                if needed:
                    wrong.append(f"{name} (missing)")
                continue
            wrong += [f"{name} ({problem})" for problem in _problems(subject, libraries, place)]
        return failed("binaries", wrong)

    return probe


def _find(subject: Subject, name: str) -> str | None:
    places = (name,) if name.startswith("/") else tuple(f"{part}/{name}" for part in _DIRECTORIES)
    return next((place for place in places if subject.root.path(place).is_file()), None)


def _problems(subject: Subject, libraries: Libraries, place: str) -> tuple[str, ...]:
    path = subject.root.path(place)
    if not path.stat().st_mode & 0o111:
        return ("not executable",)
    if not os.access(path, os.R_OK):
        return ()  # set-uid programs may be unreadable to us; that they exist is all we can say
    return libraries.problems(place)
