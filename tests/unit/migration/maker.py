"""Windows folders for tests, and short ways to plan and run them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from libneuron.migration.home import Home
from libneuron.migration.journal import Journal
from libneuron.migration.model import Totals
from libneuron.migration.plan import Planner
from libneuron.migration.rules import load_rules
from libneuron.migration.scan import Source
from libneuron.migration.session import Outcome, Run
from libneuron.migration.verify import Extent
from libneuron.progress import Progress
from libneuron.system.clock import RealClock
from libneuron.system.files import Root
from libneuron.system.paths import resources

RULES = load_rules(resources() / "migration")


def progress() -> Progress:
    """Nobody watches."""
    return Progress(clock=RealClock().monotonic)


def write(top: Path, files: Mapping[str, bytes | str]) -> None:
    """Make files (and their folders) below ``top``; a path that ends in "/" is an empty folder."""
    for name, data in files.items():
        path = top / name
        if name.endswith("/"):
            path.mkdir(parents=True, exist_ok=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())


def tree(top: Path, *, times: bool = False) -> dict[str, object]:
    """Everything below ``top``: contents, modes, link targets and, if asked, times; for comparing."""
    found: dict[str, object] = {}
    for folder, names, files in os.walk(top):
        for name in [*names, *files]:
            path = Path(folder) / name
            info = path.lstat()
            what: object = None
            if path.is_symlink():
                what = os.readlink(path)
            elif path.is_file():
                what = path.read_bytes()
            found[str(path.relative_to(top))] = (
                oct(info.st_mode),
                what,
                info.st_mtime_ns if times and not path.is_symlink() else None,
            )
    return found


def without_run(found: dict[str, object]) -> dict[str, object]:
    """A tree without the suite's own record of the run."""
    return {name: what for name, what in found.items() if not name.startswith(".local")}


@dataclass
class Lab:
    """A source with one person, and a home."""

    top: Path
    user: str = "Anna"

    @property
    def source(self) -> Path:
        """The Windows drive."""
        return self.top / "windows"

    @property
    def profile(self) -> Path:
        """The person's profile on it."""
        return self.source / "Users" / self.user

    @property
    def home(self) -> Path:
        """The home in Linux."""
        return self.top / "home"

    def make(self, files: Mapping[str, bytes | str], home: Mapping[str, bytes | str] | None = None) -> Lab:
        """Fill the profile and the home."""
        self.profile.mkdir(parents=True, exist_ok=True)
        self.home.mkdir(exist_ok=True)
        write(self.profile, files)
        write(self.home, home or {})
        return self

    def plan(self, only: frozenset[str] | None = None) -> Path:
        """Write a plan; returns its file."""
        path = self.top / f"plan-{os.urandom(4).hex()}.db"
        with Source(self.source) as source:
            journal = Planner(source, Home(self.home, Root(self.top / "machine")), RULES, progress()).write(
                path, self.user
            )
            if only is not None:
                journal.select(only)
            journal.close()
        return path

    def begin(self, only: frozenset[str] | None = None) -> Run:
        """Plan and begin a run, without copying."""
        return Run.begin(self.plan(only), Home(self.home, Root(self.top / "machine")), clock=RealClock())

    def go_on(self, run: Run, extent: Extent = Extent.FULL) -> Outcome:
        """Copy what waits."""
        with Source(self.source) as source:
            return run.go_on(source, progress(), extent=extent)

    def migrate(self, only: frozenset[str] | None = None) -> Run:
        """All of it."""
        run = self.begin(only)
        self.go_on(run)
        return run


def totals(run: Run) -> Totals:
    """The sums of a run."""
    with Journal(run.journal_path) as journal:
        return journal.totals()


def report(run: Run) -> dict[str, object]:
    """The JSON report of a run."""
    made = json.loads((run.folder / "report.json").read_text())
    assert isinstance(made, dict)
    return made


def entries_below(top: Path) -> int:
    """How many entries there are, counted by other means than the scan's."""
    return sum(len(names) + len(files) for _folder, names, files in os.walk(top))
