"""Starts the Update Guardian: the command line with a verb, the window without."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from libneuron import cli
from neuron_update_guardian import commands, commands_points


def _root(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--root", metavar="DIR", help="look at the system mounted at DIR instead of this one")


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    made = cli.parser(
        "neuron-update-guardian", "Snapshots before updates, checks after them, roll back that is proved."
    )
    made.add_argument("--show", metavar="ID", default="", help="open the window with this update chosen")
    made.add_argument("--roll-back", metavar="ID", default="", help="open the window and preview a roll back")
    made.set_defaults(verb=None)
    verbs = made.add_subparsers(dest="verb_name", metavar="VERB")

    def add(name: str, verb: cli.Verb, help_text: str) -> argparse.ArgumentParser:
        added = verbs.add_parser(name, help=help_text)
        added.set_defaults(verb=verb)
        cli.add_json(added)
        _root(added)
        return added

    add("status", commands.status, "how the last update went")
    check = add("check", commands.check, "check the system now")
    check.add_argument("--baseline", metavar="FILE|ID", help="compare with a saved result or an update's")
    begin = add("begin", commands.begin, "keep a way back; hooks call it before an update")
    begin.add_argument("--tool", default="", help="the package manager")
    begin.add_argument("--from-apt", action="store_true", help="read apt's package list from standard input")
    begin.add_argument(
        "--without-snapshot", action="store_true", help="go on even where no snapshot can be taken"
    )
    end = add("end", commands.end, "judge the update; hooks call it after one")
    end.add_argument("--if-open", action="store_true", help="do nothing where no update is in progress")
    confirm = add("confirm", commands.confirm, "say that an update is good")
    confirm.add_argument("id", nargs="?", metavar="ID")
    confirm.add_argument("--release-held", action="store_true", help="let rolled-back versions in again")
    rollback = add("rollback", commands.rollback, "go back to a restore point")
    rollback.add_argument("id", nargs="?", metavar="ID", help="an update, or rN to undo roll back N")
    rollback.add_argument("--dry-run", action="store_true", help="only show what would change")
    rollback.add_argument("--drop", action="store_true", help="give up a roll back that was not committed")
    boot = add("boot", commands.after_boot, "what the units call at every start")
    moment = boot.add_mutually_exclusive_group()
    moment.add_argument("--early", action="store_true", help="before local file systems are mounted")
    moment.add_argument("--mounted", action="store_true", help="once boot partitions are mounted")
    told = add("notify", commands.notify, "tell this session's person how the last update went")
    told.add_argument("--session-bus", metavar="ADDRESS", help="another session bus")
    add("history", commands.history, "updates and roll backs so far")
    diff = add("diff", commands.diff, "packages that differ between two restore points")
    diff.add_argument("a", metavar="A")
    diff.add_argument("b", metavar="B", nargs="?", default="now")
    add("points", commands_points.points, "what restore points take, and snapshots of other programs")
    restore = add("restore", commands_points.restore, "put one file back; without PATH list those there are")
    restore.add_argument("id", metavar="ID")
    restore.add_argument("path", nargs="?", metavar="PATH")
    pin = add("pin", commands_points.pin, "never remove a restore point")
    pin.add_argument("id", metavar="ID")
    pin.add_argument("--off", action="store_true", help="let it go when it is old")
    settings = add("settings", commands_points.settings, "show or change the settings")
    settings.add_argument("--keep", type=int, metavar="N", help="how many restore points")
    settings.add_argument("--free-mib", type=int, metavar="MIB", help="what must be free before an update")
    settings.add_argument(
        "--attempts", type=int, metavar="N", help="failed starts before an automatic roll back"
    )
    settings.add_argument(
        "--automatic", choices=("on", "off"), help="roll back by itself after failed starts"
    )
    settings.add_argument("--skip", action="append", default=[], metavar="CHECK", help="leave a check out")
    settings.add_argument("--do", action="append", default=[], metavar="CHECK", help="make it again")
    report = add("report", commands_points.report, "everything known, for somebody who can help")
    report.add_argument("--output", metavar="FILE", help="write it there")
    hooks = add("hooks", commands.hook, "put the package managers' hooks in place, or take them away")
    hooks.add_argument("what", choices=("install", "remove"))
    hooks.add_argument("manager", nargs="*", metavar="MANAGER")
    hooks.add_argument(
        "--program", default="/usr/bin/neuron-update-guardian", help="the command the hooks call"
    )
    add("doctor", commands.doctor, "what this machine can do, and what stands in the way")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run a verb, or the window without one; returns the exit status."""
    made = parser()
    options, _ = made.parse_known_args(argv)
    if options.verb is not None:
        return cli.run(made, argv)
    options = made.parse_args(argv)
    from neuron_update_guardian.app import start  # Qt is loaded for the window alone

    return start(entry=options.show, roll_back=options.roll_back)


if __name__ == "__main__":
    sys.exit(main())
