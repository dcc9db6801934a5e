"""Shell-style assignments in configuration files: change one value and keep every other byte.

Serves /etc/default/grub (sourced by sh) and Limine's and limine-entry-tool's files. Only the simple forms
that these files use are understood; anything else is refused, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_SIMPLE = re.compile(r"[\w./:=,@%+-]*")
_ASSIGN = r"^(?P<head>[ \t]*(?:export[ \t]+)?{name}=)(?P<value>.*?)(?P<tail>[ \t]*(?:[ \t]#.*)?)$"


class NotSimple(ValueError):  # noqa: N818 — says what the value is
    """The value is computed by the shell; a person must edit it."""


def unquote(value: str) -> str:
    """The text of a quoted or bare value. Raises: NotSimple for substitutions and concatenations."""
    if len(value) >= 2 and value[0] == value[-1] == "'" and "'" not in value[1:-1]:
        return value[1:-1]
    if len(value) >= 2 and value[0] == value[-1] == '"':
        inner = value[1:-1]
        plain = re.sub(r'\\(["\\$`])', "", inner)
        if not re.search(r'["$`\\]', plain):
            return re.sub(r'\\(["\\$`])', r"\1", inner)
    elif _SIMPLE.fullmatch(value):
        return value
    raise NotSimple(value)


def quote(text: str) -> str:
    """``text`` as a double-quoted value."""
    return '"' + re.sub(r'(["\\$`])', r"\\\1", text) + '"'


def change(content: str, name: str, edit: Callable[[str], str]) -> str:
    """``content`` with the value of ``name`` run through ``edit``; the last assignment counts (as in sh).

    An absent name is added at the end. Raises: NotSimple.
    """
    found = list(re.finditer(_ASSIGN.format(name=re.escape(name)), content, re.MULTILINE))
    if not found:
        value = edit("")
        gap = "" if not content or content.endswith("\n") else "\n"
        return f"{content}{gap}{name}={quote(value)}\n"
    last = found[-1]
    old = unquote(last["value"])
    new = edit(old)
    if new == old:
        return content
    start, end = last.span("value")
    return content[:start] + quote(new) + content[end:]
