"""The command-line face that every app shares: JSON or text, errors, exit statuses, progress, cancelling."""

from __future__ import annotations

import argparse
import json
import logging
import os
import re
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TextIO

from libneuron.errors import Cancelled, Exit, NeuronError, Translate, english
from libneuron.progress import ProgressView
from libneuron.system.errors import SystemAccessError


@dataclass(frozen=True)
class Reply:
    """What a verb came to: ``data`` for ``--json``, ``text`` for a person, and the exit status.

    ``exact`` takes the place of ``text`` where standard output is no terminal: bytes as they are.
    """

    data: Mapping[str, Any]
    text: str
    exit: Exit = Exit.DONE
    exact: bytes | None = None


_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # not tab and line end

Verb = Callable[[argparse.Namespace], Reply]


class _Words:
    """The translator of the running command; English until :func:`run` is given another."""

    translate: Translate = staticmethod(english)


def translate(context: str, text: str) -> str:
    """``text`` as the running command's person reads it, for the words of a :class:`Reply` and for questions.

    Calls of this very name are read by ``translations/update.py``.
    """
    return _Words.translate(context, text)


class _Parser(argparse.ArgumentParser):
    """argparse exits with 2 by itself; it only needs to speak JSON where that was asked for."""

    argv: ClassVar[Sequence[str]] = ()
    """The words being parsed: sub-parsers are made by argparse, which hands them nothing of ours."""
    rest = ""
    """Where what follows ``--`` goes; see :func:`add_rest`."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        plain = super().parse_known_args(args, namespace)
        if not self.rest or not plain[1] or "--" not in args:
            return plain
        end = args.index("--")
        after = list(args[end + 1 :])
        owed = [action for action in self._actions if not action.option_strings and action.nargs is None]
        for action in owed:
            action.required = False  # it may stand behind the dashes, as in a menu's entry
        try:
            found, unknown = super().parse_known_args(args[:end], namespace)
        finally:
            for action in owed:
                action.required = True
        for action in owed:
            if getattr(found, action.dest) is None:
                if not after:
                    self.error(f"the following arguments are required: {action.dest}")
                setattr(found, action.dest, after.pop(0))
        setattr(found, self.rest, [*getattr(found, self.rest), *after])
        return found, unknown

    def error(self, message: str) -> Any:
        if "--json" in _Parser.argv:
            _write(
                sys.stdout,
                {
                    "error": {
                        "code": "usage",
                        "message": message,
                        "hint": self.format_usage().strip(),
                        "details": "",
                    }
                },
            )
            self.exit(Exit.USAGE)
        super().error(message)


def parser(program: str, description: str) -> argparse.ArgumentParser:
    """The app's parser with the options all apps share."""
    made = _Parser(prog=program, description=description)
    made.add_argument("--debug", action="store_true", help="log what is done to standard error")
    return made


def add_json(verb: argparse.ArgumentParser) -> None:
    """Give a verb ``--json``."""
    verb.add_argument("--json", action="store_true", help="print one JSON object")


def without_display(program: str) -> int:
    """Say why there is no window, and what there is; returns the status."""
    sentence = translate("cli", "No desktop answers here, so there is no window.")
    hint = translate("cli", "“{program} --help” lists what it does in a terminal.").format(program=program)
    sys.stderr.write(f"{sentence} {hint}\n")
    return Exit.CANNOT


def add_rest(verb: argparse.ArgumentParser, name: str, text: str) -> None:
    """Give a verb words of any number, last; those that begin with ``-`` stand behind ``--``.

    argparse alone gives up where an option stands between the verb's other words and ``--``.
    """
    verb.add_argument(name, nargs="*", default=[], help=text)  # without one, argparse wants a word
    assert isinstance(verb, _Parser)
    verb.rest = name


