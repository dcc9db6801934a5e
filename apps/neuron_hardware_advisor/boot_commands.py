"""``apply``, ``undo`` and ``verify`` at a terminal: nothing changes before the person has seen and agreed."""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

from libneuron.cli import Reply, add_json
from libneuron.errors import QT_TRANSLATE_NOOP, Exit, english
from libneuron.hardware import advice, names, report
from libneuron.hardware.boot.change import State
from libneuron.hardware.boot.cmdline import Wish
from libneuron.hardware.boot.errors import BootError
from libneuron.hardware.capture import capture
from libneuron.system.files import Root
from neuron_hardware_advisor import wished
from neuron_hardware_advisor.boot_source import BootSource, DirectBoot, HelperBoot, Made, Shown

_TEXTS = {
    "nothing": QT_TRANSLATE_NOOP("advisor", "No start option needs to be changed."),
    "applied": QT_TRANSLATE_NOOP(
        "advisor", "Change {number} is made. Restart the PC; “verify” then says whether it counts."
    ),
    "undone": QT_TRANSLATE_NOOP("advisor", "Change {number} is taken back. It counts from the next start."),
    "risk": QT_TRANSLATE_NOOP(
        "advisor",
        "This lets devices reach each other's memory past the protection: a virtual machine could read or"
        " write what is not its own. Use it only with virtual machines that you trust.",
    ),
    "type": QT_TRANSLATE_NOOP("advisor", "To go on, type exactly: {words}"),
    "agree": QT_TRANSLATE_NOOP("advisor", "Type “yes” to make this change: "),
    "no-changes": QT_TRANSLATE_NOOP("advisor", "No change was made with this program."),
    "run": QT_TRANSLATE_NOOP("advisor", "Then this runs: {command}"),
}
STATES = {
    State.STARTED: QT_TRANSLATE_NOOP("advisor", "was cut off; take it back with “undo”"),
    State.APPLIED: QT_TRANSLATE_NOOP("advisor", "made; counts after a restart"),
    State.UNDONE: QT_TRANSLATE_NOOP("advisor", "taken back"),
    State.VERIFIED: QT_TRANSLATE_NOOP("advisor", "seen in the running system"),
    State.FAILED_CHECK: QT_TRANSLATE_NOOP(
        "advisor", "not seen in the running system; another boot entry may have been started"
    ),
}


def _say(key: str, **words: object) -> str:
    return english(*_TEXTS[key]).format_map(words)


@contextlib.contextmanager
def _source(options: argparse.Namespace) -> Iterator[BootSource]:
    """Root, and whoever names another tree, works directly; everybody else asks the helper."""
    if options.root != Path("/") or os.geteuid() == 0:
        yield DirectBoot(options.root)
        return
    from libneuron.system.bus import LoopThread  # see HelperBoot

    with LoopThread() as loop:
        yield HelperBoot(loop)


def _wish(options: argparse.Namespace) -> Wish:
    asked = wished.asked(options)
    if asked != Wish():
        return asked
    return advice.wanted(report.judge(capture(Root(options.root), names.Numbers())).findings)


def _lines(shown: Shown) -> list[str]:
    lines = [diff for _path, diff in shown.diffs]
    return lines + [_say("run", command=shlex.join(command)) for command in shown.commands]


def _agreed(options: argparse.Namespace, shown: Shown) -> str:
    """What the person typed to confirm. Raises: BootError not-agreed, not-confirmed."""
    asks = sys.stdin.isatty() and not options.json
    if asks and not options.yes:
        sys.stderr.write("\n".join(_lines(shown)) + "\n")
    typed: str = options.confirm
    if shown.confirm and asks and not typed:
        sys.stderr.write(f"{_say('risk')}\n{_say('type', words=shown.confirm)}\n> ")
        sys.stderr.flush()
        typed = sys.stdin.readline().strip()
    elif asks and not options.yes:
        sys.stderr.write(_say("agree"))
        sys.stderr.flush()
        options.yes = sys.stdin.readline().strip() == "yes"
    if shown.confirm:
        if typed != shown.confirm:
            raise BootError("hardware.not-confirmed", words=shown.confirm, details=_say("risk"))
    elif not options.yes:
        raise BootError("hardware.not-agreed")
    return typed


def _json(made: Made) -> dict[str, object]:
    return {
        "number": made.number,
        "state": made.state.value,
        **wished.as_json(made.wish),
        "paths": list(made.paths),
    }


def apply(options: argparse.Namespace) -> Reply:
    """Make the change that would help (or that was asked for), after the person agreed."""
    wish = _wish(options)
    if wish == Wish():
        return Reply({"change": None}, _say("nothing"))
    with _source(options) as source:
        shown = source.plan(wish)
        if not shown.diffs:
            return Reply({"change": None}, _say("nothing"))
        made = source.apply(shown, _agreed(options, shown))
    return Reply({"change": _json(made)}, _say("applied", number=made.number))


def undo(options: argparse.Namespace) -> Reply:
    """Take a change back; without a number the last one."""
    with _source(options) as source:
        number = options.number
        if number is None:
            left = [made for made in source.changes() if made.can_undo]
            if not left:
                raise BootError("hardware.nothing-to-undo")
            number = left[-1].number
        made = source.undo(number)
    return Reply({"change": _json(made)}, _say("undone", number=made.number))


def verify(options: argparse.Namespace) -> Reply:
    """List the changes; those made before the last start are looked for in the running system."""
    with _source(options) as source:
        found = source.changes()
    lines = []
    for made in found:
        lines.append(f"{made.number:>4}  {wished.brief(made.wish)}  {english(*STATES[made.state])}")
    bad = any(made.state in (State.FAILED_CHECK, State.STARTED) for made in found)
    data = {"changes": [_json(made) for made in found], "verified": not bad}
    return Reply(data, "\n".join(lines) or _say("no-changes"), Exit.FAILED if bad else Exit.DONE)


def _common(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--root", type=Path, default=Path("/"), metavar="DIR", help="another system's tree")
    add_json(verb)


def number_of_change(text: str) -> int:
    """A change's number, as ``verify`` lists it."""
    number = int(text)
    if not 0 < number < 1_000_000:
        raise ValueError(text)
    return number


def add_verbs(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``apply``, ``undo`` and ``verify``."""
    verb = verbs.add_parser("apply", help="change the start options after showing how; can be undone")
    wished.add_arguments(verb)
    verb.add_argument("--yes", action="store_true", help="agree to what “plan” shows")
    verb.add_argument("--confirm", default="", metavar="WORDS", help="agree to an option that is a risk")
    _common(verb)
    verb.set_defaults(verb=apply)
    verb = verbs.add_parser("undo", help="take a change back; without a number the last one")
    verb.add_argument("number", type=number_of_change, nargs="?", metavar="NUMBER")
    _common(verb)
    verb.set_defaults(verb=undo)
    verb = verbs.add_parser("verify", help="list the changes, and whether the running system shows them")
    _common(verb)
    verb.set_defaults(verb=verify)
