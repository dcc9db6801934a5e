"""What the wizard does off the GUI thread: functions from values and a progress to values."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, field
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


@dataclass
class Job:
    """What the person has chosen so far; lives on the GUI thread, its functions run beside it."""

    home: Home
    clock: Clock
    root: Root
    translate: Translate
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

    def find_drives(self, _progress: Progress) -> tuple[Drive, ...]:
        """The drives to choose from, those that nobody has opened yet last."""
        with udisks() as service:
            try:
                more = partitions.closed(service)
            except NeuronError:  # no udisks here: the others are offered all the same
                more = ()
        return (
            *drives(self.root),
            *(Drive(one.device, str(one.device), one.size, 0, (), is_open=False) for one in more),
        )

    def find_people(self, path: Path, _progress: Progress) -> tuple[discover.Person, ...]:
        """Who is in ``path``. Raises: MigrationError source-missing, not-windows."""
        with opened(path, RealRunner(), self.recovery_key) as source:
            return discover.people(source)

    def make_plan(self, path: Path, user: str, progress: Progress) -> PlanView:
        """Scan and plan. Raises: MigrationError; Cancelled."""
        check_home(self.home.path)
        rules = load_rules(resources() / "migration")
        target = self._new_plan()
        with (
            opened(path, RealRunner(), self.recovery_key) as source,
            Planner(source, self.home, rules, progress).write(target, user) as journal,
        ):
            lost = journal.totals().unavailable
            return PlanView(
                target,
                summary.items(journal, self.translate),
                summary.general_notes(journal, self.translate),
                _first(journal, self.translate, State.UNAVAILABLE),
                lost,
                space(journal, self.home.path),
            )

    def begin(self, plan: PlanView, selected: frozenset[str], _progress: Progress) -> Run:
        """Agree to the plan. Raises: MigrationError."""
        with Journal(plan.path) as journal:
            journal.select(selected)
        return Run.begin(plan.path, self.home, clock=self.clock)

    def copy(self, run: Run, progress: Progress) -> RunView:
        """Bring it over, or go on with it. Raises: MigrationError; Cancelled."""
        with opened(self.source or run.source, RealRunner(), self.recovery_key) as source:
            return self._view(run, run.go_on(source, progress, translate=self.translate))

    def retry(self, run: Run, progress: Progress) -> RunView:
        """Try again what failed. Raises: MigrationError; Cancelled."""
        with opened(self.source or run.source, RealRunner(), self.recovery_key) as source:
            return self._view(run, run.retry(source, progress, translate=self.translate))

    @staticmethod
    def undo(run: Run, progress: Progress) -> Undone:
        """Take it back. Raises: MigrationError; Cancelled."""
        return run.undo(progress)

    def _view(self, run: Run, outcome: Outcome) -> RunView:
        with Journal(run.journal_path) as journal:
            made = report.data(journal, outcome.verification, self.translate)
            return RunView(
                run,
                bool(made["ok"]),
                journal.totals(),
                outcome.report,
                outcome.verification.checked,
                _first(journal, self.translate, State.FAILED, State.UNAVAILABLE),
            )

    def _new_plan(self) -> Path:
        self.forget()
        self._folder = Path(tempfile.mkdtemp(prefix="neuron-plan-"))
        return self._folder / "plan.db"

    def forget(self) -> None:
        """Remove the plan's temporary folder."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None


def _first(journal: Journal, translate: Translate, *states: State) -> tuple[Line, ...]:
    found = []
    for line in summary.lines(journal, *states, translate=translate):
        found.append(line)
        if len(found) == _SHOWN:
            break
    return tuple(found)
