"""Checks that are programs: a service's own test of its configuration, and greenboot's scripts."""

from __future__ import annotations

from libneuron.system.runner import run_bounded
from libneuron.system.tables import Table
from libneuron.updates.health import Outcome, failed, not_applicable, unknown
from libneuron.updates.subject import Probe, Subject


def command(settings: Table) -> Probe:
    """``argv``: the program and its arguments; ``if_present``: paths without which it does not apply."""
    argv = settings.items("argv", str)
    needs = settings.items("if_present", str)

    def probe(subject: Subject) -> Outcome:
        if not all(subject.root.exists(path) for path in (argv[0], *needs)):
            return not_applicable()
        if not subject.root.live:
            return unknown("not-live")
        status, said = run_bounded(argv, limit=subject.limit)
        if status is None:
            return unknown("timeout", seconds=f"{subject.limit:g}")
        return failed("command", [] if status == 0 else [said.splitlines()[-1] if said else str(status)])

    return probe


def script(path: str) -> Probe:
    """One of greenboot's scripts, run as it is: status 0 is fine, everything else is a failure."""

    def probe(subject: Subject) -> Outcome:
        if not subject.root.live:
            return unknown("not-live")
        status, _said = run_bounded((path,), limit=subject.limit)
        if status is None:
            return unknown("timeout", seconds=f"{subject.limit:g}")
        return failed("scripts", [] if status == 0 else [f"{path} ({status})"])

    return probe


def accounts(settings: Table) -> Probe:
    """No settings. root and the people exist in passwd, with login shells that exist and may be executed."""
    del settings

    def probe(subject: Subject) -> Outcome:
        text = subject.root.text("/etc/passwd")
        lines = [line.split(":") for line in (text or "").splitlines()]
        people = [line for line in lines if len(line) == 7 and (line[2] == "0" or _is_person(line[2]))]
        if not any(line[2] == "0" for line in people):
            return failed("accounts", ["root is not in /etc/passwd"])
        wrong = []
        for line in people:
            shell = subject.root.path(line[6] or "/bin/sh")
            if not (shell.is_file() and shell.stat().st_mode & 0o111):
                wrong.append(f"{line[0]} ({line[6]})")
        return failed("accounts", wrong)

    return probe


def _is_person(number: str) -> bool:
    return number.isdigit() and 1000 <= int(number) < 60000
