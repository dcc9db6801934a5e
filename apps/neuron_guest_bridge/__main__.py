"""Entry point: verbs on the command line; without one the window, or with no display the demo."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from libneuron.system import display

_WITH_VALUE = ("--connect", "--delay")


def names_a_verb(words: Sequence[str]) -> bool:
    """Whether a word is neither an option nor the value of one of the window's options."""
    before = ["", *words]
    return any(
        not word.startswith("-") and last not in _WITH_VALUE
        for last, word in zip(before, words, strict=False)
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the app; returns the exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    alone = not names_a_verb(words) and not {"-h", "--help"} & set(words)
    if alone and display.answers(os.environ):
        # Nothing of the command line is loaded here: the tray's icon comes first.
        from neuron_guest_bridge import window

        return window.main(words)
    from libneuron import cli
    from neuron_guest_bridge.cli import parser, run_demo

    made = parser()
    if alone:
        made.set_defaults(verb=run_demo)
    return cli.run(made, words)


if __name__ == "__main__":
    sys.exit(main())
