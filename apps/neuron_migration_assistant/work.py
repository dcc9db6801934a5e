"""What the wizard does outside of the window: functions from values and a progress to values.

Where they run is up to :class:`Job`'s ``do``: in a process of their own, or right here in a test.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from libneuron.errors import NeuronError, Translate
from libneuron.migration import discover, partitions, report, summary
from libneuron.migration.checks import check_home
from libneuron.migration.drives import Drive, drives
from libneuron.migration.home import Home
from libneuron.migration.journal import Journal
from libneuron.migration.model import State, Totals
from libneuron.migration.opening import opened, udisks
from libneuron.migration.plan import Planner, Space, space
from libneuron.migration.rules import load_rules
from libneuron.migration.session import Outcome, Run
from libneuron.migration.summary import ItemSummary, Line
from libneuron.migration.undo import Undone
from libneuron.progress import Progress
from libneuron.system.apart import Do, here
from libneuron.system.clock import Clock
from libneuron.system.files import Root
from libneuron.system.paths import resources
from libneuron.system.runner import RealRunner

_SHOWN = 200
"""Lines of what cannot come that a page lists; the report lists them all."""


@dataclass(frozen=True)
class PlanView:
    """A plan as the pages show it."""

    path: Path
    items: tuple[ItemSummary, ...]
    notes: tuple[str, ...]
    missing: tuple[Line, ...]
    """Entries that cannot come, the first ones."""
    missing_count: int
    space: Space


@dataclass(frozen=True)
class RunView:
    """A run that ended, as the last page shows it."""

    run: Run
    ok: bool
    totals: Totals
    report: Path
    checked: int
    lines: tuple[Line, ...]
    """What failed or could not come, the first ones."""


@dataclass(frozen=True)
class Key:
    """Where the files are, and BitLocker's recovery key as it was typed."""

    path: Path
    recovery: str = field(default="", repr=False)


def find_drives(root: Root, _progress: Progress) -> tuple[Drive, ...]:
    """The drives to choose from, those that nobody has opened yet last."""
    with udisks() as service:
        try:
            more = partitions.closed(service)
        except NeuronError:  # no udisks here: the others are offered all the same
            more = ()
    return (
        *drives(root),
        *(Drive(one.device, str(one.device), one.size, 0, (), is_open=False) for one in more),
    )


def find_people(key: Key, _progress: Progress) -> tuple[discover.Person, ...]:
    """Who is in there. Raises: MigrationError source-missing, not-windows."""
    with opened(key.path, RealRunner(), key.recovery) as source:
        return discover.people(source)


def make_plan(
    key: Key, home: Home, user: str, target: Path, translate: Translate, progress: Progress
) -> PlanView:
    """Scan and plan into the new file ``target``. Raises: MigrationError; Cancelled."""
    check_home(home.path)
    rules = load_rules(resources() / "migration")
    with (
        opened(key.path, RealRunner(), key.recovery) as source,
        Planner(source, home, rules, progress).write(target, user) as journal,
    ):
        lost = journal.totals().unavailable
        return PlanView(
            target,
            summary.items(journal, translate),
            summary.general_notes(journal, translate),
            _first(journal, translate, State.UNAVAILABLE),
            lost,
            space(journal, home.path),
        )


def begin(plan: Path, home: Home, selected: frozenset[str], clock: Clock, _progress: Progress) -> Run:
    """Agree to the plan. Raises: MigrationError."""
    with Journal(plan) as journal:
        journal.select(selected)
    return Run.begin(plan, home, clock=clock)


def copy(key: Key, run: Run, translate: Translate, progress: Progress) -> RunView:
    """Bring it over, or go on with it. Raises: MigrationError; Cancelled."""
    with opened(key.path, RealRunner(), key.recovery) as source:
        return _view(run, run.go_on(source, progress, translate=translate), translate)


def retry(key: Key, run: Run, translate: Translate, progress: Progress) -> RunView:
    """Try again what failed. Raises: MigrationError; Cancelled."""
    with opened(key.path, RealRunner(), key.recovery) as source:
        return _view(run, run.retry(source, progress, translate=translate), translate)


def undo(run: Run, progress: Progress) -> Undone:
    """Take it back. Raises: MigrationError; Cancelled."""
    return run.undo(progress)


def _view(run: Run, outcome: Outcome, translate: Translate) -> RunView:
    with Journal(run.journal_path) as journal:
        made = report.data(journal, outcome.verification, translate)
        return RunView(
            run,
            bool(made["ok"]),
            journal.totals(),
            outcome.report,
            outcome.verification.checked,
            _first(journal, translate, State.FAILED, State.UNAVAILABLE),
        )


def _first(journal: Journal, translate: Translate, *states: State) -> tuple[Line, ...]:
    found = []
    for line in summary.lines(journal, *states, translate=translate):
        found.append(line)
        if len(found) == _SHOWN:
            break
    return tuple(found)


@dataclass
class Job:
    """What the person has chosen so far, and the work on it; all but ``do`` lives with the window."""

    home: Home
    clock: Clock
    root: Root
    translate: Translate
    do: Do = here
    source: Path | None = None
    recovery_key: str = field(default="", repr=False)
    """Of BitLocker, as it was typed; kept nowhere else."""
    people: tuple[discover.Person, ...] = ()
    user: str | None = None
    plan: PlanView | None = None
    selected: frozenset[str] = frozenset()
    run: Run | None = None
    ended: RunView | None = None
    _folder: Path | None = field(default=None, init=False)

    def find_drives(self, progress: Progress) -> tuple[Drive, ...]:
        """See :func:`find_drives`."""
        return self.do(partial(find_drives, self.root), progress)

    def find_people(self, path: Path, progress: Progress) -> tuple[discover.Person, ...]:
        """See :func:`find_people`."""
        return self.do(partial(find_people, Key(path, self.recovery_key)), progress)

    def make_plan(self, path: Path, user: str, progress: Progress) -> PlanView:
        """See :func:`make_plan`."""
        self.forget()
        self._folder = Path(tempfile.mkdtemp(prefix="neuron-plan-"))
        key, target = Key(path, self.recovery_key), self._folder / "plan.db"
        return self.do(partial(make_plan, key, self.home, user, target, self.translate), progress)

    def begin(self, plan: PlanView, selected: frozenset[str], progress: Progress) -> Run:
        """See :func:`begin`."""
        return self.do(partial(begin, plan.path, self.home, selected, self.clock), progress)

    def copy(self, run: Run, progress: Progress) -> RunView:
        """See :func:`copy`."""
        return self.do(partial(copy, self._key(run), run, self.translate), progress)

    def retry(self, run: Run, progress: Progress) -> RunView:
        """See :func:`retry`."""
        return self.do(partial(retry, self._key(run), run, self.translate), progress)

    def undo(self, run: Run, progress: Progress) -> Undone:
        """See :func:`undo`."""
        return self.do(partial(undo, run), progress)

    def _key(self, run: Run) -> Key:
        return Key(self.source or run.source, self.recovery_key)

    def forget(self) -> None:
        """Remove the plan's temporary folder."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None
