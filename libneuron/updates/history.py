"""What the journal's events add up to. Pure: :func:`fold` turns events into updates and roll backs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from typing import Any

from libneuron.updates.journal import Event
from libneuron.updates.layout import Switch
from libneuron.updates.loader import BootPlace, Loader


class Stage(Enum):
    """How far an update has come."""

    BEGINNING = "beginning"
    OPEN = "open"
    ENDED = "ended"
    CONFIRMED = "confirmed"
    ROLLED_BACK = "rolled-back"
    ABANDONED = "abandoned"


@dataclass(frozen=True)
class Update:
    """One update. ``point`` is the path of its snapshot below the top level, "" where there is none;
    ``verdicts`` are the judgements so far, oldest first: ("end" or "boot", what compare() said).
    ``starts`` counts starts in a row that did not complete, ``started`` is the id of the last one;
    ``complete``: one did, so what is wrong now is for a person to decide. ``snapper``: configuration and
    number of the snapshot that snapper took as well; ``offline``: it ran in a start of its own, in which most
    services are down; ``boot_place`` is where the kernels lay, None where an older release did not say."""

    id: str
    begun: datetime
    tool: str
    stage: Stage = Stage.BEGINNING
    point: str = ""
    point_uuid: str = ""
    overridden: str = ""
    boot: str = ""
    leader: str = ""
    ended: datetime | None = None
    packages: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    verdicts: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    pinned: bool = False
    removed: bool = False
    starts: int = 0
    started: str = ""
    complete: bool = False
    snapper: tuple[str, int] | None = None
    offline: bool = False
    boot_place: BootPlace | None = None

    @property
    def healthy(self) -> bool | None:
        """The last verdict; None while there is none."""
        return bool(self.verdicts[-1][1].get("healthy")) if self.verdicts else None

    @property
    def known_good(self) -> bool:
        """Whether a person or a verified boot said that all is well after this update."""
        return self.stage is Stage.CONFIRMED


@dataclass(frozen=True)
class Rollback:
    """One roll back and how far it has come. ``outcome`` is "" until it is over, then "restored",
    "unverified" or "abandoned"; paths are relative to the top level. ``loader``: boot files on a partition
    of their own are switched with the root, by those kept with ``boot_of``."""

    id: str
    at: datetime
    target: str
    target_uuid: str
    root: str
    root_uuid: str
    staged: str
    switch: Switch
    nested: tuple[str, ...]
    update: str
    automatic: bool
    loader: Loader | None = None
    boot_of: str = ""
    ready_uuid: str | None = None
    committed: bool = False
    outcome: str = ""
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class History:
    """All updates and roll backs, oldest first; ``held`` are package versions not to be installed again."""

    updates: tuple[Update, ...] = ()
    rollbacks: tuple[Rollback, ...] = ()
    held: Mapping[str, str] = field(default_factory=dict)

    @property
    def open(self) -> Update | None:
        """The update in progress."""
        last = self.updates[-1] if self.updates else None
        return last if last is not None and last.stage in (Stage.BEGINNING, Stage.OPEN) else None

    @property
    def pending(self) -> Rollback | None:
        """The roll back that is not over."""
        last = self.rollbacks[-1] if self.rollbacks else None
        return last if last is not None and not last.outcome else None

    def update(self, identity: str) -> Update | None:
        """The update with this id."""
        return next((item for item in self.updates if item.id == identity), None)

    @property
    def next_id(self) -> str:
        """An id that was never used."""
        names = [item.id for item in self.updates] + [item.id for item in self.rollbacks]
        used = [int(name) for name in names if name.isdigit()]
        return str(max(used, default=0) + 1)


def _updated(past: History, identity: str, **changes: Any) -> History:
    done = tuple(replace(item, **changes) if item.id == identity else item for item in past.updates)
    return replace(past, updates=done)


def _rolled(past: History, identity: str, **changes: Any) -> History:
    done = tuple(replace(item, **changes) if item.id == identity else item for item in past.rollbacks)
    return replace(past, rollbacks=done)


def _begun(past: History, event: Event) -> History:
    data = event.data
    update = Update(
        data["id"],
        event.at,
        data.get("tool", ""),
        boot=data.get("boot", ""),
        leader=data.get("leader", ""),
        offline=bool(data.get("offline")),
    )
    return replace(past, updates=(*past.updates, update))


def _snapshot_taken(past: History, event: Event) -> History:
    data = event.data
    place, pair = data.get("boot_place"), data.get("snapper")
    return _updated(
        past,
        data["id"],
        stage=Stage.OPEN,
        point=data.get("point", ""),
        point_uuid=data.get("point_uuid", ""),
        overridden=data.get("overridden", ""),
        snapper=(pair[0], pair[1]) if pair else None,
        boot_place=BootPlace(str(place["point"]), str(place["conf"])) if place else None,
    )


def _planned(past: History, event: Event) -> History:
    data = event.data
    rollback = Rollback(
        id=data["id"],
        at=event.at,
        target=data["target"],
        target_uuid=data["target_uuid"],
        root=data["root"],
        root_uuid=data["root_uuid"],
        staged=data["staged"],
        switch=Switch(data["switch"]),
        nested=tuple(data["nested"]),
        update=data["update"],
        automatic=bool(data["automatic"]),
        loader=Loader(data["loader"]["place"], data["loader"]["conf"]) if data.get("loader") else None,
        boot_of=str(data.get("boot_of", "")),
    )
    return replace(past, rollbacks=(*past.rollbacks, rollback))


def _over(past: History, event: Event) -> History:
    data = event.data
    past = _rolled(past, data["id"], outcome=data["outcome"], problems=tuple(data.get("problems", ())))
    rollback = next((item for item in past.rollbacks if item.id == data["id"]), None)
    if rollback is not None and rollback.update and data["outcome"] != "abandoned":
        past = _updated(past, rollback.update, stage=Stage.ROLLED_BACK)
    return past


def _verdict(past: History, event: Event) -> History:
    update = past.update(event.data["id"])
    if update is None:
        return past
    entry = (str(event.data.get("when", "")), dict(event.data["verdict"]))
    return _updated(past, update.id, verdicts=(*update.verdicts, entry))


def _ended(past: History, event: Event) -> History:
    changed = {name: (pair[0], pair[1]) for name, pair in event.data.get("packages", {}).items()}
    return _updated(past, event.data["id"], stage=Stage.ENDED, ended=event.at, packages=changed)


def _start_begun(past: History, event: Event) -> History:
    update = past.update(event.data["id"])
    if update is None or update.started == event.data["boot"]:
        return past
    return _updated(past, update.id, starts=update.starts + 1, started=event.data["boot"])


def _unchanged(past: History, _event: Event) -> History:
    return past


_CHANGES: Mapping[str, Callable[[History, Event], History]] = {
    "update-beginning": _begun,
    "update-begun": _snapshot_taken,
    "update-ended": _ended,
    "update-reopened": lambda past, event: _updated(past, event.data["id"], stage=Stage.OPEN),
    "update-confirmed": lambda past, event: _updated(past, event.data["id"], stage=Stage.CONFIRMED),
    "update-abandoned": lambda past, event: _updated(past, event.data["id"], stage=Stage.ABANDONED),
    "start-begun": _start_begun,
    "start-complete": lambda past, event: _updated(past, event.data["id"], complete=True),
    "verdict": _verdict,
    "point-pinned": lambda past, event: _updated(past, event.data["id"], pinned=bool(event.data["pinned"])),
    "point-removed": lambda past, event: _updated(past, event.data["id"], removed=True),
    "rollback-planned": _planned,
    "rollback-ready": lambda past, event: _rolled(past, event.data["id"], ready_uuid=event.data["uuid"]),
    "rollback-committed": lambda past, event: _rolled(past, event.data["id"], committed=True),
    "rollback-over": _over,
    "held": lambda past, event: replace(past, held={**past.held, **event.data["packages"]}),
    "released": lambda past, _event: replace(past, held={}),
}


def fold(events: Iterable[Event]) -> History:
    """The history that ``events`` tell; an event that lacks what its kind needs is passed over."""
    past = History()
    for event in events:
        try:
            past = _CHANGES.get(event.kind, _unchanged)(past, event)
        except (KeyError, ValueError, TypeError, IndexError):
            continue
    return past
