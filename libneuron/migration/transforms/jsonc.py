"""JSON with comments and trailing commas: the top object's members with their places in the text.

Source: the behaviour of VS Code's own parser (microsoft/node-jsonc-parser), which this follows for // and
/* */ comments and trailing commas.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

_SPACE = re.compile(r"(?:[ \t\r\n\ufeff]+|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_WORD = re.compile(r"[^\s,\]}:/]+")
_DEPTH = 200


@dataclass(frozen=True)
class Member:
    """One member of the top object: its key, its value, where the key begins, the value begins and ends."""

    key: str
    value: object
    start: int
    value_start: int
    end: int


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def fail(self, wanted: str) -> ValueError:
        line = self.text.count("\n", 0, self.at) + 1
        return ValueError(f"line {line}: expected {wanted}")

    def space(self) -> None:
        found = _SPACE.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def peek(self) -> str:
        self.space()
        return self.text[self.at : self.at + 1]

    def take(self, sign: str) -> None:
        if self.peek() != sign:
            raise self.fail(f"“{sign}”")
        self.at += 1

    def string(self) -> str:
        if self.peek() != '"':
            raise self.fail("a text in quotes")
        value, end = json.JSONDecoder(strict=False).raw_decode(self.text, self.at)
        self.at = end
        return str(value)

    def value(self, depth: int) -> object:
        if depth > _DEPTH:
            raise self.fail("fewer nested levels")
        sign = self.peek()
        if sign == '"':
            return self.string()
        if sign == "{":
            return {member.key: member.value for member in self.object(depth)}
        if sign == "[":
            return self.array(depth)
        found = _WORD.match(self.text, self.at)
        if found is None:
            raise self.fail("a value")
        value: object = json.loads(found.group())
        self.at = found.end()
        return value

    def array(self, depth: int) -> list[object]:
        self.take("[")
        values = []
        while self.peek() != "]":
            values.append(self.value(depth + 1))
            if self.peek() == ",":
                self.at += 1
            elif self.peek() != "]":
                raise self.fail("“,” or “]”")
        self.at += 1
        return values

    def object(self, depth: int) -> list[Member]:
        self.take("{")
        found = []
        while self.peek() != "}":
            start = self.at
            key = self.string()
            self.take(":")
            self.space()
            value_start = self.at
            value = self.value(depth + 1)
            found.append(Member(key, value, start, value_start, self.at))
            if self.peek() == ",":
                self.at += 1
            elif self.peek() != "}":
                raise self.fail("“,” or “}”")
        self.at += 1
        return found


def members(text: str) -> list[Member]:
    """The members of the object that ``text`` is. Raises: ValueError with the line."""
    reader = _Reader(text)
    if not reader.peek():
        return []
    found = reader.object(0)
    if reader.peek():
        raise reader.fail("the end")
    return found


def loads(text: str) -> object:
    """The value that ``text`` is. Raises: ValueError with the line."""
    reader = _Reader(text)
    value = reader.value(0)
    if reader.peek():
        raise reader.fail("the end")
    return value


def edited(
    text: str, listed: Sequence[Member], *, drop: Sequence[Member], change: Sequence[tuple[Member, str]]
) -> str:
    """``text``, whose members are ``listed``, without those in ``drop`` and with new values for ``change``.

    No comma is left behind before the closing brace, so that stricter readers can read it too.
    """
    edits = [(member.value_start, member.end, value) for member, value in change]
    edits += [(member.start, _after_comma(text, member.end), "") for member in drop]
    left = [member for member in listed if member not in drop]
    if left and left[-1] is not listed[-1]:
        after = _after_comma(text, left[-1].end)
        if text[after - 1] == ",":
            edits.append((after - 1, after, ""))
    for start, end, value in sorted(edits, reverse=True):
        text = text[:start] + value + text[end:]
    return text


def extended(text: str, added: Sequence[str]) -> str:
    """``text`` with more members, written as ``"key": value``, behind its last one; all else stays."""
    listed = members(text)
    inner = "".join(f",\n    {one}" for one in added)
    if listed:
        at = listed[-1].end  # a comma that stands behind it stands behind the new last one then
        return text[:at] + inner + text[at:]
    reader = _Reader(text)
    if not reader.peek():
        return text + "{" + inner.removeprefix(",") + "\n}\n"
    at = reader.at + 1
    return text[:at] + inner.removeprefix(",") + "\n" + text[at:]


def _after_comma(text: str, at: int) -> int:
    reader = _Reader(text)
    reader.at = at
    return reader.at + 1 if reader.peek() == "," else at
