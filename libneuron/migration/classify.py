"""Which entry belongs to which item, and what happens to it. Pure: paths in, decisions out.

A *claim* gives a folder (or file) of the source to an item. Claims form a tree of case-folded names, walked
together with the source; the deepest claim on the way to an entry owns it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from libneuron.migration.model import Decision, Entry, Kind, State
from libneuron.migration.naming import fitting
from libneuron.migration.reasons import UNAVAILABLE
from libneuron.migration.rules import Pattern, Patterns


@dataclass(frozen=True)
class Claim:
    """A part of the source and what its item does with it.

    ``path`` is relative to the source, ``to`` to the home. ``exclude`` (a reason) claims it only in order to
    account for it. ``base`` is what the patterns see in front of the entry's own path.
    """

    item: str
    path: str
    to: str
    patterns: Patterns
    exclude: str = ""
    private: bool = False
    base: str = ""


@dataclass
class _Node:
    claim: Claim | None = None
    below: dict[str, _Node] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a walk stands: the claim that owns the folder, and the folder's path under it."""

    node: _Node | None
    claim: Claim
    seen: str
    """What the patterns see: case-folded, "/" between names."""
    to: str
    """The folder in the home, "" for the home itself."""
    stopped: Pattern | None = None
    """The pattern that excluded a folder above."""


_COPY = Pattern("**")


class Classifier:
    """Decides about entries. One that no claim owns cannot happen: the top claim owns the rest."""

    def __init__(self, claims: Iterable[Claim]) -> None:
        self._root = _Node()
        for claim in claims:
            node = self._root
            for part in claim.path.casefold().split("/") if claim.path else ():
                node = node.below.setdefault(part, _Node())
            node.claim = claim

    def start(self, path: str) -> Place:
        """The place of the folder ``path``, where a walk begins: claimed, or below a claim."""
        node: _Node | None = self._root
        place: Place | None = None
        if self._root.claim:
            place = Place(self._root, self._root.claim, self._root.claim.base, self._root.claim.to)
        for part in path.split("/") if path else ():
            if place is not None:
                place = self.inside(place, part, self.decide(place, Entry(part, Kind.FOLDER, 0, 0)))
                node = place.node
            else:
                node = node.below.get(part.casefold()) if node else None
                if node and node.claim:
                    place = Place(node, node.claim, node.claim.base, node.claim.to)
        if place is None:
            raise ValueError(f"nothing claims {path!r}")
        return place

    def decide(self, place: Place, entry: Entry) -> Decision:
        """What happens to ``entry``, which lies in the folder of ``place``."""
        plain, _, stream = entry.name.partition(":") if entry.kind is Kind.STREAM else (entry.name, "", "")
        folded = plain.casefold()
        node = place.node.below.get(folded) if place.node else None
        claim = node.claim if node and node.claim else place.claim
        if stream:
            reason = "download-origin" if stream.casefold() == "zone.identifier" else "named-stream"
            return Decision(claim.item, State.EXCLUDED, reason)
        if claim is not place.claim:
            pattern = claim.patterns.find(claim.base) if claim.base else None
            folder, _, name = claim.to.rpartition("/")
        else:
            pattern = place.stopped or claim.patterns.find(f"{place.seen}/{folded}" if place.seen else folded)
            folder, name = place.to, plain
        return self._outcome(claim, entry, pattern or _COPY, folder, name)

    @staticmethod
    def _outcome(claim: Claim, entry: Entry, pattern: Pattern, folder: str, name: str) -> Decision:
        reason = claim.exclude or pattern.exclude
        if reason:
            return Decision(claim.item, State.EXCLUDED, reason)
        if entry.trouble:
            lost = entry.trouble in UNAVAILABLE
            return Decision(claim.item, State.UNAVAILABLE if lost else State.EXCLUDED, entry.trouble)
        if pattern.unavailable:
            return Decision(claim.item, State.UNAVAILABLE, pattern.unavailable)
        fit = fitting(name)
        transform = pattern.transform if entry.kind is Kind.FILE else ""
        return Decision(
            claim.item, State.PENDING, "", folder, fit, transform, claim.private, renamed=fit != name
        )

    def inside(self, place: Place, name: str, decision: Decision) -> Place:
        """The place of the folder ``name`` in ``place``, about which ``decision`` was taken."""
        folded = name.casefold()
        node = place.node.below.get(folded) if place.node else None
        if node and node.claim:
            return Place(node, node.claim, node.claim.base, node.claim.to)
        seen = f"{place.seen}/{folded}" if place.seen else folded
        if decision.state is State.PENDING:
            to = f"{decision.folder}/{decision.name}" if decision.folder else decision.name
            return Place(node, place.claim, seen, to, place.stopped)
        stopped = place.stopped
        if stopped is None and decision.reason:
            lost = decision.state is State.UNAVAILABLE
            stopped = Pattern(
                "**",
                exclude="" if lost else decision.reason,
                unavailable=decision.reason if lost else "",
            )
        return Place(node, place.claim, seen, place.to, stopped)
