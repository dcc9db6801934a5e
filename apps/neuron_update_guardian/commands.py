"""The verbs of the command line: options in, replies out."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from libneuron.cli import ProgressLine, Reply
from libneuron.errors import Exit, english
from libneuron.progress import Progress
from libneuron.system.bus import Bus, LoopThread
from libneuron.system.calls import BlockingBus
from libneuron.system.clock import RealClock
from libneuron.system.files import Root
from libneuron.system.paths import resources, user_paths
from libneuron.system.runner import RealRunner, spawn
from libneuron.updates import awake, guardian, hooks, published
from libneuron.updates.doctor import examine_machine
from libneuron.updates.guardian import Judged, Machine
from libneuron.updates.health import State
from libneuron.updates.leader import find_leader, find_manager
from libneuron.updates.settings import load_settings
from neuron_update_guardian.notifier import news, read_told, tell
from neuron_update_guardian.source import HelperSource, read_timeline

OVERRIDE = "NEURON_UPDATE_WITHOUT_SNAPSHOT"


def machine(options: argparse.Namespace) -> Machine:
    """The machine that the options name; this one's bus is opened only when a check asks."""
    root = Root(Path(options.root).resolve()) if options.root else Root()
    bus = BlockingBus(LoopThread()) if root.live else None
    return Machine(
        root,
        RealRunner(),
        RealClock(),
        bus,
        resources() / "updates/checks.toml",
        load_settings(root),
    )


def _progress() -> Progress:
    return Progress(clock=RealClock().monotonic, listener=ProgressLine())


def judged_json(judged: Judged) -> dict[str, Any]:
    """The contract of ``check --json``, with what the verdict rests on."""
    return {
        "healthy": judged.verdict.healthy,
        "checks": [result.as_json() for result in judged.results],
        "regressions": list(judged.verdict.regressions),
        "verdict": judged.verdict.as_json(),
    }


def judged_exit(judged: Judged) -> Exit:
    """0 healthy, 1 regressions, 3 could not check."""
    if judged.verdict.worse:
        return Exit.FAILED
    known = any(result.outcome.state in (State.OK, State.FAILED) for result in judged.results)
    return Exit.CANNOT if judged.verdict.undecided or not known else Exit.DONE


_SIGNS = {State.OK: "✓", State.FAILED: "✗", State.UNKNOWN: "?", State.NOT_APPLICABLE: "–"}


def judged_text(judged: Judged) -> str:
    """The results for a terminal, one line each, and what they mean."""
    lines = [
        f"{_SIGNS[result.outcome.state]} {result.title}: {result.outcome.sentence()}"
        for result in judged.results
    ]
    verdict = judged.verdict
    compared = "since the baseline" if verdict.compared else "with a system without faults"
    if verdict.worse:
        names = ", ".join(item.id for item in verdict.worse)
        lines.append(f"Worse, compared {compared}: {names}." if verdict.compared else f"Failing: {names}.")
    elif verdict.undecided:
        lines.append(f"Could not be judged: {', '.join(verdict.undecided)}.")
    else:
        lines.append("Healthy: nothing got worse." if verdict.compared else "Healthy.")
    if verdict.before_too:
        lines.append(f"Failing already before: {', '.join(verdict.before_too)}.")
    return "\n".join(lines)


def check(options: argparse.Namespace) -> Reply:
    """``check``."""
    subject = machine(options)
    baseline = None
    if options.baseline:
        named = Path(options.baseline)
        numbered = options.baseline.isdigit() and not named.exists()
        baseline = (
            guardian.baseline_of(subject, options.baseline) if numbered else guardian.read_baseline(named)
        )
    judged = guardian.check(subject, baseline, _progress())
    return Reply(judged_json(judged), judged_text(judged), judged_exit(judged))


