"""``neuron-hardware-advisor``: verbs on the command line; without one the window."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from libneuron.cli import run
from neuron_hardware_advisor.commands import build


def _wants_window(words: Sequence[str]) -> bool:
    return not words and any(name in os.environ for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the app; returns the exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["--installer"]:
        from neuron_hardware_advisor.installer_window import main as choose

        return choose(words[1:])
    if _wants_window(words):
        from neuron_hardware_advisor.window import main as show

        return show()
    return run(build(), words)


if __name__ == "__main__":
    sys.exit(main())
