"""What a person allows for one VM's clipboard, and what is remembered of what crossed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from libneuron.system.clipboard.spool import MIB
from libneuron.system.clipboard.targets import FORMATS


class Side(Enum):
    """The two clipboards."""

    HOST = "host"
    GUEST = "guest"

    @property
    def other(self) -> Side:
        """The opposite one."""
        return Side.GUEST if self is Side.HOST else Side.HOST


class Direction(Enum):
    """Which copies may cross."""

    OFF = "off"
    TO_GUEST = "host-to-guest"
    TO_HOST = "guest-to-host"
    BOTH = "both"

    def allows(self, source: Side) -> bool:
        """Whether a copy made on ``source`` may cross."""
        one_way = Direction.TO_GUEST if source is Side.HOST else Direction.TO_HOST
        return self in (Direction.BOTH, one_way)


class Rival(Enum):
    """Another program that shares the same two clipboards."""

    LOOKING_GLASS = "looking-glass"
    SPICE = "spice"


class Owner(Enum):
    """Who shares the clipboards while a rival is there: exactly one, shown and switchable."""

    RIVAL = "rival"
    BRIDGE = "bridge"


@dataclass(frozen=True)
class Rules:
    """One VM's settings. ``most``: bytes of one format; ``secrets``: also what a password manager marked."""

    direction: Direction = Direction.BOTH
    formats: frozenset[str] = frozenset(FORMATS)
    most: int = 512 * MIB
    secrets: bool = False
    owner: Owner = Owner.RIVAL


class Happened(Enum):
    """What became of a copy."""

    OFFERED = "offered"
    CROSSED = "crossed"
    WITHHELD = "withheld"
    FAILED = "failed"


@dataclass(frozen=True)
class Activity:
    """One line of the activity list; never any content.

    ``source`` is where the copy was made, ``size`` is in bytes (None: nothing was transferred), ``reason`` is
    the code of an error or "secret", "format".
    """

    at: datetime
    source: Side
    happened: Happened
    formats: tuple[str, ...]
    size: int | None = None
    reason: str = ""
