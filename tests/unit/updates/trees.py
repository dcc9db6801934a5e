"""Small recorded systems for check kinds."""

from __future__ import annotations

from pathlib import Path

from libneuron.system import tables
from libneuron.system.calls import Caller
from libneuron.system.clock import RealClock
from libneuron.system.files import Root
from libneuron.system.runner import RealRunner
from libneuron.updates.checks import KINDS
from libneuron.updates.health import Outcome
from libneuron.updates.subject import Subject


def write(top: Path, files: dict[str, str | bytes]) -> Root:
    """Write ``files`` (absolute path → content) below ``top``; the tree as a root."""
    for name, content in files.items():
        place = top / name.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content.encode() if isinstance(content, str) else content)
    return Root(top)


def look(root: Root, kind: str, settings: str = "", bus: Caller | None = None) -> Outcome:
    """One check of ``kind`` on ``root``."""
    table = tables.parse(settings, file="test")
    probe = KINDS[kind](table)
    table.done()
    return probe(Subject(root, RealRunner(), RealClock(), bus, limit=2.0))
