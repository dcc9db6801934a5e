"""Names in the home: what this file system can hold, and a second name where the first is taken. Pure."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator

LIMIT = 255
"""Bytes in one name on ext4, btrfs, XFS; NTFS allows 255 UTF-16 units, up to 765 bytes."""
TEMPORARY = ".neuron-migration-"
"""Prefix of files that are still being written."""


def split(name: str) -> tuple[str, str]:
    """Stem and suffix: ("photo", ".jpg"), (".bashrc", ""), ("archive.tar", ".gz")."""
    place = name.rfind(".")
    return (name, "") if place <= 0 or not name[:place].strip(".") else (name[:place], name[place:])


def fitting(name: str) -> str:
    """``name``, or a shortened one of at most 255 bytes that keeps the suffix.

    Two long names that differ only past the cut stay different through a checksum of the whole name.
    """
    # A character takes four bytes at most; most names need not be encoded to know that they fit.
    if len(name) <= LIMIT // 4 or len(os.fsencode(name)) <= LIMIT:
        return name
    stem, suffix = split(name)
    if len(os.fsencode(suffix)) > 32:
        stem, suffix = name, ""
    mark = "~" + hashlib.sha256(os.fsencode(name)).hexdigest()[:8]
    return _cut(stem, LIMIT - len(os.fsencode(mark + suffix))) + mark + suffix


def _cut(text: str, size: int) -> str:
    # Whole characters only: half a character would be an undecodable name.
    while len(os.fsencode(text)) > size:
        text = text[:-1]
    return text


def others(name: str) -> Iterator[str]:
    """Names to try where ``name`` is taken: "photo (from Windows).jpg", "photo (from Windows 2).jpg", …"""
    stem, suffix = split(name)
    if len(os.fsencode(suffix)) > 32:
        stem, suffix = name, ""
    count = 1
    while True:
        mark = " (from Windows)" if count == 1 else f" (from Windows {count})"
        yield _cut(stem, LIMIT - len(os.fsencode(mark + suffix))) + mark + suffix
        count += 1


def temporary(run: str, entry: int) -> str:
    """The name under which an entry is written; it follows from the journal, so none can be forgotten."""
    return f"{TEMPORARY}{run}-{entry:x}.part"
