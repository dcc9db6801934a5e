"""Entry point: verbs on the command line; without one the window, or with no display the demo."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Sequence

from libneuron import cli
from neuron_guest_bridge.cli import parser, run_demo


def _has_display() -> bool:
    return bool(
        os.environ.get("WAYLAND_DISPLAY") or os.environ.get("DISPLAY") or os.environ.get("QT_QPA_PLATFORM")
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the app; returns the exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    made = parser()
    if not any(not word.startswith("-") for word in words) and not {"-h", "--help"} & set(words):
        if _has_display() and importlib.util.find_spec("neuron_guest_bridge.window") is not None:
            window = importlib.import_module("neuron_guest_bridge.window")
            return int(window.main(words))
        made.set_defaults(verb=run_demo)
    return cli.run(made, words)


if __name__ == "__main__":
    sys.exit(main())
