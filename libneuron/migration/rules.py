"""Rules are data: ``resources/migration/*.toml`` read into values, every complaint naming file and key.

A rule brings one thing over (an app, a group of folders). Its patterns are tried in order on the path below
the rule's Windows folder, without regard to case; the first that matches decides, and what none matches
comes over as it is. In a pattern ``*`` stands within one name, ``**`` across folders.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from libneuron.migration.home import Target
from libneuron.migration.reasons import REASONS
from libneuron.system.tables import Table, load


@dataclass(frozen=True)
class Pattern:
    """What happens to matching entries: exactly one of the three, or a private copy."""

    match: str
    exclude: str = ""
    unavailable: str = ""
    transform: str = ""


@dataclass(frozen=True)
class Place:
    """A Windows folder or file of a rule, below the profile; ``to`` is below the rule's Linux folder."""

    path: str
    to: str = ""
    exclude: str = ""
    """Set where nothing of the place comes over."""


class Patterns:
    """Patterns compiled into one expression, because every entry of a million asks it."""

    def __init__(self, patterns: tuple[Pattern, ...]) -> None:
        self.patterns = patterns
        joined = "|".join(f"(?P<p{index}>{_expression(one.match)})" for index, one in enumerate(patterns))
        self._compiled = re.compile(joined, re.DOTALL) if patterns else None

    def find(self, path: str) -> Pattern | None:
        """The first pattern that ``path`` (case-folded, "/" between names) matches as a whole."""
        found = self._compiled.fullmatch(path) if self._compiled else None
        return self.patterns[int(str(found.lastgroup)[1:])] if found else None


@dataclass(frozen=True)
class Rule:
    """One thing that can be brought over."""

    id: str
    label: str
    layout: str
    """How its places become claims: a name in :mod:`libneuron.migration.layouts.registry`."""
    places: tuple[Place, ...]
    targets: tuple[Target, ...]
    patterns: Patterns
    private: bool
    """Only the owner may read what comes over (0600, 0700)."""
    advice: tuple[str, ...]
    """Note codes for the person, given when anything of the rule comes over."""


def _expression(match: str) -> str:
    out = []
    for part in re.split(r"(\*\*/|\*\*|\*|\?)", match.casefold()):
        out.append({"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}.get(part) or re.escape(part))
    return "".join(out)


def _pattern(table: Table) -> Pattern:
    pattern = Pattern(
        match=table.get("match", str),
        exclude=table.get("exclude", str, ""),
        unavailable=table.get("unavailable", str, ""),
        transform=table.get("transform", str, ""),
    )
    table.done()
    for key in ("exclude", "unavailable"):
        reason = getattr(pattern, key)
        if reason and reason not in REASONS:
            raise table.fail(key, f"“{reason}” is not a known reason")
    if sum(map(bool, (pattern.exclude, pattern.unavailable, pattern.transform))) > 1:
        raise table.fail("match", "can have only one of exclude, unavailable, transform")
    return pattern


def _place(table: Table) -> Place:
    place = Place(table.get("path", str), table.get("to", str, ""), table.get("exclude", str, ""))
    table.done()
    if place.exclude and place.exclude not in REASONS:
        raise table.fail("exclude", f"“{place.exclude}” is not a known reason")
    return place


def _target(table: Table) -> Target:
    target = Target(
        form=table.get("form", str),
        path=table.get("path", str),
        programs=table.items("programs", str),
        flatpak=table.get("flatpak", str, ""),
        versions=table.items("versions", str),
    )
    table.done()
    if target.form not in ("native", "flatpak", "snap"):
        raise table.fail("form", "must be native, flatpak or snap")
    return target


def _rule(table: Table, families: dict[str, tuple[Pattern, ...]]) -> Rule:
    family = table.get("family", str, "")
    if family and family not in families:
        raise table.fail("family", f"“{family}” is not a known family")
    own = tuple(_pattern(one) for one in table.tables("pattern"))
    rule = Rule(
        id=table.get("id", str),
        label=table.get("label", str),
        layout=table.get("layout", str, "plain"),
        places=tuple(_place(one) for one in table.tables("place")),
        targets=tuple(_target(one) for one in table.tables("target")),
        patterns=Patterns(own + families.get(family, ())),
        private=table.get("private", bool, False),
        advice=table.items("advice", str),
    )
    table.get("source", str)  # where the facts of the rule come from: for readers, and required
    table.done()
    if not rule.places or not rule.targets:
        raise table.fail("id", f"“{rule.id}” needs at least one place and one target")
    return rule


def load_rules(folder: Path) -> tuple[Rule, ...]:
    """All rules of the tables in ``folder``, in the order of file names and then as written.

    Raises: SystemAccessError table-invalid.
    """
    families: dict[str, tuple[Pattern, ...]] = {}
    tables = [load(path) for path in sorted(folder.glob("*.toml")) if path.name != "programs.toml"]
    for table in tables:
        for one in table.tables("family"):
            families[one.get("id", str)] = tuple(_pattern(each) for each in one.tables("pattern"))
            one.done()
    rules: list[Rule] = []
    for table in tables:
        for one in table.tables("rule"):
            rule = _rule(one, families)
            if any(rule.id == other.id for other in rules):
                raise one.fail("id", f"“{rule.id}” is there twice")
            rules.append(rule)
        table.done()
    return tuple(rules)
