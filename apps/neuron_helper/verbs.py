"""What a verb of the helper is. A domain adds a module with its VERBS; __main__ puts them together.

Arguments arrive from any process of any person. Each verb names a validator for each argument; none
takes a path.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from libneuron.errors import QT_TRANSLATE_NOOP, Exit, Message, NeuronError
from libneuron.progress import Progress

_TEXTS = {
    "helper.bad-argument": Message(
        QT_TRANSLATE_NOOP("helper", "“{name}” is not acceptable."),
        QT_TRANSLATE_NOOP("helper", "This is a mistake of the program that asked; please report it."),
        Exit.USAGE,
    ),
    "helper.denied": Message(
        QT_TRANSLATE_NOOP("helper", "Permission was not given."),
        QT_TRANSLATE_NOOP("helper", "Ask an administrator, or try again and enter the password."),
        Exit.CANNOT,
    ),
    "helper.no-answer": Message(
        QT_TRANSLATE_NOOP("helper", "The permission service did not answer."),
        QT_TRANSLATE_NOOP("helper", "Restart the polkit service, then try again."),
        Exit.CANNOT,
    ),
    "helper.bug": Message(
        QT_TRANSLATE_NOOP("helper", "The helper made a mistake and stopped."),
        QT_TRANSLATE_NOOP("helper", "Please report it; the system's log has the details."),
    ),
}


class HelperError(NeuronError):
    """The helper refused."""

    texts = _TEXTS


@dataclass(frozen=True)
class Argument:
    """One argument: its D-Bus type ("s" or "b") and what it may be."""

    name: str
    type: str
    accepts: Callable[[Any], bool]


@dataclass(frozen=True)
class Verb:
    """One method. ``action`` is the polkit action; ``run`` gets the checked arguments by name and a
    progress, and returns JSON data. ``interaction``: whether polkit may ask the person for a password."""

    name: str
    action: str
    arguments: tuple[Argument, ...]
    run: Callable[[Mapping[str, Any], Progress], Any]
    interaction: bool = True

    @property
    def signature(self) -> str:
        """The D-Bus signature of what goes in."""
        return "".join(argument.type for argument in self.arguments)

    def read(self, body: list[Any]) -> dict[str, Any]:
        """The arguments by name. Raises: HelperError bad-argument."""
        if len(body) != len(self.arguments):
            raise HelperError("helper.bad-argument", name=self.name)
        kinds = {"s": str, "b": bool}
        for argument, value in zip(self.arguments, body, strict=True):
            if type(value) is not kinds[argument.type] or not argument.accepts(value):
                raise HelperError("helper.bad-argument", name=argument.name)
        return {argument.name: value for argument, value in zip(self.arguments, body, strict=True)}


def matching(name: str, pattern: str) -> Argument:
    """A text argument that must match ``pattern`` as a whole."""
    compiled = re.compile(pattern, re.ASCII)
    return Argument(name, "s", lambda value: compiled.fullmatch(value) is not None)


def switch(name: str) -> Argument:
    """A yes or no."""
    return Argument(name, "b", lambda _value: True)
