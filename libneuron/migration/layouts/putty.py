"""PuTTY: its sessions lie in the person's registry hive, its keys wherever the person put them."""

from __future__ import annotations

from libneuron.migration import hives
from libneuron.migration.classify import Claim
from libneuron.migration.errors import MigrationError
from libneuron.migration.layouts.common import Layout, Setting, claim, join
from libneuron.migration.model import Note
from libneuron.migration.naming import split
from libneuron.migration.rules import Rule
from libneuron.migration.transforms import ppk, putty
from libneuron.migration.transforms.common import LIMIT

_SESSIONS = "\\Software\\SimonTatham\\PuTTY\\Sessions"
_KEY_LIMIT = 1 << 20
_SHOWN = 20
"""Sessions named in a note."""


class _Keys:
    """The keys that sessions name, each found in the source and given a name in ``.ssh``."""

    def __init__(self, rule: Rule, setting: Setting, to: str) -> None:
        self._rule = rule
        self._setting = setting
        self._to = to
        self._names: dict[str, str] = {}
        self.claims: list[Claim] = []
        self.notes: list[Note] = []

    def place(self, windows: str) -> str | None:
        """Where a key that a session names will be, for ssh; None where it is none or not in the source."""
        path = self._setting.profile.locate(self._setting.source, windows) if windows else None
        if path is None:
            return None
        if path not in self._names:
            self._names[path] = self._add(path)
        return f"~/{self._names[path]}" if self._names[path] else None

    def _free(self, stem: str) -> str:
        """A name that no key has, neither here nor among those that come."""
        there = self._setting.locate(".ssh")
        taken = {*self._setting.home.names(self._to), *(self._setting.source.names(there) if there else ())}
        taken |= {name.rpartition("/")[2] for name in self._names.values()}
        names = (stem, *(f"{stem}-putty{number}" for number in ("", *range(2, len(taken) + 3))))
        return next(name for name in names if not taken & {name, f"{name}.ppk"})

    def _add(self, path: str) -> str:
        data = self._setting.source.read(path, limit=_KEY_LIMIT)
        if data is None:
            return ""
        stem = split(path.rpartition("/")[2])[0]
        locked = ppk.needs_puttygen(data)
        stem = self._free(stem)
        name = f"{stem}.ppk" if locked else stem
        to = join(self._to, name)
        base = "@locked-key" if locked else "@key"
        self.claims.append(claim(self._rule, self._rule.places[0], path, to, base=base))
        if not locked:
            return to
        made = join(self._to, stem)
        self.notes.append(Note(self._rule.id, "putty-key-locked", {"from": f"~/{to}", "to": f"~/{made}"}))
        return made


def _sessions(setting: Setting) -> tuple[str, dict[str, dict[str, str]]]:
    """The hive's place in the source, and the sessions in it; none where there is no hive to read."""
    path = setting.locate("NTUSER.DAT")
    data = setting.source.read(path, limit=LIMIT) if path else None
    if not path or not data:
        return "", {}
    try:
        found = hives.below(data, _SESSIONS, name=path)
    except MigrationError:
        return "", {}  # told with the person's folders
    named = {putty.session_name(key): dict(values) for key, values in found.items()}
    return path, {name: values for name, values in named.items() if name != putty.TEMPLATE}


def putty_layout(rule: Rule, setting: Setting) -> Layout | None:
    """Hosts for ssh's ``config``; where Windows has one as well, they come with that."""
    path, sessions = _sessions(setting)
    if not sessions:
        return None
    target = setting.home.choose(rule.targets)
    keys = _Keys(rule, setting, target.path)
    text, left = putty.hosts(sessions, keys.place)
    notes = list(keys.notes)
    if left:
        notes.append(Note(rule.id, "putty-left", {"list": ", ".join(left[:_SHOWN])}))
    params: dict[str, object] = {"hosts": text}
    claims = list(keys.claims)
    if setting.locate(".ssh/config") is not None:
        params = {"lends": {"ssh": {"hosts": text}}}
        claims.append(claim(rule, rule.places[0], path, join(target.path, "config"), base="@read"))
        notes.append(Note(rule.id, "putty-with-ssh"))
    else:
        claims.append(claim(rule, rule.places[0], path, join(target.path, "config"), base="@sessions"))
    return Layout(tuple(claims), target.path, params, tuple(notes))
