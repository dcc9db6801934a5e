"""Programs of Windows and what does their work on Linux: a table, and the matching against it. Pure.

The table is ``resources/migration/programs.toml``; what is installed comes from the registry hives.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from libneuron.errors import QT_TRANSLATE_NOOP
from libneuron.system.tables import Table, load

UNKNOWN = QT_TRANSLATE_NOOP(
    "migration", "Nothing is known about it: search the software centre for what you did with it."
)


@dataclass(frozen=True)
class Equivalent:
    """A program on Linux. Names of packages are empty where there is none."""

    linux: str
    source: str
    flatpak: str = ""
    debian: str = ""
    arch: str = ""
    fedora: str = ""

    def command(self, family: str) -> str:
        """The line that installs it on a distribution of ``family`` ("debian", "arch", "fedora", else "").

        The distribution's own package is preferred, then Flathub; empty where neither is there.
        """
        package = {"debian": self.debian, "arch": self.arch, "fedora": self.fedora}.get(family, "")
        if package:
            return f"{_TOOLS[family]} {shlex.quote(package)}"
        return f"flatpak install flathub {shlex.quote(self.flatpak)}" if self.flatpak else ""


_TOOLS = {"debian": "sudo apt install", "arch": "sudo pacman -S", "fedora": "sudo dnf install"}


@dataclass(frozen=True)
class Advice:
    """What to do about one program of Windows. ``linux`` is empty where nothing is known."""

    windows: str
    linux: str = ""
    command: str = ""
    source: str = ""

    def as_json(self) -> dict[str, str]:
        """For the plan and the report."""
        return asdict(self)


class Programs:
    """The table, ready for matching."""

    def __init__(
        self, entries: Iterable[tuple[tuple[str, ...], Equivalent]], needless: tuple[str, ...]
    ) -> None:
        self.entries = tuple(entries)
        self._compiled = tuple((_expression(names), one) for names, one in self.entries)
        self._needless = _expression(needless)

    def equivalent(self, name: str) -> Equivalent | None:
        """The first entry that the display name ``name`` matches, or None."""
        folded = name.casefold().strip()
        return next((one for pattern, one in self._compiled if pattern.fullmatch(folded)), None)

    def needless(self, name: str) -> bool:
        """Whether ``name`` is a part of Windows, a driver or a run-time library."""
        return self._needless.fullmatch(name.casefold().strip()) is not None

    def advise(self, installed: Iterable[str], family: str) -> tuple[Advice, ...]:
        """Advice for each installed program, those with an equivalent first; each once, by name."""
        names = {name.casefold().strip(): name.strip() for name in installed if name.strip()}
        advice = []
        for _folded, name in sorted(names.items()):
            one = self.equivalent(name)
            if one is not None:
                advice.append(Advice(name, one.linux, one.command(family), one.source))
            elif not self.needless(name):
                advice.append(Advice(name))
        return tuple(sorted(advice, key=lambda each: not each.linux))


def _expression(names: Iterable[str]) -> re.Pattern[str]:
    patterns = (".*".join(re.escape(part) for part in name.casefold().split("*")) for name in names)
    return re.compile("|".join(patterns), re.DOTALL)


def _entry(table: Table) -> tuple[tuple[str, ...], Equivalent]:
    names = table.items("names", str)
    made = Equivalent(
        linux=table.get("linux", str),
        source=table.get("source", str),
        flatpak=table.get("flatpak", str, ""),
        debian=table.get("debian", str, ""),
        arch=table.get("arch", str, ""),
        fedora=table.get("fedora", str, ""),
    )
    table.done()
    if not names:
        raise table.fail("names", "must not be empty")
    if not (made.flatpak or made.debian or made.arch or made.fedora):
        raise table.fail("linux", "needs a package or a Flatpak")
    return names, made


def load_programs(folder: Path) -> Programs:
    """The table in ``folder``. Raises: SystemAccessError table-invalid."""
    table = load(folder / "programs.toml")
    made = Programs((_entry(one) for one in table.tables("program")), table.items("needless", str))
    table.done()
    return made


def family(os_release: str) -> str:
    """The family ("debian", "arch", "fedora", else "") from the text of os-release. Source: os-release(5)."""
    values = dict(line.split("=", 1) for line in os_release.splitlines() if "=" in line)
    words = f"{values.get('ID', '')} {values.get('ID_LIKE', '')}".replace('"', "").replace("'", "").split()
    for word in words:
        if word in ("debian", "ubuntu"):
            return "debian"
        if word in ("arch", "fedora"):
            return word
    return ""