def _write(stream: TextIO, data: Mapping[str, Any]) -> None:
    text = json.dumps(data, ensure_ascii=False, indent=None, default=str)
    if _fitting(stream, text) != text:
        text = json.dumps(data, ensure_ascii=True, indent=None, default=str)
    stream.write(_CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n")
    stream.flush()


def _fitting(stream: TextIO, text: str) -> str:
    """``text`` with what the stream's encoding lacks replaced: a name in odd bytes, an old locale."""
    encoding = stream.encoding or "utf-8"
    return text.encode(encoding, "replace").decode(encoding)


def _shown(text: str) -> str:
    """``text`` for a terminal: what it quotes (a file's name, a guest's words) must not steer it."""
    return _CONTROLS.sub("\ufffd", text)


def _interrupt(_number: int, _frame: object) -> None:
    raise Cancelled


def run(
    made: argparse.ArgumentParser,
    argv: Sequence[str] | None,
    *,
    translate: Translate = english,
) -> int:
    """Parse ``argv``, run the chosen verb (its ``verb`` default), render the outcome; returns the status."""
    _Words.translate = staticmethod(translate)
    _Parser.argv = sys.argv[1:] if argv is None else argv
    options = made.parse_args(argv)
    logging.basicConfig(
        level=logging.DEBUG if options.debug else logging.WARNING,
        format="%(levelname)s %(name)s: %(message)s",
    )
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    as_json = bool(getattr(options, "json", False))
    try:
        reply: Reply = options.verb(options)
    except NeuronError as error:
        return _failed(error, options, translate)
    except OSError as error:  # a full disk, a folder that is not there: no bug, and no reason for a traceback
        return _failed(_of_system(error), options, translate)
    except (Cancelled, KeyboardInterrupt):
        sentence = translate("cli", "Cancelled.")
        if as_json:
            _write(
                sys.stdout, {"error": {"code": "cancelled", "message": sentence, "hint": "", "details": ""}}
            )
        else:
            sys.stderr.write(f"{sentence}\n")
        return Exit.CANCELLED
    try:
        if as_json:
            _write(sys.stdout, reply.data)
        elif reply.exact is not None and not sys.stdout.isatty():
            sys.stdout.flush()
            sys.stdout.buffer.write(reply.exact)
            sys.stdout.buffer.flush()
        elif reply.text:
            text = _fitting(sys.stdout, reply.text.rstrip("\n") + "\n")
            sys.stdout.write(_shown(text) if sys.stdout.isatty() else text)
            sys.stdout.flush()
    except BrokenPipeError:  # "… | head": whoever reads has seen enough
        # Python flushes once more at its end, and would complain there (docs: "Note on SIGPIPE").
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return reply.exit


def _of_system(error: OSError) -> SystemAccessError:
    where = error.filename2 or error.filename
    problem = error.strerror or str(error) or type(error).__name__
    if where is None:
        return SystemAccessError("system.refused", problem=problem, details=repr(error))
    path = os.fsdecode(where) if isinstance(where, (str, bytes, os.PathLike)) else str(where)
    return SystemAccessError("system.file-refused", path=path, problem=problem, details=repr(error))


def _failed(error: NeuronError, options: argparse.Namespace, translate: Translate) -> Exit:
    if getattr(options, "json", False):
        _write(sys.stdout, {"error": error.as_json(translate)})
    else:
        said = f"{error.sentence(translate)}\n{error.hint(translate)}\n"
        if error.details and options.debug:
            said += f"{error.details}\n"
        elif error.details:
            said += translate("cli", "“--debug” before the verb shows the details.") + "\n"
        sys.stderr.write(_shown(said))
    return error.exit


def bytes_text(size: float) -> str:
    """A size for a person: "1.4 GiB"."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" or size >= 100 else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"


def seconds_text(seconds: float) -> str:
    """A duration for a person: "2:05"."""
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"


class ProgressLine:
    """Renders progress on one line of a terminal's standard error; silent elsewhere."""

    def __init__(self, stream: TextIO = sys.stderr) -> None:
        self._stream = stream
        self._live = stream.isatty()

    def __call__(self, view: ProgressView) -> None:
        """Draw ``view`` over the line drawn before."""
        if not self._live:
            return
        size = bytes_text if view.unit == "bytes" else str
        parts = [size(view.done) if view.total is None else f"{size(view.done)} / {size(view.total)}"]
        if view.remaining is not None:
            parts.append(f"{seconds_text(view.remaining)} left")
        parts.append(view.item)
        self._stream.write("\r\x1b[K" + "  ".join(parts)[:100])
        self._stream.flush()

    def clear(self) -> None:
        """Leave an empty line."""
        if self._live:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
