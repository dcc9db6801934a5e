"""The words of a migration: entries, states, decisions. Values only."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum


class Kind(StrEnum):
    """What an entry of the source is."""

    FILE = "file"
    FOLDER = "folder"
    LINK = "link"
    STREAM = "stream"
    SPECIAL = "special"


class State(IntEnum):
    """Where an entry stands. The last six are final, and every entry ends in exactly one of them."""

    PENDING = 0
    READY = 1
    """Written and durable under its temporary name, not yet renamed."""
    COPIED = 10
    TRANSFORMED = 11
    EXCLUDED = 12
    KEPT_BOTH = 13
    UNAVAILABLE = 14
    FAILED = 15


FINAL = (
    State.COPIED,
    State.TRANSFORMED,
    State.EXCLUDED,
    State.KEPT_BOTH,
    State.UNAVAILABLE,
    State.FAILED,
)
ARRIVED = (State.COPIED, State.TRANSFORMED, State.KEPT_BOTH)
"""The states of entries that now exist in the home."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing found in the source.

    ``name`` is as the file system gives it (undecodable bytes as surrogates); a stream's is "file:stream".
    ``size`` in bytes, ``mtime`` in nanoseconds since 1970. ``trouble`` is a reason code that keeps the entry
    from being copied (see :mod:`libneuron.migration.reasons`), empty for a plain one.
    """

    name: str
    kind: Kind
    size: int
    mtime: int
    trouble: str = ""
    target: str = ""
    """Where a link or junction points, for the report."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to happen to one entry.

    ``state`` PENDING means it comes over: to the folder and name given. Otherwise ``reason`` says why not.
    """

    item: str
    state: State
    reason: str = ""
    folder: str = ""
    name: str = ""
    transform: str = ""
    private: bool = False
    renamed: bool = False
    """The name had to change because this file system cannot hold it."""


@dataclass(frozen=True)
class Note:
    """Something that the person should know. ``code`` is in :mod:`libneuron.migration.notes`."""

    item: str
    code: str
    params: dict[str, str] = field(default_factory=dict)
    entry: int | None = None


@dataclass(frozen=True)
class Totals:
    """How many entries ended where. ``seen`` is the sum of the six others once a run is over."""

    copied: int = 0
    transformed: int = 0
    excluded: int = 0
    kept_both: int = 0
    unavailable: int = 0
    failed: int = 0
    waiting: int = 0
    """Not yet final: nothing but a plan or an interrupted run has any."""

    @property
    def seen(self) -> int:
        """Every entry of the scan."""
        return (
            self.copied
            + self.transformed
            + self.excluded
            + self.kept_both
            + self.unavailable
            + self.failed
            + self.waiting
        )

    def as_json(self) -> dict[str, int]:
        """The ``totals`` object of the command line; ``waiting`` only where there is any."""
        data = {
            "seen": self.seen,
            "copied": self.copied,
            "transformed": self.transformed,
            "excluded": self.excluded,
            "kept_both": self.kept_both,
            "unavailable": self.unavailable,
            "failed": self.failed,
        }
        if self.waiting:
            data["waiting"] = self.waiting
        return data
