"""What happened between the host and its guests: when, which way, how large, never what."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from libneuron.progress import Progress


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


_CAUSED = frozenset((What.COPY_OFFERED, What.COPY_WITHHELD, What.COPY_FAILED, What.LOCKED, What.UNLOCKED))


def least(lines: Iterable[Line]) -> int:
    """Which of ``lines``, oldest first, goes where there is no room for all.

    The oldest that a machine can cause alone, as often as it likes: it must not push out that it got a copy.
    """
    return next((at for at, line in enumerate(lines) if line.what in _CAUSED), 0)


@dataclass(frozen=True)
class Moving:
    """Content on its way to or from ``machine`` (its id) because somebody pasted, until ``over`` is set."""

    machine: str
    way: Way
    progress: Progress
    over: threading.Event = field(default_factory=threading.Event)
