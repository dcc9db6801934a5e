"""neuron-migration-assistant: the wizard, or one verb of the command line."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run the verb that was named; without one the wizard opens. Only that loads Qt."""
    words = sys.argv[1:] if argv is None else list(argv)
    if words or not (
        os.environ.get("WAYLAND_DISPLAY") or os.environ.get("DISPLAY") or os.environ.get("QT_QPA_PLATFORM")
    ):
        from neuron_migration_assistant.commands import main as commands

        return commands(words)
    from neuron_migration_assistant.gui import main as gui

    return gui()


if __name__ == "__main__":
    sys.exit(main())
