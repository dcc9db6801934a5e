"""Adding settings of Windows to a file that the person has here. Pure.

Every merge keeps the bytes of the person's file in one piece, and adds in front or behind, wherever the
program lets the person's own value win: git and npm take the last value of a key, ssh the first.
Sources: git-config(1) "the last value wins"; npm, ini format; ssh_config(5) "the first obtained value".
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_MARK = b"\xef\xbb\xbf"
_OTHER_NAME = re.compile(r"(?:Identity|Certificate)File .*\(from Windows[^)]*\)", re.IGNORECASE)
_HOST = re.compile(r"^\s*(?:Host|Match)\b", re.IGNORECASE)

Note = tuple[str, dict[str, str]]


def text_of(existing: bytes) -> str:
    """The person's file for looking things up; what is not UTF-8 does not matter for that."""
    return existing.removeprefix(_MARK).decode("utf-8", "replace")


def in_front(existing: bytes, added: str) -> bytes:
    """``added`` before the person's bytes; a byte order mark stays the first thing."""
    if not added:
        return existing
    mark = _MARK if existing.startswith(_MARK) else b""
    return mark + added.encode() + existing[len(mark) :]


def behind(existing: bytes, added: str) -> bytes:
    """``added`` after the person's bytes, on a line of its own."""
    if not added:
        return existing
    gap = b"" if not existing or existing.endswith(b"\n") else b"\n"
    return existing + gap + added.encode()


def kept(key: str, value: str) -> Note:
    """The note about a value of Windows that gives way to the person's own."""
    return ("setting-kept", {"key": key, "value": value})


def new_lines(existing: bytes, lines: Iterable[str]) -> str:
    """Those of ``lines`` that the person's file does not have, for :func:`behind`."""
    there = set(text_of(existing).splitlines())
    return "".join(f"{line}\n" for line in dict.fromkeys(lines) if line.strip() and line not in there)


def ssh_blocks(existing: bytes, text: str) -> str:
    """What of ``ssh_config`` text is to be added behind: blocks that are not there word for word.

    Lines before the first ``Host`` hold for all hosts: they get a ``Host *``, or they would belong to the
    person's last block.
    """
    there = {_key(block) for block in _blocks(text_of(existing))}
    blocks = dict.fromkeys(_blocks(text))
    anchored = [block if _HOST.match(block) else f"Host *\n{block}" for block in blocks]
    return "".join(f"{block}\n" for block in anchored if _key(block) not in there)


def _blocks(text: str) -> list[str]:
    blocks: list[list[str]] = [[]]
    for line in text.splitlines():
        if _HOST.match(line):
            blocks.append([])
        if line.strip():
            blocks[-1].append(line.rstrip())
    return ["\n".join(block) for block in blocks if any(not one.lstrip().startswith("#") for one in block)]


def _key(block: str) -> str:
    """What makes two blocks the same: all but the other names that an earlier migration gave to keys."""
    return "\n".join(line for line in block.split("\n") if not _OTHER_NAME.search(line))
