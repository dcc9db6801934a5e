"""What every layout gets and gives."""

from __future__ import annotations

from dataclasses import dataclass, field

from libneuron.migration.classify import Claim
from libneuron.migration.discover import Profile
from libneuron.migration.home import Home
from libneuron.migration.model import Note
from libneuron.migration.rules import Place, Rule
from libneuron.migration.scan import Source


@dataclass(frozen=True)
class Setting:
    """The source, the person in it, and the home."""

    source: Source
    profile: Profile
    home: Home

    def locate(self, path: str) -> str | None:
        """The real spelling of ``path`` (below the profile) in the source; None where it is absent."""
        top = self.profile.person.path
        joined = "/".join(part for part in (top, path) if part)
        return self.source.find(joined) if path else top


@dataclass(frozen=True)
class Layout:
    """What a rule does here. ``params`` are handed to its transforms and stored with the plan."""

    claims: tuple[Claim, ...]
    to: str
    """The item's folder below the home, "" for the home itself."""
    params: dict[str, object] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()


def join(*parts: str) -> str:
    """Names and paths with "/" between what is not empty."""
    return "/".join(part for part in parts if part)


def claim(rule: Rule, place: Place, path: str, to: str, *, base: str) -> Claim:
    """One claim of ``rule``."""
    return Claim(rule.id, path, to, rule.patterns, place.exclude, rule.private, base)


def plain(rule: Rule, setting: Setting) -> Layout | None:
    """Every place that exists goes below the target folder."""
    target = setting.home.choose(rule.targets)
    claims = []
    for place in rule.places:
        path = setting.locate(place.path)
        if path is not None:
            base = place.path.rpartition("/")[2].casefold()
            claims.append(claim(rule, place, path, join(target.path, place.to), base=base))
    return Layout(tuple(claims), target.path) if claims else None


def known_folder(rule: Rule, setting: Setting) -> Layout | None:
    """One of Windows' known folders, wherever it lies, to the folder of the same meaning."""
    to = setting.home.folders()[rule.id]
    person = setting.profile.person.path
    for folder in setting.profile.folders:
        if folder.id == rule.id and folder.path and not f"{person}/".startswith(f"{folder.path}/"):
            return Layout((claim(rule, rule.places[0], folder.path, to, base=""),), to)
    return None
