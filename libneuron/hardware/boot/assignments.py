"""Shell-style assignments in configuration files, found so that one value changes and no other byte does.

Serves /etc/default/grub and its drop-ins (sourced by sh) and limine-entry-tool's file. Only the simple forms
that these files use are understood; anything else is refused, never guessed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_BARE = re.compile(r"[\w./:=,@%+-]*")
_FORM = r"""
    (?:"(?P<double>(?:[^"\\]|\\.)*)"|'(?P<single>[^']*)'|(?P<bare>[^\s"'#;]*))
    [ \t]*;?[ \t]*(?:(?<=[ \t;])\#[^\n]*)?$
"""


class NotSimple(ValueError):  # noqa: N818 — says what the value is
    """The value is computed by the shell; a person must edit it."""


class OpenQuote(NotSimple):
    """A quotation mark is never closed: the kernel takes all that follows, ours too, as one word."""


@dataclass(frozen=True)
class Assignment:
    """Where a value stands (``start`` to ``end``, without its quotes). ``appends``: it adds to what was set
    before, by ``+=`` or by naming itself. ``bare``: it has no quotes yet."""

    name: str
    start: int
    end: int
    appends: bool
    bare: bool


def find(text: str, *names: str) -> tuple[Assignment, ...]:
    """Every assignment of ``names``, in order. Raises: NotSimple where one is not a plain text."""
    either = "|".join(map(re.escape, names))
    head = re.compile(rf"^[ \t]*(?:export[ \t]+)?(?P<name>{either})(?P<more>\+?)=", re.MULTILINE)
    form = re.compile(_FORM, re.MULTILINE | re.DOTALL | re.VERBOSE)
    found = []
    for start in head.finditer(text):
        match = form.match(text, start.end())
        if match is None:
            raise NotSimple(text[start.end() :].partition("\n")[0])
        kind = next(kind for kind in ("double", "single", "bare") if match[kind] is not None)
        own = _check(match[kind], kind, start["name"])
        found.append(Assignment(start["name"], *match.span(kind), bool(start["more"]) or own, kind == "bare"))
    return tuple(found)


def _check(value: str, kind: str, name: str) -> bool:
    """Whether the value names its own variable. Raises: NotSimple if the shell computes anything else."""
    if kind == "bare":
        if not _BARE.fullmatch(value):
            raise NotSimple(value)
        return False
    if "\n" in value:
        raise NotSimple(value)
    if kind == "single":
        return False
    plain = re.sub(r'\\["\\$`]', "", value)
    other = re.sub(rf"\$(?:\{{{re.escape(name)}\}}|{re.escape(name)}(?!\w))", "", plain)
    if re.search(r"[$`\\]", other):
        raise NotSimple(value)
    return other != plain
