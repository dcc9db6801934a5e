"""The suite's one error model: a stable code, and one table entry that says it to a person.

Library code raises a subclass of :class:`NeuronError`; it never prints and never exits. Each domain has one
subclass whose ``texts`` maps its codes to :class:`Message`. The sentences are marked with
:func:`QT_TRANSLATE_NOOP` so that ``lupdate`` finds them although no Qt is imported here; a face passes its
own ``translate`` callable, and without one the text is English.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar

Translate = Callable[[str, str], str]
"""(context, source text) → text in the person's language."""


def QT_TRANSLATE_NOOP(context: str, text: str) -> tuple[str, str]:  # noqa: N802 — the name lupdate looks for
    """Mark ``text`` for translation in ``context`` and return both."""
    return context, text


def english(_context: str, text: str) -> str:
    """The ``translate`` of a face without translations."""
    return text


class Exit(IntEnum):
    """Exit status of every command of the suite."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    CANNOT = 3
    CANCELLED = 130


@dataclass(frozen=True)
class Message:
    """What a code means to a person: what happened, and what to do. Both may hold ``{name}`` placeholders."""

    sentence: tuple[str, str]
    hint: tuple[str, str]
    exit: Exit = Exit.FAILED


class NeuronError(Exception):
    """Base of everything the library raises on purpose.

    ``code`` is stable ("guest.vm-not-found") and must be in the class's ``texts``; ``params`` fill the
    placeholders; ``details`` is technical text shown only on request, never a secret.
    """

    texts: ClassVar[Mapping[str, Message]] = {}

    def __init__(self, code: str, /, *, details: str = "", **params: object) -> None:
        self.message = self.texts[code]
        self.code = code
        self.details = details
        self.params = params
        super().__init__(self.sentence())

    def __reduce__(self) -> tuple[Callable[[], NeuronError], tuple[()]]:
        # How it crosses from a process that works to the one with the window.
        return functools.partial(type(self), self.code, details=self.details, **self.params), ()

    def sentence(self, translate: Translate = english) -> str:
        """What happened, one sentence."""
        return translate(*self.message.sentence).format_map(self.params)

    def hint(self, translate: Translate = english) -> str:
        """What to do next, one sentence."""
        return translate(*self.message.hint).format_map(self.params)

    @property
    def exit(self) -> Exit:
        """The exit status a command ends with."""
        return self.message.exit

    def as_json(self, translate: Translate = english) -> dict[str, str]:
        """The ``error`` object of every ``--json`` output."""
        return {
            "code": self.code,
            "message": self.sentence(translate),
            "hint": self.hint(translate),
            "details": self.details,
        }


class Cancelled(Exception):  # noqa: N818 — a person's wish, not an error
    """The person cancelled; what was half done has been undone or can be resumed."""