def begin(options: argparse.Namespace) -> Reply:
    """``begin``: fails closed unless the person overrides it, which is recorded and said."""
    incoming = hooks.parse_apt(sys.stdin.read()) if options.from_apt else {}
    subject = machine(options)
    override = options.without_snapshot or os.environ.get(OVERRIDE) == "1"
    begun = guardian.begin(
        subject,
        tool=options.tool,
        leader=find_leader(subject.root, os.getppid()),
        incoming=incoming,
        without_snapshot=override,
        progress=_progress(),
    )
    awake.hold(subject, begun.update, find_manager(subject.root, os.getppid()))
    text = f"Restore point {begun.update} taken."
    if begun.joined:
        text = f"This belongs to update {begun.update}."
    elif begun.obstacle:
        text = f"Update {begun.update} has no way back: {begun.obstacle}"
    return Reply({"update": begun.update, "joined": begun.joined, "no_way_back": begun.obstacle}, text)


def end(options: argparse.Namespace) -> Reply:
    """``end``."""
    subject = machine(options)
    if options.if_open and guardian.history(subject).open is None:
        return Reply({"update": None}, "")
    judged = guardian.end(subject, progress=_progress())
    awake.release(subject, judged.update)
    data = {"update": judged.update, "packages": {n: list(p) for n, p in judged.packages.items()}}
    return Reply({**data, **judged_json(judged)}, judged_text(judged), judged_exit(judged))


def confirm(options: argparse.Namespace) -> Reply:
    """``confirm``."""
    done = guardian.confirm(machine(options), options.id, release_held=options.release_held)
    return Reply({"update": done}, f"Update {done} is good." if done else "Held versions are free again.")


def rollback(options: argparse.Namespace) -> Reply:
    """``rollback``: a preview with ``--dry-run``, else prepared and committed."""
    subject = machine(options)
    if options.drop:
        dropped = guardian.drop(subject)
        return Reply(published.rollback_json(dropped), "The roll back was given up. Nothing was changed.")
    if options.dry_run:
        seen = guardian.look_ahead(subject, options.id)
        lines = [f"Rolling back to {seen.target} would change:"]
        lines += [f"  {name}: {now or '–'} → {then or '–'}" for name, (now, then) in seen.packages.items()]
        lines += [f"  {count} files below {folder}" for folder, count in seen.folders.items()]
        lines += [f"  on the boot partition, as it was then: {path}" for path in seen.boot.back]
        lines += [f"  on the boot partition, goes: {path}" for path in seen.boot.gone]
        lines += [f"  stays as it is now: /{name}" for name in seen.nested]
        return Reply(seen.as_json(), "\n".join(lines))
    done = guardian.roll_back(subject, options.id, progress=_progress())
    return Reply(published.rollback_json(done), "Prepared. Restart the computer; the result is checked then.")


def after_boot(options: argparse.Namespace) -> Reply:
    """``boot``: what the units call at every start."""
    subject = machine(options)
    if options.early:
        guardian.early_start(subject)
        return Reply({"rolled_back": False}, "")
    if options.mounted:
        again = guardian.fall_back(subject)
        if again and subject.root.live:
            subject.runner.run(("systemctl", "--no-block", "reboot"), timeout=30, changes=True)
        return Reply({"rolled_back": again}, "")
    done = guardian.resume(subject)
    judged = guardian.after_start(subject)
    data = {
        "rollback": published.rollback_json(done) if done is not None else None,
        "verdict": judged.verdict.as_json() if judged is not None else None,
    }
    return Reply(data, "")


def notify(options: argparse.Namespace) -> Reply:
    """``notify``: tells the person in this session what they have not been told yet."""
    state = user_paths().state / "update-guardian"
    told = news(read_timeline(Root()), read_told(state), english)
    if told is None:
        return Reply({"told": None, "choice": None}, "")
    with LoopThread() as loop:
        bus = loop.wait(Bus.open(address=options.session_bus))
        choice = loop.wait(tell(bus, told, state))
        loop.wait(bus.close())
        if choice == "keep":
            HelperSource(loop, Root()).confirm(told.entry)
    if choice in ("details", "rollback"):
        words = ("--roll-back", told.entry) if choice == "rollback" else ("--show", told.entry)
        spawn((sys.executable, "-m", "neuron_update_guardian", *words))
    return Reply({"told": told.key, "choice": choice}, "")


