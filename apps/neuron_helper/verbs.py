"""What a verb of the helper is. A domain adds a module with its VERBS; __main__ puts them together.

Arguments arrive from any process of any person. Each verb names a validator for each argument; none
takes a path.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from libneuron.progress import Progress
from libneuron.system.helper import HelperError


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
