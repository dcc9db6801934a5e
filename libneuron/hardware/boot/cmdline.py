"""The kernel's command line as the kernel splits it: by white space outside double quotes.

Source: kernel ``lib/cmdline.c`` ``next_arg`` (quotes may begin at the value or at the word) and
``kernel/params.c`` (``-`` and ``_`` are the same in a parameter's name).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Wish:
    """What the command line should hold: ``set`` words, and names that should not be there at all.

    A ``set`` word "name=value" replaces every other value of that name, except where the name is one of
    :data:`REPEATABLE` (then it is only added).
    """

    set: tuple[str, ...] = ()
    unset: tuple[str, ...] = ()


REPEATABLE = frozenset({"console", "earlycon", "pci", "module_blacklist", "video", "rd.driver.pre"})
"""Parameters that the kernel (or the initramfs) reads more than once."""


def split(line: str) -> list[str]:
    """Words of a command line; quotes stay part of their word, so joining gives the same line back."""
    words: list[str] = []
    word = ""
    quoted = False
    for letter in line:
        if letter == '"':
            quoted = not quoted
        if letter.isspace() and not quoted:
            if word:
                words.append(word)
            word = ""
        else:
            word += letter
    return [*words, word] if word else words


def name(word: str) -> str:
    """A word's parameter name, in the one spelling that compares equal ("intel_iommu")."""
    return word.strip('"').partition("=")[0].replace("-", "_")


def apply(words: Iterable[str], wish: Wish) -> list[str]:
    """The words after ``wish``: order kept, a replaced word stays where it was, new ones at the end."""
    unset = {name(word) for word in wish.unset}
    wanted = {name(word): word for word in wish.set if name(word) not in REPEATABLE}
    kept: list[str] = []
    placed: set[str] = set()
    for word in words:
        key = name(word)
        if key in unset:
            continue
        if key in wanted:
            if key in placed:
                continue
            placed.add(key)
            word = wanted[key]
        kept.append(word)
    kept += [word for key, word in wanted.items() if key not in placed]
    return kept + [word for word in wish.set if name(word) in REPEATABLE and word not in kept]


def satisfied(line: str, wish: Wish) -> bool:
    """Whether a running kernel's ``/proc/cmdline`` shows ``wish`` done (checked after the next boot)."""
    words = split(line)
    return apply(words, wish) == words
