"""Command lines for CreateProcessW, which takes one string and not a list.

The rules are those of ``CommandLineToArgvW`` and of the C runtime's start-up code (Microsoft, "Parsing C
Command-Line Arguments"): backslashes are literal unless they precede a quote, where they are doubled.
"""

from __future__ import annotations

from collections.abc import Sequence

from neuron_guest.backend import BackendError

MAXIMUM = 32767
"""Characters that CreateProcessW takes, the closing zero included."""


def command_line(program: str, arguments: Sequence[str]) -> str:
    """One command line that a program parses back to exactly these words.

    Raises: BackendError bad-argument for what no quoting can carry (a zero, a quote in the program's name,
    too long).
    """
    if '"' in program:
        raise BackendError("bad-argument", "a program's name cannot hold a quotation mark")
    # The first word is parsed by a rule of its own: a quote ends it, a backslash is never special.
    line = " ".join([f'"{program}"', *map(quoted, arguments)])
    if "\0" in line:
        raise BackendError("bad-argument", "an argument cannot hold a zero character")
    if len(line.encode("utf-16-le", "surrogatepass")) // 2 >= MAXIMUM:
        raise BackendError("bad-argument", "the arguments are longer than Windows can pass")
    return line


def quoted(word: str) -> str:
    """One argument, quoted only where it must be."""
    if word and not any(mark in word for mark in ' \t\n\v"'):
        return word
    pieces = ['"']
    slashes = 0
    for mark in word:
        if mark == "\\":
            slashes += 1
            continue
        pieces.append("\\" * (slashes * 2 + 1 if mark == '"' else slashes) + mark)
        slashes = 0
    return "".join([*pieces, "\\" * (slashes * 2), '"'])