def _public(subject: Machine) -> dict[str, Any]:
    """The history: first-hand for the administrator, the published one for everybody else."""
    if guardian.is_administrator():
        return published.history_json(guardian.history(subject))
    return published.published(subject) or {"updates": [], "rollbacks": [], "held": {}}


def history(options: argparse.Namespace) -> Reply:
    """``history``; the administrator sees the snapshots of other programs too."""
    subject = machine(options)
    data = _public(subject)
    if guardian.is_administrator():
        data["others"] = [item.as_json() for item in guardian.others(subject)]
    lines = []
    for item in data["updates"]:
        health = {True: "healthy", False: "something got worse", None: "not judged"}[item["healthy"]]
        point = "restore point" if item["restorable"] else "no restore point"
        changed = len(item["packages"])
        lines.append(
            f"{item['id']:>4}  {item['begun'][:16]}  {item['tool']:<8} {changed} packages, {health}, {point}"
        )
    lines += [
        f"{item['id']:>4}  {item['at'][:16]}  roll back of {item['update'] or '–'}: {item['state']}"
        for item in data["rollbacks"]
    ]
    lines += [
        f"{item['id']:>4}  {(item['at'] or '')[:16]}  {item['tool']}: {item['description'] or '–'}"
        for item in data.get("others", ())
    ]
    return Reply(data, "\n".join(lines) or "No update was recorded yet.")


def status(options: argparse.Namespace) -> Reply:
    """``status``."""
    subject = machine(options)
    data = _public(subject)
    last = data["updates"][0] if data["updates"] else None
    pending = next(
        (item for item in data["rollbacks"] if item["state"] in ("waits-for-restart", "preparing")), None
    )
    is_open = bool(last and last["stage"] in ("beginning", "open"))
    reply = {
        "open": is_open,
        "last": last,
        "pending_rollback": pending,
        "hooks": list(hooks.installed_hooks(subject.root)),
    }
    if pending is not None:
        text = "A roll back waits for a restart."
    elif is_open:
        text = "An update is in progress."
    elif last is None:
        text = "No update was recorded yet."
    else:
        words = {True: "all is well", False: "something got worse", None: "not judged yet"}
        text = f"Last update {last['id']} ({last['begun'][:16]}): {words[last['healthy']]}."
    return Reply(reply, text)


def diff(options: argparse.Namespace) -> Reply:
    """``diff``."""
    found = guardian.changes(machine(options), options.a, options.b)
    lines = [f"{name}: {before or '–'} → {after or '–'}" for name, (before, after) in found.items()]
    return Reply(
        {"packages": {name: list(pair) for name, pair in found.items()}},
        "\n".join(lines) or "No package differs.",
    )


def hook(options: argparse.Namespace) -> Reply:
    """``hooks install`` and ``hooks remove``."""
    subject = machine(options)
    names = tuple(options.manager)
    if options.what == "install":
        files = hooks.install(subject.root, resources(), names, program=options.program)
        return Reply({"installed": list(files)}, "\n".join(files))
    files = hooks.remove(subject.root, names)
    return Reply({"removed": list(files)}, "\n".join(files) or "There were none.")


def doctor(options: argparse.Namespace) -> Reply:
    """``doctor``: what this machine can do, and what stands in the way."""
    findings = examine_machine(machine(options))
    lines = [
        f"{'✓' if item.good else '✗'} {item.sentence}" + (f" {item.hint}" if item.hint else "")
        for item in findings
    ]
    bad = any(not item.good for item in findings)
    return Reply(
        {"findings": [item.as_json() for item in findings]},
        "\n".join(lines),
        Exit.FAILED if bad else Exit.DONE,
    )
