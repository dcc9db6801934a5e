"""``neuron-hardware-advisor``: verbs on the command line; without one the window."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from libneuron.cli import run, without_display
from libneuron.system import display
from neuron_hardware_advisor.commands import build


def main(argv: Sequence[str] | None = None) -> int:
    """Run the app; returns the exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["--installer"]:
        from neuron_hardware_advisor.installer_window import main as choose

        return choose(words[1:])
    if not words and not display.answers(os.environ):
        return without_display("neuron-hardware-advisor")
    if not words:
        from neuron_hardware_advisor.window import main as show

        return show()
    return run(build(), words)


if __name__ == "__main__":
    sys.exit(main())
