"""The kernel's command line as the kernel splits it: by white space outside double quotes.

Source: kernel ``lib/cmdline.c`` ``next_arg`` (quotes may begin at the value or at the word) and
``kernel/params.c`` (``-`` and ``_`` are the same in a parameter's name).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from libneuron.hardware.boot.sharing import Share


@dataclass(frozen=True)
class Wish:
    """How the machine should start.

    Of the command line: ``set`` words that it should hold, and words that should not be there. Beside it:
    ``bind`` are the addresses of functions that vfio-pci should have, ``share`` Looking Glass's memory.

    In ``unset`` a bare name means every word of that name, "name=value" this very word alone.
    A ``set`` word "name=value" replaces every other value of that name, except where the name is one of
    :data:`REPEATABLE` (then it is only added).
    """

    set: tuple[str, ...] = ()
    unset: tuple[str, ...] = ()
    bind: tuple[str, ...] = ()
    share: Share | None = None


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


def _key(word: str) -> str:
    """The whole word in the spelling that compares equal."""
    return name(word) + word.strip('"').removeprefix(word.strip('"').partition("=")[0])


def _edited(words: Iterable[str], wish: Wish, placed: set[str]) -> list[str | None]:
    """Each word as it will be, None where it goes; ``placed`` collects the names that are set by now."""
    unset = {_key(word) for word in wish.unset}
    wanted = {name(word): word for word in wish.set if name(word) not in REPEATABLE}
    kept: list[str | None] = []
    for word in words:
        key = name(word)
        if key in unset or _key(word) in unset:
            kept.append(None)
        elif key in wanted:
            kept.append(None if key in placed else wanted[key])
            placed.add(key)
        else:
            kept.append(word)
    return kept


def _missing(there: Collection[str], wish: Wish, placed: set[str]) -> list[str]:
    wanted = {name(word): word for word in wish.set if name(word) not in REPEATABLE}
    new = [word for key, word in wanted.items() if key not in placed]
    return new + [word for word in dict.fromkeys(wish.set) if name(word) in REPEATABLE and word not in there]


def apply(words: Iterable[str], wish: Wish) -> list[str]:
    """The words after ``wish``: order kept, a replaced word stays where it was, new ones at the end."""
    placed: set[str] = set()
    kept = [word for word in _edited(words, wish, placed) if word is not None]
    return kept + _missing(kept, wish, placed)


def change_lines(lines: Sequence[str], wish: Wish, target: int | None) -> tuple[list[str], list[str]]:
    """The same for a list that stands on several lines, white space kept; new words join line ``target``.

    Returns the lines, and what is still missing where ``target`` is None.
    """
    placed: set[str] = set()
    split_up = [_Line(line) for line in lines]
    for line in split_up:
        line.words = _edited((word for word in line.words if word), wish, placed)
    missing = _missing([word for line in split_up for word in line.words if word], wish, placed)
    if target is not None:
        split_up[target].words += missing
        missing = []
    return [line.text() for line in split_up], missing


def swap_lines(
    lines: Sequence[str], given: Collection[str], taken: Sequence[str], target: int | None
) -> list[str]:
    """Lines without the words ``given``, and with those of ``taken`` back in the place of their namesakes.

    A word of ``taken`` without a namesake joins line ``target``, if its name stands nowhere.
    """
    split_up = [_Line(line) for line in lines]
    back = {name(word): word for word in taken if name(word) not in REPEATABLE}
    for line in split_up:
        line.words = [back.get(name(word)) if word in given else word for word in line.words if word]
    if target is not None:
        there = {name(word) for line in split_up for word in line.words if word}
        ours = {name(word) for word in given}
        split_up[target].words += [
            word for word in taken if name(word) not in there and name(word) not in ours
        ]
    return [line.text() for line in split_up]


class _Line:
    """A line of words that remembers the white space before each of them, and after the last."""

    def __init__(self, text: str) -> None:
        body = text.rstrip()
        self._end = text[len(body) :]
        pieces = re.findall(r'(\s*)((?:[^\s"]|"[^"]*(?:"|$))+)', body)
        self._gaps = [gap for gap, _ in pieces]
        self.words: list[str | None] = [word for _, word in pieces]

    def text(self) -> str:
        """The line; the first word that is left begins where the first one began."""
        gaps = self._gaps + [" "] * (len(self.words) - len(self._gaps))
        kept = [(gap, word) for gap, word in zip(gaps, self.words, strict=True) if word is not None]
        start = self._gaps[0] if self._gaps else ""
        return (
            start + "".join(word if not at else gap + word for at, (gap, word) in enumerate(kept)) + self._end
        )


def satisfied(line: str, wish: Wish) -> bool:
    """Whether a running kernel's ``/proc/cmdline`` shows ``wish`` done (checked after the next boot)."""
    words = split(line)
    return apply(words, wish) == words
