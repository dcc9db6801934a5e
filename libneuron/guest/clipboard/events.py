"""What happens to the two clipboards, and what the policy wants done: values only."""

from __future__ import annotations

from dataclasses import dataclass

from libneuron.guest.clipboard.rules import Happened, Rival, Rules, Side
from libneuron.system.clipboard.model import ClipboardOffer


@dataclass(frozen=True)
class Copy:
    """A copy somebody made on ``side``; ``number`` is that clipboard's, ``serial`` counts both together.
    ``sent`` if the person asked for it by hand; ``found`` if it was there before anybody looked."""

    side: Side
    number: int
    serial: int
    formats: tuple[str, ...]
    secret: bool
    sent: bool = False
    found: bool = False


# What happens


@dataclass(frozen=True)
class Came:
    """A clipboard became reachable."""

    side: Side


@dataclass(frozen=True)
class Gone:
    """A clipboard is no longer reachable."""

    side: Side


@dataclass(frozen=True)
class Copied:
    """A clipboard has a new offer."""

    side: Side
    offer: ClipboardOffer


@dataclass(frozen=True)
class Claimed:
    """Our claim ``serial`` on ``side`` was accepted, or refused because somebody was faster, or failed."""

    side: Side
    serial: int
    accepted: bool
    code: str = ""


@dataclass(frozen=True)
class Served:
    """Somebody pasted ``mime`` of our claim ``serial`` on ``side``; a digest of it is kept by the driver."""

    side: Side
    serial: int
    mime: str


@dataclass(frozen=True)
class Compared:
    """The comparison asked for: whether copy ``number`` is what we had served."""

    side: Side
    number: int
    same: bool


@dataclass(frozen=True)
class RulesChanged:
    """The person changed the settings."""

    rules: Rules


@dataclass(frozen=True)
class RivalsChanged:
    """Other programs began, or ceased, to share the clipboards; overrides what offers had shown."""

    rivals: frozenset[Rival]


@dataclass(frozen=True)
class Send:
    """The person sends what ``source`` holds now, whatever the direction says (secrets stay)."""

    source: Side


Event = Came | Gone | Copied | Claimed | Served | Compared | RulesChanged | RivalsChanged | Send


# What to do


@dataclass(frozen=True)
class PutClaim:
    """Offer ``copy`` on ``side``, unless that clipboard has a copy newer than ``after``."""

    side: Side
    copy: Copy
    formats: tuple[str, ...]
    after: int


@dataclass(frozen=True)
class Release:
    """Give up our claim on ``side``."""

    side: Side


@dataclass(frozen=True)
class Compare:
    """Read ``mime`` of copy ``number`` and compare it with what was served there."""

    side: Side
    number: int
    mime: str


@dataclass(frozen=True)
class Record:
    """Add a line to the activity list (the driver adds the time)."""

    source: Side
    happened: Happened
    formats: tuple[str, ...]
    reason: str = ""


Action = PutClaim | Release | Compare | Record
