"""``./dev bench [NAME]``: every module of this folder with a ``main() -> int`` is a bench."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

_OWN = {"__init__", "__main__", "table"}


def names() -> list[str]:
    """The benches there are."""
    return sorted(
        path.stem
        for path in Path(__file__).parent.glob("*.py")
        if path.stem not in _OWN and "def main() -> int:" in path.read_text("utf-8")
    )


def run(wanted: list[str]) -> int:
    """Run the named benches, or all; returns the exit status."""
    known = names()
    unknown = [name for name in wanted if name not in known]
    if unknown:
        print(f"No bench “{unknown[0]}”. There are: {', '.join(known)}", file=sys.stderr)
        return 2
    return max((importlib.import_module(f"tests.bench.{name}").main() for name in wanted or known), default=0)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
