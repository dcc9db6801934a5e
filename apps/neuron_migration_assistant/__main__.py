"""neuron-migration-assistant: the wizard, or one verb of the command line."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run the verb that was named; without one the wizard opens."""
    from neuron_migration_assistant.commands import main as commands

    return commands(argv)


if __name__ == "__main__":
    sys.exit(main())
