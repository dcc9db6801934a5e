"""What happened between the host and its guests: when, which way, how large, never what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class What(Enum):
    """What a line tells of."""

    COPY_OFFERED = "copy-offered"
    COPY_CROSSED = "copy-crossed"
    COPY_WITHHELD = "copy-withheld"
    COPY_FAILED = "copy-failed"
    FILES_SENT = "files-sent"
    LAUNCHED = "launched"
    RESIZED = "resized"
    POWER = "power"
    LOCKED = "locked"
    UNLOCKED = "unlocked"


class Way(Enum):
    """Which way it went."""

    TO_GUEST = "to-guest"
    TO_HOST = "to-host"


@dataclass(frozen=True)
class Line:
    """One line. ``formats`` are MIME types, ``size`` bytes; ``detail`` is a name, a code or "1920x1080"."""

    at: datetime
    machine: str
    what: What
    way: Way
    formats: tuple[str, ...] = ()
    size: int | None = None
    detail: str = ""
