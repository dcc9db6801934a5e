"""The command line: each verb is one call into the library and a reply."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from libneuron import cli
from libneuron.cli import Reply, bytes_text
from libneuron.errors import Exit
from libneuron.migration import report, summary
from libneuron.migration.errors import MigrationError
from libneuron.migration.home import Home
from libneuron.migration.journal import Journal
from libneuron.migration.opening import opened
from libneuron.migration.plan import Planner, space
from libneuron.migration.rules import load_rules
from libneuron.migration.scan import Source
from libneuron.migration.session import Outcome, Run
from libneuron.migration.survey import survey
from libneuron.migration.verify import Extent, Verification
from libneuron.progress import Progress
from libneuron.system.clock import RealClock
from libneuron.system.files import Root
from libneuron.system.paths import resources
from libneuron.system.runner import RealRunner

_KEY = 4096
"""Characters of a file with a recovery key that are looked at."""
_NAMED = 20
"""Files of each kind that are named at the terminal; the report names all."""
PROGRAM = "neuron-migration-assistant"


@contextmanager
def _progress() -> Iterator[Progress]:
    line = cli.ProgressLine(sys.stderr)
    try:
        yield Progress(clock=RealClock().monotonic, listener=line)
    finally:
        line.clear()


def _opened(options: argparse.Namespace, path: str | Path) -> AbstractContextManager[Source]:
    key = ""
    if options.recovery_key == "-":
        key = sys.stdin.readline()
    elif options.recovery_key:
        try:
            key = Path(options.recovery_key).read_text("utf-8", "replace")[:_KEY]
        except OSError as error:
            raise MigrationError(
                "migration.source-missing", path=options.recovery_key, details=str(error)
            ) from error
    return opened(Path(path), RealRunner(), key)


def _home(options: argparse.Namespace) -> Home:
    return Home(Path(options.home).absolute(), Root())


def _plan_into(path: Path, options: argparse.Namespace, source: Source) -> Journal:
    rules = load_rules(resources() / "migration")
    with _progress() as progress:
        journal = Planner(source, _home(options), rules, progress).write(path, options.user)
    if options.only:
        journal.select(frozenset(options.only))
    return journal


def _entries(count: int) -> str:
    return f"{count} entry" if count == 1 else f"{count} entries"


def scan(options: argparse.Namespace) -> Reply:
    """What is in a source: people, folders, apps, and what stands in the way."""
    rules = load_rules(resources() / "migration")
    with _opened(options, options.source) as source, _progress() as progress:
        found = survey(source, rules, progress)
    lines = [f"{found['source']}"]
    for person in found["people"]:
        totals = person["totals"]
        lines.append(f"{person['name']}: {_entries(totals['seen'])}, {bytes_text(person['size'])}")
        lines += [
            f"  {item['label']}: {_entries(item['count'])}, {bytes_text(item['size'])}"
            for item in person["items"]
        ]
    return Reply(found, "\n".join(lines))


def _plan_data(journal: Journal, home: Path) -> dict[str, object]:
    room = space(journal, home) if home.is_dir() else None
    made = report.data(journal, None)
    del made["ok"], made["verified"], made["started"]
    made["space"] = None if room is None else {"needed": room.needed, "free": room.free}
    targets = {item.id: item for item in journal.items()}
    items = made["items"]
    assert isinstance(items, list)
    for item in items:
        item["to"] = targets[item["id"]].target
        item["selected"] = targets[item["id"]].selected
    return made


def plan(options: argparse.Namespace) -> Reply:
    """What would come, where to, and what changes on the way; nothing in the home is touched."""
    with (
        tempfile.TemporaryDirectory(prefix="neuron-plan-") as folder,
        _opened(options, options.source) as source,
    ):
        path = Path(options.save).absolute() if options.save else Path(folder) / "plan.db"
        with _plan_into(path, options, source) as journal:
            made = _plan_data(journal, _home(options).path)
            text = [
                f"{one.item.label} → ~/{one.item.target}: {_entries(one.count)}, {bytes_text(one.size)}"
                + "".join(f"\n  {note}" for note in one.notes)
                for one in summary.items(journal)
                if one.item.selected
            ]
            known = (one for one in summary.programs(journal) if one.linux)
            text += [f"{one.windows} → {one.linux}: {one.command or one.source}" for one in known]
    return Reply(made, "\n".join(text))


def _outcome(run: Run, outcome: Outcome, *, exit_bad: Exit = Exit.FAILED) -> Reply:
    with Journal(run.journal_path) as journal:
        made = report.data(journal, outcome.verification)
    made["report"] = str(outcome.report)
    totals = made["totals"]
    assert isinstance(totals, dict)
    lines = [f"{report.word(word)}: {count}" for word, count in totals.items()]
    if outcome.verification is not None:
        lines += _verified(outcome.verification)
    lines.append(f"Report: {outcome.report}")
    return Reply(made, "\n".join(lines), Exit.DONE if made["ok"] else exit_bad)


def _verified(found: Verification) -> list[str]:
    """What reading again showed; nobody should have to open the report to learn it."""
    told = (
        ("Missing", found.missing),
        ("Damaged", found.damaged),
        ("Changed by you since", found.changed),
    )
    counts = ", ".join(f"{word.lower()} {len(names)}" for word, names in told if names)
    files = "1 file" if found.checked == 1 else f"{found.checked} files"
    return [
        f"Read again: {files}, {counts or 'all as they arrived'}",
        *(f"  {word}: {name}" for word, names in told for name in names[:_NAMED]),
    ]


def run(options: argparse.Namespace) -> Reply:
    """Bring it over, check it, report it."""
    if not options.yes:
        raise MigrationError("migration.not-agreed")
    home = _home(options)
    with _opened(options, options.source) as source:
        going = Run.unfinished(home.path) if options.resume else None
        if going is None:
            with tempfile.TemporaryDirectory(prefix="neuron-plan-") as folder:
                path = Path(options.plan) if options.plan else Path(folder) / "plan.db"
                if options.plan is None:
                    _plan_into(path, options, source).close()
                going = Run.begin(path, home, clock=RealClock())
        with _progress() as progress:
            outcome = going.go_on(source, progress, extent=Extent(options.verify))
    return _outcome(going, outcome)


def verify(options: argparse.Namespace) -> Reply:
    """Read again what arrived and compare."""
    found = Run.required(_home(options).path)
    with _progress() as progress:
        return _outcome(found, found.verify(progress, extent=Extent(options.verify)))


def retry(options: argparse.Namespace) -> Reply:
    """Try again what failed."""
    found = Run.required(_home(options).path)
    with _opened(options, options.source or found.source) as source, _progress() as progress:
        return _outcome(found, found.retry(source, progress))


def undo(options: argparse.Namespace) -> Reply:
    """Take the last migration back."""
    if not options.yes:
        raise MigrationError("migration.undo-not-agreed")
    found = Run.required(_home(options).path)
    with _progress() as progress:
        done = found.undo(progress)
    data = {"ok": True, **done.as_json()}
    text = [f"{done.removed} removed, {done.restored} restored, {len(done.kept)} kept", *done.kept]
    return Reply(data, "\n".join(text))


def show_report(options: argparse.Namespace) -> Reply:
    """Write the report again and say where it is."""
    found = Run.required(_home(options).path)
    path = found.report()
    with Journal(found.journal_path) as journal:
        made = report.data(journal, None)
    return Reply({**made, "report": str(path)}, str(path))


def _parser() -> argparse.ArgumentParser:
    made = cli.parser(PROGRAM, "Bring files and settings over from Windows.")
    verbs = made.add_subparsers(required=True, metavar="VERB")

    def verb(name: str, function: cli.Verb) -> argparse.ArgumentParser:
        one = verbs.add_parser(name, help=(function.__doc__ or "").strip(), description=function.__doc__)
        one.set_defaults(verb=function)
        cli.add_json(one)
        return one

    def home(one: argparse.ArgumentParser) -> None:
        one.add_argument(
            "--home", default=str(Path.home()), metavar="DIR", help="the home folder to bring it to"
        )

    def locked(one: argparse.ArgumentParser) -> None:
        # Never the key itself: everybody on the machine can read the words of a command.
        one.add_argument(
            "--recovery-key", metavar="FILE", help="a file with BitLocker's recovery key, or - to type it"
        )

    def chosen(one: argparse.ArgumentParser) -> None:
        locked(one)
        one.add_argument("source", metavar="SOURCE", help="the Windows drive, folder, backup or disk image")
        one.add_argument("--user", metavar="NAME", help="the person; not needed where there is only one")
        one.add_argument("--only", nargs="+", metavar="ID", help="only these items")
        home(one)

    one = verb("scan", scan)
    locked(one)
    one.add_argument("source", metavar="SOURCE", help="the Windows drive, folder, backup or disk image")
    one = verb("plan", plan)
    chosen(one)
    one.add_argument("--save", metavar="FILE", help="keep the plan for run --plan")
    one = verb("run", run)
    chosen(one)
    one.add_argument("--yes", action="store_true", help="I agree to the plan")
    one.add_argument("--resume", action="store_true", help="go on with an unfinished run, if there is one")
    one.add_argument("--plan", metavar="FILE", help="a plan that was saved")
    _extent(one, Extent.SAMPLE)
    one = verb("verify", verify)
    home(one)
    _extent(one, Extent.FULL)
    one = verb("retry", retry)
    home(one)
    locked(one)
    one.add_argument("--source", metavar="SOURCE", help="where the source is, if not where it was")
    one = verb("undo", undo)
    home(one)
    one.add_argument("--yes", action="store_true", help="I agree to take it back")
    home(verb("report", show_report))
    return made


def _extent(one: argparse.ArgumentParser, default: Extent) -> None:
    one.add_argument(
        "--verify",
        choices=[extent.value for extent in Extent],
        default=default.value,
        help="how much is read again from the disk",
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; returns the exit status."""
    return cli.run(_parser(), argv)
