"""neuron-migration-assistant: the wizard, or one verb of the command line."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from libneuron.system import display


def main(argv: Sequence[str] | None = None) -> int:
    """Run the verb that was named; without one the wizard opens. Only that loads Qt."""
    words = sys.argv[1:] if argv is None else list(argv)
    if words:
        from neuron_migration_assistant.commands import main as commands

        return commands(words)
    if not display.answers(os.environ):
        from libneuron.cli import without_display

        return without_display("neuron-migration-assistant")
    from neuron_migration_assistant.gui import main as gui

    return gui()


if __name__ == "__main__":
    sys.exit(main())
