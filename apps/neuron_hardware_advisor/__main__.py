"""``neuron-hardware-advisor``: the command line."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from libneuron.cli import run
from neuron_hardware_advisor.commands import build


def main(argv: Sequence[str] | None = None) -> int:
    """Run a verb; returns the exit status."""
    return run(build(), argv)


if __name__ == "__main__":
    sys.exit(main())
